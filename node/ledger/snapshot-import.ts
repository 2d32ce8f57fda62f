/**
 * Takes a snapshot in: collects its chunks, checks each on arrival, and makes a ledger of them that
 * takes its place only when everything in it leads to the certified header.
 *
 * Whoever supplies chunks can waste our time, never change what we believe. Chunks lie in a folder
 * until they are used, so an import that was interrupted goes on where it was.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AddressRecord } from 'fanal/chain/address-record.ts';
import type { Coin } from 'fanal/chain/coin.ts';
import { epochStateCodec } from 'fanal/chain/epoch-state.ts';
import { type Genesis, genesisCodec } from 'fanal/chain/genesis.ts';
import { type GenesisState, genesisState } from 'fanal/chain/genesis-state.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { EPOCH_KEY } from 'fanal/chain/state-keys.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import { certify } from 'fanal/checkpoint/certify.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { type Handover, takeHandover } from 'fanal/light/handover.ts';
import { rangeRoot } from 'fanal/merkle/list.ts';
import { EMPTY_MAP, type MapChange, type MapRoot, MapTree } from 'fanal/merkle/map-tree.ts';
import { type Bytes, compareBytes, equalBytes } from 'fanal/primitives/bytes.ts';
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
  type SnapshotRow,
} from '../store/snapshot-format.ts';
import { type Account, encodePeaks } from './account.ts';
import { LEDGER_LIMITS } from './limits.ts';
import { addressChange, recordChange } from './load-state.ts';
import { nativeListHasher, nativeMapHasher, nativeSha256 } from './native-hash.ts';
import { changeOf, coinKeyOf, type StoredCoin } from './stored-coin.ts';
import { openTables, type Tables } from './tables.ts';

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
    throw refuse('handovers', 'the handovers do not lead to the epoch of the snapshot');
  }
  await certify(checkpoint, start.origin, trust.validators, verify);
  const last = builder.handovers.at(-1);
  if (last === undefined || !isLast(last)) return trust.validators;
  return (await takeHandover(trust, last, verify)).validators;
}

/** The address whose coins are being read. */
interface OpenAddress {
  readonly account: Account;
  readonly record: AddressRecord;
  /** Its coins while they are few; the others are in the table already. */
  few: StoredCoin[] | null;
  /** Its coin map so far, without `changes`. */
  coins: MapRoot;
  changes: MapChange[];
  count: bigint;
  sum: bigint;
}

/** Turns rows into tables, checking what can be checked as it goes. */
class LedgerBuilder {
  readonly manifest: SnapshotManifest;
  readonly handovers: Handover[] = [];
  readonly #tables: Tables;
  readonly #height: bigint;
  readonly #state = new MapTree(nativeMapHasher);
  readonly #coins = new MapTree(nativeMapHasher);
  #stateRoot = EMPTY_MAP;
  #changes: MapChange[] = [];
  #addressCount = 0n;
  #coinCount = 0n;
  #previous: Bytes = new Uint8Array(0);
  #open: OpenAddress | null = null;
  /** Addresses of this chunk whose coins are all here, to be checked in bulk. */
  #closed: OpenAddress[] = [];

  constructor(tables: Tables, manifest: SnapshotManifest) {
    this.#tables = tables;
    this.manifest = manifest;
    this.#height = manifest.header.height;
  }

  add(row: SnapshotRow): void {
    switch (row.kind) {
      case 'leaf':
        this.#tables.log.appendHash(row.hash);
        return;
      case 'handover':
        this.handovers.push(row.handover);
        return;
      case 'record':
        this.#tables.records.set(row);
        this.#changes.push(recordChange(row.key, row.value));
        return;
      case 'address':
        this.#closeAddress();
        this.#openAddress(row);
        return;
      case 'coin':
        this.#addCoin(row.coin);
    }
  }

  /** Hashes what a chunk brought, and checks the coins of the addresses that it completed. */
  endChunk(): void {
    const state = this.#state.update(this.#stateRoot, this.#changes);
    this.#state.free(state.replaced);
    this.#stateRoot = state.root;
    this.#changes = [];
    const pending = this.#open === null ? this.#closed : [...this.#closed, this.#open];
    const { roots } = this.#coins.updateAll(
      pending.map(({ coins, changes }) => ({ root: coins, changes })),
    );
    this.#closed.forEach(({ record }, i) => {
      if (!equalBytes(this.#coins.hash(roots[i] as MapRoot), record.coinsRoot)) {
        throw refuseCoins();
      }
    });
    this.#closed = [];
    const [kept] = this.#coins.compact(this.#open === null ? [] : roots.slice(-1));
    if (this.#open === null || kept === undefined) return;
    this.#open.coins = kept;
    this.#open.changes = [];
  }

  finish(genesis: Genesis, start: GenesisState, set: ValidatorSet): void {
    this.#closeAddress();
    this.endChunk();
    const { log, meta, records } = this.#tables;
    const { header, checkpoint } = this.manifest;
    if (log.size !== this.#height + 1n || !equalBytes(log.root, checkpoint.root)) {
      throw refuse('log', 'the header log is not the one that was certified');
    }
    const leaf = nativeListHasher.leaf(headerCodec.encode(header));
    if (!equalBytes(log.leaf(this.#height), leaf)) {
      throw refuse('log', 'the header is not the last of the log');
    }
    if (!equalBytes(this.#state.hash(this.#stateRoot), header.stateRoot)) {
      throw refuse('state', 'the rows are not the state of the header');
    }
    const { epoch } = epochStateCodec.decode(records.get(EPOCH_KEY) as Bytes);
    this.#writeEpochs(start, epoch, set);
    meta.setGenesis(genesisCodec.encode(genesis));
    meta.setCounts({
      coins: this.#coinCount,
      addresses: this.#addressCount,
      payments: 0n,
      firstBody: this.#height + 1n,
      firstHistory: this.#height + 1n,
      oldestState: this.#height,
    });
  }

  /** The epochs, their checkpoints, and the few headers that answers need. */
  #writeEpochs(start: GenesisState, running: number, set: ValidatorSet): void {
    const { blocks, epochs } = this.#tables;
    const heights = new Set<bigint>();
    const keep = (height: bigint, header: Bytes) => {
      if (!heights.has(height)) blocks.writeHeader(height, header);
      heights.add(height);
    };
    keep(0n, headerCodec.encode(start.header));
    let { validators } = start;
    this.handovers.forEach(({ checkpoint, header, nextValidators }, epoch) => {
      epochs.begin(epoch, validators);
      epochs.end(epoch, header.height);
      epochs.addCheckpoint(checkpoint);
      keep(header.height, headerCodec.encode(header));
      validators = nextValidators ?? validators;
    });
    if (running !== this.handovers.length || !equalBytes(validators.hash, set.hash)) {
      throw refuse('handovers', 'the handovers do not lead to the running epoch');
    }
    epochs.begin(running, set);
    epochs.addCheckpoint(this.manifest.checkpoint);
    keep(this.#height, headerCodec.encode(this.manifest.header));
  }

  #openAddress({ address, record, peaks }: SnapshotRow & { kind: 'address' }): void {
    if (compareBytes(this.#previous, address) >= 0) throw refuse('order', 'addresses out of order');
    this.#previous = address;
    const range = { size: record.historySize, nodes: peaks };
    const isWhole = peaks.length > 0 && peaks.length === onesOf(record.historySize);
    if (!isWhole || !equalBytes(rangeRoot(range, nativeListHasher), record.historyRoot)) {
      throw refuse('history', 'the history of an address is not that of its record');
    }
    const account = this.#tables.accounts.make(address);
    account.record = record;
    account.peaks = peaks;
    this.#tables.history.importBase(account.id, record.historySize, encodePeaks(peaks));
    this.#changes.push(addressChange(account.stateKey, record));
    this.#addressCount += 1n;
    const few = record.coinCount <= BigInt(LEDGER_LIMITS.fewCoins) ? [] : null;
    this.#open = { account, record, few, coins: EMPTY_MAP, changes: [], count: 0n, sum: 0n };
  }

  #addCoin(coin: Coin): void {
    if (this.#open === null) throw refuse('order', 'a coin before any address');
    const stored = { ...coin, key: coinKeyOf(coin), addressId: this.#open.account.id };
    if (this.#open.few === null) this.#tables.coins.insert(stored);
    else this.#open.few.push(stored);
    this.#open.changes.push(changeOf(stored));
    this.#open.count += 1n;
    this.#open.sum += coin.amount;
    if (this.#open.count > this.#open.record.coinCount) throw refuseCoins();
    this.#coinCount += 1n;
  }

  #closeAddress(): void {
    if (this.#open === null) return;
    const { record, count, sum } = this.#open;
    if (count !== record.coinCount || sum !== record.balance) {
      throw refuseCoins();
    }
    this.#open.account.few = this.#open.few;
    this.#tables.accounts.write(this.#open.account, true);
    this.#closed.push(this.#open);
    this.#open = null;
  }
}

function refuseCoins(): FanalError {
  return refuse('coins', 'the coins of an address are not those of its record');
}

function refuse(what: string, message: string): FanalError {
  return new FanalError(`snapshot/${what}`, message, {
    hint: 'Nothing was changed. Take the snapshot of another peer.',
  });
}

function onesOf(value: bigint): number {
  let count = 0;
  for (let rest = value; rest > 0n; rest >>= 1n) if ((rest & 1n) === 1n) count++;
  return count;
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
