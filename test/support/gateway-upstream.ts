/**
 * A node in a process of its own for gateways to ask: the real API over a real ledger, which cuts a
 * block of what waits every now and then and tells its parent when.
 */
import { fork } from 'node:child_process';
import { encodeAddress } from 'fanal/crypto/address.ts';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { trustGenesis } from 'fanal/light/trust-genesis.ts';
import { apiWorld } from './api-world.ts';
import { COIN } from './ledger-chain.ts';

/** The first message to the parent. */
export interface UpstreamReady {
  readonly kind: 'ready';
  readonly url: string;
  /** The text of a trust file. */
  readonly trust: string;
  /** Addresses with a coin each. */
  readonly addresses: readonly string[];
  /** Signed payments out of those coins, in base64. */
  readonly payments: readonly string[];
}

/** A block was certified. */
export interface UpstreamBlock {
  readonly kind: 'block';
  readonly size: number;
  /** Milliseconds since 1970, by the clock that parent and child share. */
  readonly at: number;
}

export interface Upstream {
  readonly ready: UpstreamReady;
  /** Blocks so far, oldest first. */
  readonly blocks: readonly UpstreamBlock[];
  close(): void;
}

/** Starts a node where so many people have a coin, and a block is cut every so often. */
export async function startUpstream(people: number, blockMillis: number): Promise<Upstream> {
  const args = [String(people), String(blockMillis)];
  const child = fork(new URL(import.meta.url).pathname, args, { stdio: 'inherit' });
  const blocks: UpstreamBlock[] = [];
  const ready = await new Promise<UpstreamReady>((done, fail) => {
    child.once('exit', (code) => fail(new Error(`the node ended with code ${code}`)));
    child.on('message', (message: UpstreamReady | UpstreamBlock) => {
      if (message.kind === 'block') blocks.push(message);
      else done(message);
    });
  });
  return { ready, blocks, close: () => child.disconnect() };
}

async function serve(people: number, blockMillis: number): Promise<void> {
  const names = Array.from({ length: people }, (_, i) => `person ${i}`);
  const world = await apiWorld({
    time: BigInt(Date.now()),
    people: names.map((name) => [name, 100n * COIN] as const),
  });
  const { chain } = world;
  const payments = names.map((name, i) => {
    const to = names[(i + 1) % people] as string;
    return Buffer.from(chain.pay(name, chain.genesisCoin(name), to, COIN).bytes).toString('base64');
  });
  const tell = (message: UpstreamReady | UpstreamBlock) => process.send?.(message);
  let last = Date.now();
  const block = () => {
    const now = Date.now();
    world.block(BigInt(Math.max(1, now - last)));
    last = now;
    tell({ kind: 'block', size: Number(chain.height) + 1, at: Date.now() });
  };
  block();
  block();
  setInterval(block, blockMillis);
  tell({
    kind: 'ready',
    url: world.url,
    trust: formatTrust(trustGenesis(chain.genesis)),
    addresses: names.map((name) => encodeAddress(chain.person(name).address, 'dfan')),
    payments,
  });
  process.once('disconnect', () => process.exit());
}

if (import.meta.main) await serve(Number(process.argv[2]), Number(process.argv[3]));
