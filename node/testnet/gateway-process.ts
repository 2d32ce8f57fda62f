/**
 * A gateway as a process of its own, beside a node or a wallet: it verifies whatever it hands on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FanalError } from 'fanal/primitives/errors.ts';

const SERVE = fileURLToPath(new URL('../../workers/selfhost/serve.ts', import.meta.url));
const PAGE = fileURLToPath(new URL('../../workers/web/dist', import.meta.url));
/** Bytes of its last words that are kept. */
const MAX_WORDS = 2_000;
const STOP_MILLIS = 10_000;

export interface GatewayProcessOptions {
  /** Where it keeps its state. */
  readonly folder: string;
  /** The text of a trust file. */
  readonly trust: string;
  readonly upstreams: readonly string[];
  readonly host: string;
  readonly port: number;
  /** workerd, as on Cloudflare, or this machine's Node. */
  readonly runtime: 'workerd' | 'node';
  readonly settings?: Readonly<Record<string, string>>;
  /** Called once it answers. */
  readonly onAnswering?: () => void;
  /** Called when it ends, however it ends, with the last line it wrote. */
  readonly onExit?: (how: string, lastWords: string, hadAnswered: boolean) => void;
}

/** One running (or ended) gateway. */
export class GatewayProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  /** The process that answers: the gateway's own child under workerd. */
  #answering: number | null = null;

  constructor(options: GatewayProcessOptions) {
    const { folder, trust, upstreams, host, port, runtime, settings = {} } = options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, 'trust.txt');
    writeFileSync(file, trust);
    const args = ['--trust', file, '--directory', folder, '--runtime', runtime];
    args.push('--host', host, '--port', String(port));
    for (const url of upstreams) args.push('--upstream', url);
    for (const [name, value] of Object.entries(settings)) args.push('--set', `${name}=${value}`);
    if (existsSync(join(PAGE, 'index.html'))) args.push('--assets', PAGE);
    this.#child = spawn(process.execPath, [SERVE, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let words = '';
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      words = (words + bytes.toString()).slice(-MAX_WORDS);
    });
    this.#child.stdout?.once('data', (bytes: Buffer) => {
      this.#answering = pidIn(bytes.toString());
      options.onAnswering?.();
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        // Killed without a word, it leaves its child behind, which would keep the port.
        this.kill();
        const hadAnswered = this.#answering !== null;
        this.#answering = null;
        const last = words.trim().split('\n').at(-1) ?? '';
        options.onExit?.(signal ?? `exit ${code}`, last, hadAnswered);
        resolve();
      });
    });
  }

  /** The process that answers; null until it does. */
  get pid(): number | null {
    return this.#answering;
  }

  /** Ends it as a crash would. */
  kill(): void {
    killQuietly(this.#answering);
  }

  /** Asks it to stop and waits; kills it when it takes longer than it may. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MILLIS);
    this.#child.kill('SIGINT');
    await this.#exited;
    clearTimeout(timer);
  }
}

/** Kills a process that may have gone by itself. */
export function killQuietly(pid: number | null): void {
  if (pid === null) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone by itself.
  }
}

/**
 * Refuses a port that is taken.
 *
 * @throws {FanalError} `dev/port-taken`
 */
export async function requireFree(
  host: string,
  port: number,
  what: string,
  hint: string,
): Promise<void> {
  const { createServer } = await import('node:net');
  const problem = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
  if (problem === null) return;
  if (problem.code === 'EADDRINUSE') {
    throw new FanalError('dev/port-taken', `port ${port} of ${what} is taken`, { hint });
  }
  throw new FanalError('dev/port-taken', `${what} cannot listen on ${host}:${port}`, {
    hint: `${problem.message}. ${hint}`,
    cause: problem,
  });
}

/** The process that a gateway's first line names. */
function pidIn(line: string): number | null {
  try {
    const { pid } = JSON.parse(line) as { pid: unknown };
    return typeof pid === 'number' ? pid : null;
  } catch {
    return null;
  }
}
