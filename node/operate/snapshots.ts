/**
 * Snapshots of a node's folder: made while the node runs, proved by really restoring them, and put
 * in place of a ledger that is gone.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Genesis } from 'fanal/chain/genesis.ts';
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { type ExportProgress, exportSnapshot } from '../ledger/snapshot-export.ts';
import { beginImport } from '../ledger/snapshot-import.ts';
import { openLedger } from '../ledger/sqlite-ledger.ts';
import { readChain } from '../runtime/chain-files.ts';
import type { Home } from '../runtime/home.ts';
import { verifyNatively } from '../runtime/native-verify.ts';
import { lockFolder } from '../store/lock.ts';
import { listSnapshots, readChunk, type StoredSnapshot } from '../store/snapshot-files.ts';
import type { SnapshotManifest } from '../store/snapshot-format.ts';

export const KEPT_SNAPSHOTS = 2;

/** A snapshot as bytes, wherever they lie. */
export interface SnapshotBytes {
  readonly manifest: Bytes;
  /** Null when it is not there. */
  chunk(index: number): Bytes | null;
}

/** What a snapshot turned out to be, once it was restored. */
export interface RestoredSnapshot {
  readonly height: bigint;
  readonly stateRoot: Bytes;
  readonly addresses: bigint;
  readonly coins: bigint;
  readonly chunks: number;
}

/**
 * Makes a snapshot of the newest certified state. The node may run meanwhile.
 *
 * @throws {FanalError} `snapshot/nothing-certified`
 */
export async function createSnapshot(
  home: Home,
  keep = KEPT_SNAPSHOTS,
  onProgress: (progress: ExportProgress) => void = () => {},
): Promise<{ readonly manifest: SnapshotManifest; readonly folder: string }> {
  requireLedger(home);
  const start = performance.now();
  for (const progress of exportSnapshot({
    ledgerPath: home.ledger,
    root: home.snapshots,
    keep,
  })) {
    onProgress(progress);
    if (progress.manifest !== null) {
      const { manifest, folder } = progress;
      const millis = Math.round(performance.now() - start);
      // The node beside us tells the metrics.
      writeFileSync(home.snapshotMark, `${manifest.header.height} ${millis}\n`);
      return { manifest, folder };
    }
    // Ctrl-C gets its turn between two chunks.
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new FanalError('snapshot/incomplete', 'the export ended without a manifest');
}

/** A stored snapshot of a height, or the newest. */
export function findSnapshot(root: string, height: bigint | null): StoredSnapshot {
  const all = listSnapshots(root);
  const found = height === null ? all[0] : all.find((one) => one.height === height);
  if (found === undefined) {
    throw new FanalError('snapshot/unknown', `no such snapshot in ${root}`, {
      hint: 'See `fanal snapshot list`, or make one with `fanal snapshot create`.',
    });
  }
  return found;
}

export function bytesOf({ folder, manifestBytes }: StoredSnapshot): SnapshotBytes {
  return { manifest: manifestBytes, chunk: (index) => readChunk(folder, index) };
}

/**
 * Restores a snapshot into a folder of its own beside `near`, proves its header from the genesis
 * by signatures and its rows by the header's state root, and removes it again.
 *
 * @throws {FanalError} `snapshot/…` naming what does not hold
 */
export async function verifySnapshot(
  genesis: Genesis,
  snapshot: SnapshotBytes,
  near: string,
): Promise<RestoredSnapshot> {
  const folder = mkdtempSync(join(near, '.verify-'));
  try {
    return await importInto(genesis, snapshot, folder, join(folder, 'ledger.sqlite'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Puts a snapshot in place of the ledger of a stopped node. A ledger that is there stays.
 *
 * @throws {AlreadyRunningError}
 * @throws {FanalError} `snapshot/ledger-exists`; `snapshot/…` and leaves nothing behind
 */
export async function restoreSnapshot(
  home: Home,
  snapshot: SnapshotBytes,
): Promise<RestoredSnapshot> {
  const lock = lockFolder(home.root, `pid ${process.pid}, restoring`);
  try {
    if (existsSync(home.ledger)) {
      throw new FanalError('snapshot/ledger-exists', `${home.ledger} is there already`, {
        hint: 'A snapshot replaces a ledger that is lost or damaged: move it away first.',
      });
    }
    const { genesis } = readChain(home.genesis);
    return await importInto(genesis, snapshot, home.snapshots, home.ledger);
  } finally {
    lock.release();
  }
}

async function importInto(
  genesis: Genesis,
  snapshot: SnapshotBytes,
  root: string,
  ledgerPath: string,
): Promise<RestoredSnapshot> {
  const { manifest: bytes } = snapshot;
  const work = beginImport({ genesis, manifest: bytes, root, ledgerPath, verify: verifyNatively });
  const { manifest } = work;
  for (const index of work.missing()) {
    const chunk = snapshot.chunk(index);
    if (chunk === null || !work.add(index, chunk)) {
      throw new FanalError(
        'snapshot/chunk',
        `chunk ${index} is ${chunk === null ? 'missing' : 'damaged'}`,
        { hint: 'Use another snapshot, and look at the disk that this one was on.' },
      );
    }
  }
  await work.finish();
  // Opening it computes the state map once more from the rows, and compares its root.
  const ledger = openLedger({ path: ledgerPath, genesis, verify: verifyNatively });
  try {
    const { height, header } = ledger.tip();
    if (!equalBytes(header.stateRoot, manifest.header.stateRoot)) {
      throw new FanalError('snapshot/state', 'the restored ledger has another state root');
    }
    const { addresses, coins, chunks } = manifest;
    return { height, stateRoot: header.stateRoot, addresses, coins, chunks: chunks.length };
  } finally {
    ledger.close();
  }
}

function requireLedger(home: Home): void {
  if (existsSync(home.ledger)) return;
  throw new FanalError('snapshot/no-ledger', `there is no ledger in ${home.data}`, {
    hint: 'Start the node once, or name its folder with --home.',
  });
}
