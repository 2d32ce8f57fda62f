/**
 * The gateway under raw workerd on this machine: real Durable Objects, SQLite and objects on disk,
 * alarms that go on after a kill.
 *
 * Starts offline in about a second and leaves no child behind. Under Node, without workerd, there
 * is `node.ts` beside this.
 *
 *     const gateway = await startGateway({ trust, upstreams: ['http://127.0.0.1:8080'], port: 0 });
 *     await fetch(`${gateway.url}/v1/chain`);
 *     await gateway.stop();
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Settings } from '../config.ts';
import { bundleWorker } from './bundle.ts';
import { workerdConfig } from './workerd-config.ts';

export interface GatewayOptions {
  /** The text of a trust file. */
  readonly trust: string;
  /** URLs of nodes. Plain HTTP is allowed: they are the operator's own. */
  readonly upstreams: readonly string[];
  /** 0 takes a free one. */
  readonly port: number;
  readonly host?: string;
  /** The built page, if it is to be served. */
  readonly assets?: string;
  /** Where state is kept; a temporary directory that goes with the gateway by default. */
  readonly directory?: string;
  /** Any other setting, as in docs/deploy.md. */
  readonly settings?: Settings;
  /** Hears what workerd says. */
  readonly onLog?: (line: string) => void;
  /** The bundled Worker, when it was made before. */
  readonly bundle?: string;
}

export interface RunningGateway {
  readonly url: string;
  readonly pid: number;
  /** Resolves with the exit code when workerd has gone, whoever ended it. */
  readonly exited: Promise<number | null>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
}

/** The program for this machine. Its package is CommonJS, and loaders differ in how they see that. */
const { default: PROGRAM } = createRequire(import.meta.url)('workerd') as { default: string };

const START_MILLIS = 30_000;
/** workerd waits for connections that are kept open; those who hold them ask again. */
const STOP_MILLIS = 2_000;

/**
 * Starts a gateway and waits until it answers.
 *
 * @throws {Error} with workerd's last words when it does not start
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { host = '127.0.0.1', onLog = () => undefined } = options;
  const port = options.port === 0 ? await freePort(host) : options.port;
  const own = options.directory === undefined;
  const directory = resolve(options.directory ?? mkdtempSync(join(tmpdir(), 'fanal-gateway-')));
  const clean = () => {
    if (own) rmSync(directory, { recursive: true, force: true });
  };
  writeFiles(directory, port, host, options, options.bundle ?? (await bundleWorker()));
  const child = spawn(PROGRAM, ['serve', '--experimental', join(directory, 'gateway.capnp')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Should this process end without a word, its child goes with it.
  const reap = () => child.kill('SIGKILL');
  process.once('exit', reap);
  const words = listen(child, onLog);
  const exited = new Promise<number | null>((done) => {
    child.once('exit', (code) => {
      process.removeListener('exit', reap);
      done(code);
    });
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MILLIS);
    await exited;
    clearTimeout(late);
    clean();
  };
  const url = `http://${host}:${port}`;
  try {
    await answers(url, exited);
  } catch (cause) {
    await end('SIGKILL');
    throw new Error(`the gateway did not start: ${words.join('\n') || 'workerd said nothing'}`, {
      cause,
    });
  }
  return {
    url,
    pid: child.pid ?? 0,
    exited,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

function writeFiles(
  directory: string,
  port: number,
  host: string,
  { trust, upstreams, assets, settings }: GatewayOptions,
  bundle: string,
): void {
  const stateDirectory = join(directory, 'state');
  const objectsDirectory = join(directory, 'objects');
  for (const path of [directory, stateDirectory, objectsDirectory]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  const config = workerdConfig(
    {
      TRUST: trust,
      UPSTREAMS: upstreams.join(' '),
      INSECURE_UPSTREAMS: 'true',
      // Nothing here says who a client is, unless a proxy in front does and is named.
      CLIENT_HEADER: 'none',
      ...settings,
    },
    {
      port,
      host,
      stateDirectory,
      objectsDirectory,
      assetsDirectory: assets === undefined ? null : resolve(assets),
    },
  );
  writeFileSync(join(directory, 'main.js'), bundle);
  writeFileSync(join(directory, 'gateway.capnp'), config);
}

/** Hands lines on, and keeps the last ones for an error message. */
function listen(child: ChildProcess, onLog: (line: string) => void): string[] {
  const words: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      for (const line of text.split('\n')) {
        if (line === '') continue;
        words.push(line);
        if (words.length > 20) words.shift();
        onLog(line);
      }
    });
  }
  return words;
}

async function answers(url: string, exited: Promise<number | null>): Promise<void> {
  let isOver = false;
  void exited.then(() => {
    isOver = true;
  });
  for (const end = Date.now() + START_MILLIS; Date.now() < end && !isOver; ) {
    try {
      // Asks about the chain, not only for a sign of life: that is what begins the following.
      await (await fetch(`${url}/readyz`)).arrayBuffer();
      return;
    } catch {
      await new Promise((done) => setTimeout(done, 25));
    }
  }
  throw new Error(isOver ? 'workerd has ended' : 'it does not answer');
}

function freePort(host: string): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
