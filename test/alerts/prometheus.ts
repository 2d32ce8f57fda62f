/**
 * A Prometheus of one's own, as an operator would set it up: it scrapes nodes and judges the rules
 * that `fanal rules print` writes, with their own waits.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printRules } from 'fanal-node/operate/rules.ts';
import { freePorts } from 'fanal-node/testnet/local.ts';

export interface FiringAlert {
  readonly name: string;
  readonly severity: string;
  readonly state: 'pending' | 'firing';
  /** The node that it is about, where there is one. */
  readonly instance: string | null;
}

const SECONDS = 2;

export function hasPrometheus(): boolean {
  return spawnSync('prometheus', ['--version']).error === undefined;
}

export class Prometheus {
  readonly url: string;
  readonly #child: ChildProcess;
  #words = '';

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
    child.stderr?.on('data', (bytes: Buffer) => {
      this.#words = (this.#words + bytes.toString()).slice(-4_000);
    });
  }

  /** @param operationPorts of the nodes on this machine */
  static async start(folder: string, operationPorts: readonly number[]): Promise<Prometheus> {
    const [port] = await freePorts(1);
    const targets = operationPorts.map((ops) => `127.0.0.1:${ops}`);
    writeFileSync(join(folder, 'rules.yml'), printRules());
    // JSON is YAML.
    const settings = {
      global: { scrape_interval: `${SECONDS}s`, evaluation_interval: `${SECONDS}s` },
      rule_files: ['rules.yml'],
      scrape_configs: [{ job_name: 'fanal-node', static_configs: [{ targets }] }],
    };
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(settings));
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'series')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    return new Prometheus(`http://127.0.0.1:${port}`, child);
  }

  /** Addresses of the nodes that it can scrape. */
  async up(): Promise<string[]> {
    const { activeTargets } = (await this.#ask('targets')) as {
      activeTargets: { health: string; labels: { instance: string } }[];
    };
    return activeTargets
      .filter(({ health }) => health === 'up')
      .map(({ labels }) => labels.instance);
  }

  /** Alerts that hold, pending or firing; the watchdog always does. */
  async alerts(): Promise<FiringAlert[]> {
    const { alerts } = (await this.#ask('alerts')) as {
      alerts: { labels: Record<string, string>; state: 'pending' | 'firing' }[];
    };
    return alerts.map(({ labels, state }) => ({
      name: labels.alertname as string,
      severity: labels.severity as string,
      state,
      instance: labels.instance ?? null,
    }));
  }

  async isFiring(name: string): Promise<boolean> {
    return (await this.alerts()).some((alert) => alert.name === name && alert.state === 'firing');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGTERM');
    await ended;
  }

  async #ask(what: string): Promise<unknown> {
    if (this.#child.exitCode !== null) throw new Error(`prometheus ended: ${this.#words}`);
    const response = await fetch(`${this.url}/api/v1/${what}`);
    const { data } = (await response.json()) as { data: unknown };
    return data;
  }
}
