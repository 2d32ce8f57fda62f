/**
 * A node as a process of its own: start it, wait until it answers, stop it, kill it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { LocalNode } from './local.ts';

const MAIN = new URL('../main.ts', import.meta.url).pathname;

export interface NodeProcessOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** For Node itself, before the program. */
  readonly nodeArgs?: readonly string[];
  /** Where its output goes; `node.log` in its folder by default. */
  readonly log?: string;
  /** Called when the process ends, however it ends. */
  readonly onExit?: (code: number | null, signal: NodeJS.Signals | null) => void;
}

/** One running (or ended) `fanal start`. */
export class NodeProcess {
  readonly node: LocalNode;
  readonly log: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #ended = false;

  constructor(node: LocalNode, options: NodeProcessOptions = {}) {
    this.node = node;
    this.log = options.log ?? join(node.home.root, 'node.log');
    const output = createWriteStream(this.log, { flags: 'a' });
    this.#child = spawn(
      process.execPath,
      [
        ...(options.nodeArgs ?? []),
        MAIN,
        'start',
        '--home',
        node.home.root,
        ...(options.args ?? []),
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, FANAL_EXIT_WITH_PARENT: `${process.pid}`, ...options.env },
      },
    );
    this.#child.stdout?.pipe(output, { end: false });
    this.#child.stderr?.pipe(output, { end: false });
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#ended = true;
        output.end();
        options.onExit?.(code, signal);
        resolve(code);
      });
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get isRunning(): boolean {
    return !this.#ended;
  }

  /** The exit code, once it has ended. Null after a signal. */
  get exited(): Promise<number | null> {
    return this.#exited;
  }

  get url(): string {
    return `http://127.0.0.1:${this.node.api}`;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (!this.#ended) this.#child.kill(signal);
  }

  /** Asks it to stop and waits; kills it when it takes longer than it may. */
  async stop(timeoutMillis = 15_000): Promise<number | null> {
    if (this.#ended) return this.#exited;
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), timeoutMillis);
    const code = await this.#exited;
    clearTimeout(timer);
    return code;
  }

  /** Waits until the node answers for itself. */
  async waitUntilLive(timeoutMillis = 20_000): Promise<void> {
    await this.#wait('/livez', timeoutMillis);
  }

  /** Waits until the node is caught up and fit to serve. */
  async waitUntilReady(timeoutMillis = 30_000): Promise<void> {
    await this.#wait('/readyz', timeoutMillis);
  }

  async #wait(path: string, timeoutMillis: number): Promise<void> {
    const deadline = performance.now() + timeoutMillis;
    let last = 'no answer';
    while (performance.now() < deadline) {
      if (this.#ended) {
        throw new FanalError(
          'testnet/ended',
          `${this.node.name} ended with code ${await this.#exited}`,
          {
            hint: `Its log is ${this.log}.`,
          },
        );
      }
      try {
        const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(2_000) });
        last = `${response.status} ${(await response.text()).slice(0, 200)}`;
        if (response.ok) return;
      } catch (error) {
        last = (error as Error).message;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new FanalError('testnet/not-ready', `${this.node.name}: ${path} says ${last}`, {
      hint: `Its log is ${this.log}.`,
    });
  }
}
