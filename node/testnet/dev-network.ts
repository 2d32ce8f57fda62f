/**
 * The local network of `fanal dev`: validators as processes, the gateway beside them, all of it
 * started in order, watched, and stopped together.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { trustGenesis } from 'fanal/light/trust-genesis.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { GatewayProcess, killQuietly, requireFree } from './gateway-process.ts';
import { createLocalNetwork, type LocalNetwork, openLocalNetwork } from './local.ts';
import { NodeProcess } from './process.ts';

const HOST = '127.0.0.1';
/** Requests in ten seconds: everything on this machine is one client to the gateway. */
const ALLOWANCE = '100000,100000,100000';
/** A validator that ended by itself, or was killed, comes back after so long. */
export const REVIVE_MILLIS = 10_000;
/** The gateway is alone, so it is back sooner; late enough to see the page notice. */
const GATEWAY_REVIVE_MILLIS = 8_000;
/** Funded addresses of the wallet of a new network: the first of its accounts. */
export const WALLET_ADDRESSES = 4;
const READY_MILLIS = 180_000;
/** How often a start that takes long says what it waits for. */
const PATIENCE_MILLIS = 20_000;
const POLL_MILLIS = 200;
const STOP_MILLIS = 10_000;

export interface DevOptions {
  readonly folder: string;
  readonly validators: number;
  /** Of the gateway and the page. */
  readonly port: number;
  readonly fresh: boolean;
  /** Words of the wallet that owns the coins of a new network; asked for when one is made. */
  readonly words: () => Promise<string>;
  /** Once aborted, what ends is not started again. */
  readonly signal: AbortSignal;
  /** Told whatever a person would want to know. */
  readonly tell: (text: string) => void;
}

/** What one look at the network found. */
export interface DevStatus {
  readonly height: bigint;
  readonly certifiedHeight: bigint;
  readonly up: number;
  readonly validators: number;
  readonly tipAgeMillis: number | null;
  readonly isGatewayUp: boolean;
}

interface RunFile {
  readonly pid: number;
  readonly nodes: readonly { readonly name: string; readonly pid: number }[];
  /** The process that answers; null until it does. */
  readonly gateway: number | null;
}

export class DevNetwork {
  readonly network: LocalNetwork;
  readonly url: string;
  readonly #options: DevOptions;
  readonly #nodes = new Map<string, NodeProcess>();
  #gateway: GatewayProcess | null = null;
  #isEnding = false;

  private constructor(network: LocalNetwork, options: DevOptions) {
    this.network = network;
    this.#options = options;
    this.url = `http://127.0.0.1:${options.port}`;
  }

  /**
   * Makes or reopens the network and waits until it answers.
   *
   * @throws {FanalError} `store/already-running`, `dev/port-taken`, `dev/folder`, `dev/not-ready`
   */
  static async start(options: DevOptions): Promise<DevNetwork> {
    const { folder, fresh } = options;
    requireAlone(folder);
    await requireFree(HOST, options.port, 'the gateway', 'Choose another with --port.');
    if (fresh) rmSync(folder, { recursive: true, force: true });
    const network = await openOrCreate(options);
    for (const { name, p2p, api, ops } of network.nodes) {
      for (const port of [p2p, api, ops]) {
        await requireFree(HOST, port, name, 'Stop what uses it, or begin anew with --fresh.');
      }
    }
    const dev = new DevNetwork(network, options);
    try {
      for (const { name } of network.nodes) dev.#startNode(name);
      dev.#startGateway();
      await dev.#untilReady();
    } catch (error) {
      options.tell('Stopping …');
      await dev.stop();
      throw error;
    }
    return dev;
  }

  /** Ends a validator as a power cut would. It comes back by itself after a while. */
  kill(name: string): void {
    this.#nodes.get(name)?.kill('SIGKILL');
  }

  /** Ends the gateway as a crash would. It is started again at once. */
  killGateway(): void {
    this.#gateway?.kill();
  }

  async status(): Promise<DevStatus> {
    const answers = await Promise.all(
      this.network.nodes.map(({ api }) => ask(`http://127.0.0.1:${api}/status`)),
    );
    const gateway = await ask(`${this.url}/status`);
    const heights = answers.flatMap((answer) => (answer === null ? [] : [answer]));
    const best = (field: string) =>
      heights.reduce((most, answer) => {
        const value = BigInt(answer[field] as string);
        return value > most ? value : most;
      }, 0n);
    const ages = heights.map((answer) => Number(answer.checkpointAgeMillis));
    return {
      height: best('height'),
      certifiedHeight: best('certifiedHeight'),
      up: heights.length,
      validators: this.network.nodes.length,
      tipAgeMillis: ages.length === 0 ? null : Math.min(...ages),
      isGatewayUp: gateway !== null,
    };
  }

  /** Ends everything in order. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await Promise.all([
      this.#gateway?.stop(),
      ...[...this.#nodes.values()].map((node) => node.stop(STOP_MILLIS)),
    ]);
    rmSync(runFile(this.#options.folder), { force: true });
  }

  #isStopping(): boolean {
    return this.#isEnding || this.#options.signal.aborted;
  }

  #startNode(name: string): void {
    const node = this.network.nodes.find((each) => each.name === name);
    if (node === undefined || this.#isStopping()) return;
    const place = this.network.nodes.indexOf(node);
    const child = new NodeProcess(node, {
      env: { FANAL_FAUCET_KEY_FILE: faucetFile(this.#options.folder, place) },
      onExit: (code, signal) => this.#onExit(name, code, signal),
    });
    this.#nodes.set(name, child);
    this.#writeRunFile();
  }

  #onExit(name: string, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isStopping()) return;
    const seconds = REVIVE_MILLIS / 1000;
    this.#options.tell(
      `${name} ended (${signal ?? `exit ${code}`}); the others go on. Back in ${seconds} s.`,
    );
    setTimeout(() => {
      if (!this.#isStopping()) this.#options.tell(`${name} starts again.`);
      this.#startNode(name);
    }, REVIVE_MILLIS);
  }

  #startGateway(): void {
    const { folder, port, tell } = this.#options;
    this.#gateway = new GatewayProcess({
      folder: join(folder, 'gateway'),
      trust: formatTrust(trustGenesis(this.network.chain.genesis)),
      upstreams: this.network.nodes.map(({ api }) => `http://127.0.0.1:${api}`),
      host: HOST,
      port,
      runtime: 'workerd',
      settings: { FAUCET: 'true', ALLOWANCE },
      onAnswering: () => this.#writeRunFile(),
      onExit: (how, lastWords, hadAnswered) => {
        if (this.#isStopping()) return;
        // What it said while all was well is no reason.
        const why = hadAnswered ? '' : ` ${lastWords}`;
        tell(`the gateway ended (${how}); it starts again.${why}`);
        setTimeout(() => {
          if (!this.#isStopping()) this.#startGateway();
        }, GATEWAY_REVIVE_MILLIS);
      },
    });
  }

  async #untilReady(): Promise<void> {
    const deadline = Date.now() + READY_MILLIS;
    const waiting = new Set([
      ...this.network.nodes.map(({ api }) => `http://127.0.0.1:${api}/readyz`),
      `${this.url}/readyz`,
    ]);
    let toldAt = Date.now();
    while (waiting.size > 0) {
      await Promise.all(
        [...waiting].map(async (url) => {
          if (await answers(url)) waiting.delete(url);
        }),
      );
      if (waiting.size > 0 && Date.now() - toldAt > PATIENCE_MILLIS) {
        toldAt = Date.now();
        this.#options.tell(`Still waiting for ${[...waiting].join(', ')} …`);
      }
      if (this.#isStopping()) throw new FanalError('dev/interrupted', 'stopped while starting');
      if (Date.now() > deadline) {
        throw new FanalError('dev/not-ready', `no answer from ${[...waiting].join(', ')}`, {
          hint: `Read node.log in ${this.network.folder}, or begin anew with --fresh.`,
        });
      }
      await new Promise((done) => setTimeout(done, POLL_MILLIS));
    }
  }

  #writeRunFile(): void {
    const nodes = [...this.#nodes].map(([name, { pid }]) => ({ name, pid }));
    const file: RunFile = { pid: process.pid, nodes, gateway: this.#gateway?.pid ?? null };
    writeFileSync(runFile(this.#options.folder), JSON.stringify(file));
  }
}

/**
 * Kills a validator, or the gateway, of the network that runs in another terminal.
 *
 * @throws {FanalError} `dev/not-running`, `dev/no-validator`
 */
export function killRunning(folder: string, what: number | 'gateway'): string {
  const running = readRunFile(folder);
  if (running === null) {
    throw new FanalError('dev/not-running', `no network runs in ${folder}`, {
      hint: 'Start one with `fanal dev` in another terminal.',
    });
  }
  if (what === 'gateway') {
    killQuietly(running.gateway);
    return 'the gateway';
  }
  const node = running.nodes[what - 1];
  if (node === undefined) {
    throw new FanalError(
      'dev/no-validator',
      `expected a validator from 1 to ${running.nodes.length}, found ${what}`,
    );
  }
  process.kill(node.pid, 'SIGKILL');
  return node.name;
}

/** The network of the folder. A manifest that cannot be read is a folder that somebody has changed. */
function readKnown(folder: string): LocalNetwork | null {
  try {
    return openLocalNetwork(folder);
  } catch (cause) {
    throw new FanalError('dev/folder', `the network in ${folder} cannot be opened`, {
      hint: 'Begin anew with --fresh: coins of a local network are worth nothing.',
      cause,
    });
  }
}

async function openOrCreate(options: DevOptions): Promise<LocalNetwork> {
  const { folder, validators, words, tell } = options;
  const known = readKnown(folder);
  if (known !== null) {
    tell(`Going on with the network in ${folder}.`);
    return known;
  }
  if (existsSync(folder)) {
    throw new FanalError('dev/folder', `${folder} is there and is not a local network`, {
      hint: 'Move it away, choose another with --home, or remove it with --fresh.',
    });
  }
  tell(`Making a new network of ${validators} validators in ${folder} …`);
  // One faucet for each validator, beside the wallet.
  const network = await createLocalNetwork({
    ...{ folder, validators, accounts: validators },
    wallet: { words: await words(), addresses: WALLET_ADDRESSES },
  });
  network.nodes.forEach((_, place) => {
    const { seed } = network.accounts[WALLET_ADDRESSES + place] as LocalNetwork['accounts'][number];
    writeFileSync(faucetFile(folder, place), `${toHex(seed)}\n`, { mode: 0o600 });
  });
  return network;
}

const faucetFile = (folder: string, place: number) => join(folder, `faucet-${place + 1}.key`);
const runFile = (folder: string) => join(folder, 'running.json');

function readRunFile(folder: string): RunFile | null {
  try {
    const file = JSON.parse(readFileSync(runFile(folder), 'utf8')) as RunFile;
    process.kill(file.pid, 0);
    return file;
  } catch {
    return null;
  }
}

function requireAlone(folder: string): void {
  const running = readRunFile(folder);
  if (running === null) return;
  throw new FanalError(
    'store/already-running',
    `a network runs in ${folder} (pid ${running.pid})`,
    {
      hint: 'Use it, stop it, or choose another folder with --home.',
    },
  );
}

async function ask(url: string): Promise<Record<string, unknown> | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    return (await response.json()) as Record<string, unknown>;
  } catch {
    return null;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}
