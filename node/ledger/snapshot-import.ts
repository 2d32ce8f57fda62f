/**
 * Takes a snapshot in: collects its chunks, checks each on arrival, and makes a ledger of them that
 * takes its place only when everything in it leads to the certified header.
 *
 * Whoever supplies chunks can waste our time, never change what we believe. Chunks lie in a folder
 * until they are used, so an import that was interrupted goes on where it was.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Genesis } from 'fanal/chain/genesis.ts';
import { type GenesisState, genesisState } from 'fanal/chain/genesis-state.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import { certify } from 'fanal/checkpoint/certify.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { type Handover, takeHandover } from 'fanal/light/handover.ts';
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { openDatabase } from '../store/database.ts';
import { storeError } from '../store/errors.ts';
import {
  makeFolder,
  readChunk,
  snapshotFolder,
  writeChunk,
  writeManifest,
} from '../store/snapshot-files.ts';
import {
  MAX_CHUNK_BYTES,
  manifestCodec,
  readRows,
  type SnapshotManifest,
} from '../store/snapshot-format.ts';
import { LedgerBuilder, refuse } from './ledger-builder.ts';
import { nativeSha256 } from './native-hash.ts';
import { openTables } from './tables.ts';

export interface ImportOptions {
  readonly genesis: Genesis;
  /** The manifest that a peer sent. */
  readonly manifest: Bytes;
  /** Where snapshots lie. */
  readonly root: string;
  /** Where the ledger shall stand; nothing may be there. */
  readonly ledgerPath: string;
  readonly verify: VerifyBatch;
}

export interface SnapshotImport {
  readonly manifest: SnapshotManifest;
  /** Chunks that are not here yet, ascending. */
  missing(): number[];
  /**
   * Takes a chunk.
   *
   * @returns false when it is not the chunk that the manifest names: ask another peer
   */
  add(index: number, chunk: Bytes): boolean;
  /**
   * Makes the ledger. Reports how many chunks are in.
   *
   * @throws {FanalError} `snapshot/…` when the chunks do not make up what the header promises: the
   *   manifest is worthless, and everybody who offers it lies
   */
  finish(onProgress?: (chunks: number) => void): Promise<void>;
}

/**
 * Begins an import, or goes on with one. The manifest's header must be in a log that is certified:
 * `finish` proves it by the handovers from the genesis on, so nothing is taken on trust here.
 *
 * @throws {FanalError} `snapshot/other-chain`, `snapshot/no-space`
 * @throws {DecodeError} when it is no manifest
 */
export function beginImport(options: ImportOptions): SnapshotImport {
  const manifest = manifestCodec.decode(options.manifest);
  const start = genesisState(options.genesis, nativeSha256);
  if (!equalBytes(manifest.genesisId, start.genesisId)) {
    throw new FanalError('snapshot/other-chain', 'the snapshot belongs to another chain');
  }
  const folder = snapshotFolder(options.root, manifest);
  makeFolder(folder);
  requireSpace(folder, manifest);
  const present = new Set<number>();
  manifest.chunks.forEach((hash, index) => {
    const chunk = readChunk(folder, index);
    if (chunk !== null && equalBytes(nativeSha256(chunk), hash)) present.add(index);
  });
  return {
    manifest,
    missing: () => manifest.chunks.map((_, index) => index).filter((index) => !present.has(index)),
    add(index, chunk) {
      const hash = manifest.chunks[index];
      if (hash === undefined || chunk.length > MAX_CHUNK_BYTES) return false;
      if (!equalBytes(nativeSha256(chunk), hash)) return false;
      writeChunk(folder, index, chunk);
      present.add(index);
      return true;
    },
    async finish(onProgress = () => {}) {
      const temporary = `${options.ledgerPath}.import`;
      removeDatabase(temporary);
      try {
        await build(temporary, { ...options, folder, manifest, start, onProgress });
      } catch (error) {
        removeDatabase(temporary);
        throw error;
      }
      // The manifest makes the folder a snapshot that others can have from us.
      writeManifest(folder, options.manifest);
      moveIntoPlace(temporary, options.ledgerPath);
    },
  };
}

interface BuildOptions extends ImportOptions {
  readonly folder: string;
  readonly start: GenesisState;
  readonly onProgress: (chunks: number) => void;
}

async function build(
  path: string,
  options: Omit<BuildOptions, 'manifest'> & { readonly manifest: SnapshotManifest },
): Promise<void> {
  const { manifest, folder, start, verify } = options;
  const database = openDatabase({ path, kind: 'ledger', durable: false });
  try {
    const builder = new LedgerBuilder(openTables(database), manifest);
    for (let index = 0; index < manifest.chunks.length; index++) {
      const chunk = readChunk(folder, index);
      if (chunk === null) throw new FanalError('snapshot/incomplete', `chunk ${index} is missing`);
      database.transaction(() => {
        for (const row of readRows(chunk)) builder.add(row);
        builder.endChunk();
      });
      options.onProgress(index + 1);
    }
    const set = await proveHandovers(builder, start, verify);
    database.transaction(() => builder.finish(options.genesis, start, set));
    database.client.pragma('synchronous = full');
    database.client.pragma('wal_checkpoint(truncate)');
  } finally {
    database.close();
  }
}

/** Follows the handovers from the genesis, and the last checkpoint, by signatures. */
async function proveHandovers(
  builder: LedgerBuilder,
  start: GenesisState,
  verify: VerifyBatch,
): Promise<ValidatorSet> {
  const { header, checkpoint } = builder.manifest;
  let trust = { origin: start.origin, epoch: 0, validators: start.validators };
  const isLast = (handover: Handover) => handover.header.height === header.height;
  for (const handover of builder.handovers) {
    // A snapshot at the end of an epoch: its own checkpoint is the handover's.
    if (isLast(handover)) break;
    const { epoch, validators } = await takeHandover(trust, handover, verify);
    trust = { ...trust, epoch, validators };
  }
  if (header.epoch !== trust.epoch || !equalBytes(header.validatorsHash, trust.validators.hash)) {
    throw refuse('snapshot/handovers', 'the handovers do not lead to the epoch of the snapshot');
  }
  await certify(checkpoint, start.origin, trust.validators, verify);
  const last = builder.handovers.at(-1);
  if (last === undefined || !isLast(last)) return trust.validators;
  return (await takeHandover(trust, last, verify)).validators;
}

/** A snapshot may take half of what is free: the ledger that it becomes takes the rest. */
function requireSpace(folder: string, { sizeBytes }: SnapshotManifest): void {
  const { bavail, bsize } = statfsSync(folder, { bigint: true });
  if (sizeBytes * 2n <= bavail * bsize) return;
  throw new FanalError(
    'snapshot/no-space',
    `the snapshot has ${sizeBytes} bytes, ${bavail * bsize} are free`,
    { hint: 'Free twice the size of the snapshot.' },
  );
}

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
}

function moveIntoPlace(from: string, to: string): void {
  if (existsSync(to)) {
    throw new FanalError('snapshot/ledger-exists', `${to} is there already`, {
      hint: 'Move the old ledger away first; the chunks are kept.',
    });
  }
  // A log that an older ledger left behind must not be taken for the new one's.
  for (const suffix of ['-wal', '-shm']) rmSync(`${to}${suffix}`, { force: true });
  try {
    const file = openSync(from, 'r');
    fsyncSync(file);
    closeSync(file);
    // A crash before the rename leaves the chunks, and the import is made again from them.
    renameSync(from, to);
    const folder = openSync(dirname(to), 'r');
    fsyncSync(folder);
    closeSync(folder);
  } catch (cause) {
    throw storeError(`moving ${from} to ${to}`, cause);
  }
}
