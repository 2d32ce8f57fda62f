/**
 * One operator at a terminal: a folder, a node, and the commands of the handbook.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MAIN = new URL('../../node/main.ts', import.meta.url).pathname;
const COMMAND_MILLIS = 120_000;

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** What a node says of itself at `/status`. */
export interface NodeStatus {
  readonly ready: boolean;
  readonly certifiedHeight: string;
  readonly validator: string | null;
}

export class Operator {
  readonly name: string;
  readonly folder: string;
  readonly #password: string;
  readonly #settings: Readonly<Record<string, string>>;
  #ports: readonly [p2p: number, api: number, ops: number];
  #node: ChildProcess | null = null;

  constructor(
    root: string,
    name: string,
    ports: readonly [p2p: number, api: number, ops: number],
    settings: Readonly<Record<string, string>>,
  ) {
    this.name = name;
    this.folder = join(root, name);
    this.#password = join(root, 'password');
    this.#ports = ports;
    this.#settings = settings;
    mkdirSync(this.folder);
  }

  get home(): string {
    return join(this.folder, 'home');
  }

  get url(): string {
    return `http://127.0.0.1:${this.#ports[1]}`;
  }

  /** Where peers reach the node. */
  get address(): string {
    return `/ip4/127.0.0.1/tcp/${this.#ports[0]}`;
  }

  get log(): string {
    return join(this.folder, 'node.log');
  }

  get isRunning(): boolean {
    return this.#node !== null && this.#node.exitCode === null && this.#node.signalCode === null;
  }

  /** Peers are to reach the node elsewhere from its next start on. */
  moveTo(port: number): void {
    this.#ports = [port, this.#ports[1], this.#ports[2]];
  }

  /** Types a command, and waits for its end. */
  try(...args: readonly string[]): CommandResult {
    const run = spawnSync(process.execPath, [MAIN, ...args], {
      cwd: this.folder,
      env: this.#environment,
      encoding: 'utf8',
      timeout: COMMAND_MILLIS,
    });
    return { code: run.status, out: run.stdout, err: run.stderr };
  }

  /** The same without holding up this process. */
  async run(...args: readonly string[]): Promise<CommandResult> {
    const { child, result } = this.#launch(args);
    const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_MILLIS);
    const ended = await result;
    clearTimeout(timer);
    return ended;
  }

  /** Types a command that has to succeed. */
  async must(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.run(...args);
    if (code !== 0)
      throw new Error(`${this.name}: fanal ${args.join(' ')} ended with ${code}\n${err}${out}`);
    return out;
  }

  /** Types a command and pulls the plug after a while. */
  async interrupt(millis: number, ...args: readonly string[]): Promise<void> {
    const { child, result } = this.#launch(args);
    const timer = setTimeout(() => child.kill('SIGKILL'), millis);
    await result;
    clearTimeout(timer);
  }

  /** `fanal start`, in the background. */
  start(): void {
    const log = openSync(this.log, 'a');
    this.#node = spawn(process.execPath, [MAIN, 'start'], {
      cwd: this.folder,
      env: { ...this.#environment, FANAL_EXIT_WITH_PARENT: `${process.pid}` },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
  }

  /** Ends the node by a signal, and waits; its exit code. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const node = this.#node;
    if (node === null) return null;
    if (this.isRunning) {
      const exited = new Promise((resolve) => node.once('exit', resolve));
      node.kill(signal);
      await exited;
    }
    return node.exitCode;
  }

  /** The exit code of a node that ends by itself. */
  async ended(): Promise<number | null> {
    const node = this.#node as ChildProcess;
    if (this.isRunning) await new Promise((resolve) => node.once('exit', resolve));
    return node.exitCode;
  }

  async status(): Promise<NodeStatus | null> {
    return this.get<NodeStatus>('/status').catch(() => null);
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(5_000) });
    if (!answer.ok && path !== '/status') throw new Error(`${path}: ${answer.status}`);
    return (await answer.json()) as T;
  }

  /** Waits until the node is caught up and takes its part. */
  async untilReady(seconds: number): Promise<void> {
    let last: NodeStatus | null = null;
    const isReady = async () => {
      if (!this.isRunning) throw new Error(`${this.name} ended:\n${this.lastWords()}`);
      last = await this.status();
      return last?.ready === true;
    };
    await until(`${this.name} is ready`, seconds, isReady).catch((error: Error) => {
      throw new Error(`${error.message}\n${JSON.stringify(last)}`);
    });
  }

  /** The end of the node's log. */
  lastWords(): string {
    if (!existsSync(this.log)) return 'never started';
    return readFileSync(this.log, 'utf8').split('\n').slice(-12).join('\n');
  }

  get #environment(): NodeJS.ProcessEnv {
    const [p2p, api, ops] = this.#ports;
    return {
      ...process.env,
      NO_COLOR: '1',
      FANAL_HOME: this.home,
      FANAL_KEYS_PASSWORD_FILE: this.#password,
      FANAL_NETWORK_LISTEN: `127.0.0.1:${p2p}`,
      FANAL_API_LISTEN: `127.0.0.1:${api}`,
      FANAL_OPS_LISTEN: `127.0.0.1:${ops}`,
      ...this.#settings,
    };
  }

  #launch(args: readonly string[]): { child: ChildProcess; result: Promise<CommandResult> } {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.folder,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      err += text;
    });
    const result = new Promise<CommandResult>((resolve) => {
      child.once('close', (code) => resolve({ code, out, err }));
    });
    return { child, result };
  }
}

/** Asks again and again, until it is so. */
export async function until(
  what: string,
  seconds: number,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + seconds * 1_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(250);
  }
}
