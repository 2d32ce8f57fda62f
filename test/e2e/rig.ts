/**
 * What the end-to-end steps stand on: named steps that count, and a real network in a folder of
 * its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { freePorts } from '../../node/testnet/local.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const PICTURES = join(ROOT, 'artifacts/e2e');
/** How long a step may wait for what it expects, on a slow machine. */
export const STEP_MILLIS = 60_000;
const READY_MILLIS = 240_000;

/** Counts steps and prints each with its time. */
export class Steps {
  passed = 0;
  failed = 0;

  async run(name: string, work: () => Promise<string | void>): Promise<void> {
    const started = performance.now();
    try {
      const figure = await work();
      this.passed++;
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`✓ ${name}${figure === undefined ? '' : `: ${figure}`} (${seconds} s)`);
    } catch (error) {
      this.failed++;
      const lines = (error as Error).message.split('\n').slice(0, 8);
      console.log(`✗ ${name}\n  ${lines.join('\n  ')}`);
    }
  }
}

/** `fanal dev` as a person would run it. */
export class DevRun {
  readonly url: string;
  readonly #home: string;
  readonly #child: ChildProcess;
  #words = '';
  #summary = '';

  private constructor(home: string, port: number) {
    this.#home = home;
    this.url = `http://127.0.0.1:${port}`;
    this.#child = this.#spawn('--port', String(port));
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      this.#words = (this.#words + bytes).slice(-4_000);
    });
    this.#child.stdout?.on('data', (bytes: Buffer) => {
      this.#summary += bytes;
    });
  }

  static async start(): Promise<DevRun> {
    const [port] = (await freePorts(1)) as [number];
    return new DevRun(mkdtempSync(join(tmpdir(), 'fanal-e2e-')), port);
  }

  async untilReady(): Promise<void> {
    const deadline = Date.now() + READY_MILLIS;
    while (Date.now() < deadline) {
      if (this.#child.exitCode !== null) {
        throw new Error(`fanal dev ended with ${this.#child.exitCode}: ${this.#words}`);
      }
      if (this.#words.includes('Ready after')) return;
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error(`fanal dev was not ready in time: ${this.#words}`);
  }

  /** What it said about how long it took. */
  get readyLine(): string {
    return /Ready after [\d.]+ s/.exec(this.#words)?.[0] ?? 'not ready';
  }

  /** `fanal dev --kill WHAT` in a second terminal. */
  async kill(what: string): Promise<void> {
    const { code } = await this.command('dev', '--kill', what);
    if (code !== 0) throw new Error(`--kill ${what} ended with ${code}`);
  }

  /** Whether every validator says of itself that it is ready. */
  async areAllReady(): Promise<boolean> {
    const urls = [...this.#summary.matchAll(/val-\d+ {2}(http:\S+)/g)].map(([, url]) => url);
    const answers = urls.map((url) =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return urls.length > 0 && (await Promise.all(answers)).every(Boolean);
  }

  /** Any other command on the same home. */
  command(...args: string[]): Promise<{ readonly code: number | null; readonly out: string }> {
    const child = this.#spawn(...args);
    let out = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      out += bytes;
    });
    child.stderr?.resume();
    return new Promise((done) => child.once('close', (code) => done({ code, out })));
  }

  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null) {
      const ended = new Promise((done) => this.#child.once('exit', done));
      this.#child.kill('SIGINT');
      await ended;
    }
    rmSync(this.#home, { recursive: true, force: true });
    return this.#child.exitCode;
  }

  #spawn(...args: string[]): ChildProcess {
    const [command, ...rest] = args[0]?.startsWith('--') ? ['dev', ...args] : args;
    return spawn(
      process.execPath,
      ['node/main.ts', command as string, '--home', this.#home, ...rest],
      { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
    );
  }
}

/** Collects what a page complains about. While a server is down, failed requests are no complaint. */
export function listen(page: Page, complaints: string[]): void {
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() !== 'error' || /Failed to load resource|net::ERR/.test(text)) return;
    complaints.push(text);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
}
