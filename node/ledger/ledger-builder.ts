/**
 * Builds a ledger out of a snapshot's rows, and believes none of them before all of them together
 * lead to the certified header.
 */
import type { AddressRecord } from 'fanal/chain/address-record.ts';
import type { Coin } from 'fanal/chain/coin.ts';
import { epochStateCodec } from 'fanal/chain/epoch-state.ts';
import { type Genesis, genesisCodec } from 'fanal/chain/genesis.ts';
import type { GenesisState } from 'fanal/chain/genesis-state.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { EPOCH_KEY } from 'fanal/chain/state-keys.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import type { Handover } from 'fanal/light/handover.ts';
import { rangeRoot } from 'fanal/merkle/list.ts';
import { EMPTY_MAP, type MapChange, type MapRoot, MapTree } from 'fanal/merkle/map-tree.ts';
import { type Bytes, compareBytes, equalBytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { SnapshotManifest, SnapshotRow } from '../store/snapshot-format.ts';
import { type Account, encodePeaks } from './account.ts';
import { LEDGER_LIMITS } from './limits.ts';
import { addressChange, recordChange } from './load-state.ts';
import { nativeListHasher, nativeMapHasher } from './native-hash.ts';
import { changeOf, coinKeyOf, type StoredCoin } from './stored-coin.ts';
import type { Tables } from './tables.ts';

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
export class LedgerBuilder {
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
      throw refuse('snapshot/log', 'the header log is not the one that was certified');
    }
    const leaf = nativeListHasher.leaf(headerCodec.encode(header));
    if (!equalBytes(log.leaf(this.#height), leaf)) {
      throw refuse('snapshot/log', 'the header is not the last of the log');
    }
    if (!equalBytes(this.#state.hash(this.#stateRoot), header.stateRoot)) {
      throw refuse('snapshot/state', 'the rows are not the state of the header');
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
      throw refuse('snapshot/handovers', 'the handovers do not lead to the running epoch');
    }
    epochs.begin(running, set);
    epochs.addCheckpoint(this.manifest.checkpoint);
    keep(this.#height, headerCodec.encode(this.manifest.header));
  }

  #openAddress({ address, record, peaks }: SnapshotRow & { kind: 'address' }): void {
    if (compareBytes(this.#previous, address) >= 0)
      throw refuse('snapshot/order', 'addresses out of order');
    this.#previous = address;
    const range = { size: record.historySize, nodes: peaks };
    const isWhole = peaks.length > 0 && peaks.length === onesOf(record.historySize);
    if (!isWhole || !equalBytes(rangeRoot(range, nativeListHasher), record.historyRoot)) {
      throw refuse('snapshot/history', 'the history of an address is not that of its record');
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
    if (this.#open === null) throw refuse('snapshot/order', 'a coin before any address');
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
  return refuse('snapshot/coins', 'the coins of an address are not those of its record');
}

/** A snapshot that is not what its header promises. */
export function refuse(code: `snapshot/${string}`, message: string): FanalError {
  return new FanalError(code, message, {
    hint: 'Nothing was changed. Take the snapshot of another peer.',
  });
}

function onesOf(value: bigint): number {
  let count = 0;
  for (let rest = value; rest > 0n; rest >>= 1n) if ((rest & 1n) === 1n) count++;
  return count;
}
