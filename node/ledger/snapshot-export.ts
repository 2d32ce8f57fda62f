/**
 * Writes a snapshot of the newest certified state, beside the node that goes on executing.
 *
 * It reads through a connection of its own, in one read transaction, so it sees one moment of the
 * database however long it takes. Run it in a thread: it never yields but between chunks.
 */
import { headerCodec } from 'fanal/chain/header.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { openDatabase } from '../store/database.ts';
import {
  makeFolder,
  pruneSnapshots,
  snapshotFolder,
  writeChunk,
  writeManifest,
} from '../store/snapshot-files.ts';
import {
  ChunkWriter,
  MAX_CHUNKS,
  manifestCodec,
  type SnapshotManifest,
  type SnapshotRow,
} from '../store/snapshot-format.ts';
import { coinsAt, recordAt } from './address-reads.ts';
import type { CoinHolder } from './coin-store.ts';
import { nativeSha256 } from './native-hash.ts';
import { openTables, type Tables } from './tables.ts';

export interface ExportOptions {
  /** The ledger database of a running or stopped node. */
  readonly ledgerPath: string;
  /** Where snapshots lie, each in a folder of its own. */
  readonly root: string;
  /** Snapshots to keep, this one included. */
  readonly keep: number;
}

/** How far an export is. */
export interface ExportProgress {
  readonly chunks: number;
  readonly sizeBytes: bigint;
  /** Set with the last step. */
  readonly manifest: SnapshotManifest | null;
  readonly folder: string;
}

/**
 * Exports the newest certified state, one chunk a step.
 *
 * @throws {FanalError} `snapshot/nothing-certified`, `snapshot/too-large`
 * @throws {StoreError}
 */
export function* exportSnapshot(options: ExportOptions): Generator<ExportProgress> {
  const database = openDatabase({ path: options.ledgerPath, kind: 'ledger', readOnly: true });
  try {
    database.client.exec('BEGIN');
    yield* write(openTables(database), options);
  } finally {
    database.close();
  }
}

function* write(tables: Tables, { root, keep }: ExportOptions): Generator<ExportProgress> {
  const checkpoint = tables.epochs.newestCheckpoint();
  if (checkpoint === null) {
    throw new FanalError('snapshot/nothing-certified', 'no state is certified yet but genesis', {
      hint: 'Wait for the first certified block.',
    });
  }
  const height = checkpoint.size - 1n;
  const header = headerCodec.decode(tables.blocks.header(height) as Uint8Array);
  const folder = snapshotFolder(root, { header });
  makeFolder(folder);
  const chunks: Hash[] = [];
  const totals = { addresses: 0n, coins: 0n, sizeBytes: 0n };
  const writer = new ChunkWriter();
  const take = (chunk: Uint8Array | null): ExportProgress | null => {
    if (chunk === null) return null;
    if (chunks.length === MAX_CHUNKS) {
      throw new FanalError('snapshot/too-large', `more than ${MAX_CHUNKS} chunks`);
    }
    writeChunk(folder, chunks.length, chunk);
    chunks.push(nativeSha256(chunk));
    totals.sizeBytes += BigInt(chunk.length);
    return { chunks: chunks.length, sizeBytes: totals.sizeBytes, manifest: null, folder };
  };
  for (const row of rowsOf(tables, height)) {
    if (row === 'cut') {
      const progress = take(writer.finish());
      if (progress !== null) yield progress;
      continue;
    }
    if (row.kind === 'address') totals.addresses += 1n;
    if (row.kind === 'coin') totals.coins += 1n;
    const progress = take(writer.add(row));
    if (progress !== null) yield progress;
  }
  take(writer.finish());
  const manifest: SnapshotManifest = {
    genesisId: tables.log.leaf(0n),
    ...{ header, checkpoint, chunks, ...totals },
  };
  // A crash before this line leaves a folder without a manifest, which counts for nothing.
  writeManifest(folder, manifestCodec.encode(manifest));
  pruneSnapshots(root, keep);
  yield { chunks: chunks.length, sizeBytes: totals.sizeBytes, manifest, folder };
}

/** Every row in its order, and where a chunk must end. */
function* rowsOf(tables: Tables, height: bigint): Generator<SnapshotRow | 'cut'> {
  for (let epoch = 0; ; epoch++) {
    const handover = handoverOf(tables, epoch, height);
    if (handover === null) break;
    yield handover;
  }
  yield 'cut';
  for (let leaf = 0n; leaf <= height; leaf++) {
    yield { kind: 'leaf', hash: tables.log.leaf(leaf) };
  }
  for (const { key } of tables.records.all()) {
    const value = recordAt(tables, key, height);
    if (value !== null) yield { kind: 'record', key: key as Hash, value };
  }
  yield* addressRows(tables, height);
}

function handoverOf({ epochs, blocks, log }: Tables, epoch: number, height: bigint) {
  const stored = epochs.get(epoch);
  if (stored === null || stored.lastHeight === null || stored.lastHeight > height) return null;
  const { lastHeight } = stored;
  const checkpoint = epochs.checkpoint(lastHeight + 1n);
  if (checkpoint === null) return null;
  const header = headerCodec.decode(blocks.header(lastHeight) as Uint8Array);
  const next = epochs.set(header.nextValidatorsHash);
  const isSame = next !== null && Buffer.compare(next.hash, header.validatorsHash) === 0;
  const handover = {
    ...{ checkpoint, header },
    path: log.inclusion(lastHeight, lastHeight + 1n),
    nextValidators: isSame ? null : next,
  };
  return { kind: 'handover', handover } satisfies SnapshotRow;
}

/** Each address as it was at the height, with its coins, in order of the addresses' bytes. */
function* addressRows(tables: Tables, height: bigint): Generator<SnapshotRow> {
  const { accounts, database, history, undo } = tables;
  for (const account of accounts.byPayload(database.client)) {
    const { id } = account;
    const before = undo.accountAt(id, height);
    const record = before ?? account.record;
    if (record.historySize === 0n) continue;
    const peaks = before === null ? account.peaks : history.peaks(id, record.historySize);
    yield { kind: 'address', address: account.address, record, peaks };
    yield* coinRows(tables, account, height);
  }
}

const COINS_AT_A_TIME = 1_000;

function* coinRows(tables: Tables, holder: CoinHolder, height: bigint): Generator<SnapshotRow> {
  let after: Uint8Array = new Uint8Array(0);
  for (;;) {
    const page = coinsAt(tables, holder, height, after, COINS_AT_A_TIME);
    for (const { txid, index, amount, height: made } of page) {
      yield { kind: 'coin', coin: { txid, index, amount, height: made } };
    }
    const last = page.at(-1);
    if (last === undefined || page.length < COINS_AT_A_TIME) return;
    after = last.key;
  }
}
