/**
 * A validator's way onto a network as a list of steps. Each looks first whether it is done, so the
 * list may be stopped and run again at any point.
 */
import { existsSync, statfsSync } from 'node:fs';
import { possessionMessage, type Registration } from 'fanal/chain/registration.ts';
import { sign } from 'fanal/crypto/ed25519.ts';
import { type Bytes, fromHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { beginImport } from '../ledger/snapshot-import.ts';
import type { ChainIdentity } from '../runtime/chain-files.ts';
import { type Home, makeFolder } from '../runtime/home.ts';
import { verifyNatively } from '../runtime/native-verify.ts';
import type { ValidatorSeeds } from '../runtime/validator-keys.ts';
import { lockFolder } from '../store/lock.ts';

export type StepResult =
  | { readonly kind: 'done'; readonly found: string }
  /** Not done, and what doing it would be. */
  | { readonly kind: 'open'; readonly found: string }
  /** Somebody has to act before the list can go on. */
  | { readonly kind: 'blocked'; readonly found: string; readonly hint: string };

export interface Step {
  readonly id: string;
  /** Looks, and changes nothing. */
  look(): Promise<StepResult>;
  /** Does it; called when `look` says that it is open. */
  act?(): Promise<void>;
}

export interface StepReport {
  readonly id: string;
  readonly state: StepResult['kind'];
  readonly found: string;
  readonly hint: string | null;
}

/**
 * Goes through the steps until one is blocked. A dry run looks at all of them and does nothing.
 */
export async function goThrough(
  steps: readonly Step[],
  dryRun: boolean,
  onStep: (report: StepReport) => void,
): Promise<boolean> {
  let complete = true;
  for (const step of steps) {
    let result = await step.look();
    if (result.kind === 'open' && !dryRun && step.act !== undefined) {
      await step.act();
      result = await step.look();
    }
    const hint = result.kind === 'blocked' ? result.hint : null;
    onStep({ id: step.id, state: result.kind, found: result.found, hint });
    if (result.kind === 'done') continue;
    complete = false;
    if (!dryRun) return false;
  }
  return complete;
}

/** The offer of a node, from `/v1/snapshots`. */
export interface SnapshotOffer {
  readonly url: string;
  readonly height: bigint;
  readonly sizeBytes: bigint;
  readonly manifest: Bytes;
  readonly chunks: number;
}

/** The newest snapshot that any of these nodes offers; null when there is none. */
export async function findOffer(urls: readonly string[]): Promise<SnapshotOffer | null> {
  let best: SnapshotOffer | null = null;
  for (const url of urls) {
    const items = await fetch(`${url}/v1/snapshots`, { signal: AbortSignal.timeout(10_000) })
      .then((answer) => answer.json() as Promise<{ items: Record<string, string | number>[] }>)
      .then((answer) => answer.items)
      .catch(() => []);
    for (const item of items) {
      const height = BigInt(item.height as string);
      if (best !== null && height <= best.height) continue;
      const sizeBytes = BigInt(item.sizeBytes as string);
      const manifest = fromHex(String(item.manifest));
      best = { url, height, sizeBytes, manifest, chunks: Number(item.chunks) };
    }
  }
  return best;
}

/** Free bytes where a home's data is, or will be. */
export function freeBytes(home: Home): bigint {
  const { bavail, bsize } = statfsSync(existsSync(home.data) ? home.data : home.root);
  return BigInt(bavail) * BigInt(bsize);
}

/**
 * Fetches a snapshot chunk by chunk and makes the ledger of it. Chunks that came before an
 * interruption are not fetched again; none is believed before its hash and the state root fit.
 *
 * @throws {FanalError} `snapshot/…`
 */
export async function importOffer(
  home: Home,
  chain: ChainIdentity,
  { url, manifest, height }: SnapshotOffer,
  onChunk: (left: number) => void,
): Promise<void> {
  makeFolder(home.data);
  const lock = lockFolder(home.root, `pid ${process.pid}, joining`);
  try {
    const work = beginImport({
      ...{ genesis: chain.genesis, manifest, root: home.snapshots, ledgerPath: home.ledger },
      verify: verifyNatively,
    });
    const missing = work.missing();
    for (const [i, index] of missing.entries()) {
      onChunk(missing.length - i);
      const answer = await fetch(`${url}/v1/snapshots/${height}/chunks/${index}`, {
        signal: AbortSignal.timeout(60_000),
      });
      const chunk = new Uint8Array(await answer.arrayBuffer());
      if (!answer.ok || !work.add(index, chunk)) {
        throw new FanalError('snapshot/chunk', `${url} gave no good chunk ${index}`, {
          hint: 'Run the command again with another --url; what is here already is kept.',
        });
      }
    }
    await work.finish();
  } finally {
    lock.release();
  }
}

/** A registration for a chain that runs: the proofs name its genesis id. */
export function registrationFor(
  chain: ChainIdentity,
  seeds: ValidatorSeeds,
  drafted: Registration,
): Registration {
  const secrets = [seeds.vertex, seeds.checkpoint, seeds.network] as const;
  const prove = (role: 0 | 1 | 2) =>
    sign(possessionMessage(drafted, role, chain.genesisId), secrets[role]);
  return { ...drafted, proofs: [prove(0), prove(1), prove(2)] as Registration['proofs'] };
}
