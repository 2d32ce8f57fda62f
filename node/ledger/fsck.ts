/**
 * Checks a whole ledger database, row by row, against the headers that validators certified: what
 * `fanal fsck` runs on a data folder, with the node stopped or beside it.
 *
 * Nothing is taken over from the running ledger's memory: every root is computed again from rows.
 */

import { epochStateCodec } from 'fanal/chain/epoch-state.ts';
import type { Genesis } from 'fanal/chain/genesis.ts';
import { genesisState } from 'fanal/chain/genesis-state.ts';
import { endsEpoch, type Header, headerCodec } from 'fanal/chain/header.ts';
import { EPOCH_KEY } from 'fanal/chain/state-keys.ts';
import { splitTransaction } from 'fanal/chain/transaction.ts';
import { transactionLeaf, txidOf } from 'fanal/chain/transaction-leaf.ts';
import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import { certify } from 'fanal/checkpoint/certify.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import {
  appendLeaf,
  type CompactRange,
  EMPTY_ROOT,
  emptyRange,
  listRoot,
  rangeRoot,
} from 'fanal/merkle/list.ts';
import { EMPTY_MAP, type MapChange, MapTree } from 'fanal/merkle/map-tree.ts';
import { type Bytes, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { type Database, openDatabase } from '../store/database.ts';
import type { Account } from './account.ts';
import { historyLeaf } from './history-store.ts';
import { addressChange, isOfChain, recordChange } from './load-state.ts';
import { nativeListHasher, nativeMapHasher, nativeSha256 } from './native-hash.ts';
import { changeOf } from './stored-coin.ts';
import { openTables, type Tables } from './tables.ts';

export interface LedgerCheck {
  readonly path: string;
  readonly genesis: Genesis;
  readonly verify: VerifyBatch;
  /** Told now and then what is being checked. */
  readonly onProgress?: (step: string, done: bigint) => void;
}

/** What is wrong, in words; empty when everything fits. */
export interface LedgerVerdict {
  readonly findings: readonly string[];
  readonly headers: bigint;
  readonly blocks: bigint;
  readonly payments: bigint;
  readonly addresses: bigint;
  readonly coins: bigint;
  readonly checkpoints: number;
  readonly height: bigint;
  /** Root of the header log over every header. */
  readonly root: Hash;
}

/** More findings than this are not listed: the first ones tell the story. */
const MAX_FINDINGS = 100;

/**
 * Checks a ledger. It reads in one transaction, so a node may go on beside it.
 *
 * @throws {StoreError} when the file cannot be read at all
 */
export async function checkLedger(options: LedgerCheck): Promise<LedgerVerdict> {
  const database = openDatabase({ path: options.path, kind: 'ledger', readOnly: true });
  try {
    database.client.exec('BEGIN');
    const audit = new LedgerAudit(database, options);
    return await audit.run();
  } finally {
    database.close();
  }
}

class LedgerAudit {
  readonly #database: Database;
  readonly #tables: Tables;
  readonly #options: LedgerCheck;
  readonly #findings: string[] = [];
  #blocks = 0n;
  #payments = 0n;
  #addresses = 0n;
  #coins = 0n;

  constructor(database: Database, options: LedgerCheck) {
    this.#database = database;
    this.#tables = openTables(database);
    this.#options = options;
  }

  async run(): Promise<LedgerVerdict> {
    this.#checkFile();
    const nothing = { header: null, root: EMPTY_ROOT };
    const { header, root } = this.#attempt('log', () => this.#checkLog(), nothing);
    if (header !== null) this.#attempt('state', () => this.#checkState(header), undefined);
    const checkpoints = await this.#checkCheckpoints();
    return {
      findings: this.#findings,
      headers: (header?.height ?? -1n) + 1n,
      blocks: this.#blocks,
      payments: this.#payments,
      addresses: this.#addresses,
      coins: this.#coins,
      checkpoints,
      height: header?.height ?? -1n,
      root,
    };
  }

  #find(finding: string): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
  }

  /** Does a check; what it trips over is a finding too. */
  #attempt<T>(at: string, check: () => T, otherwise: T): T {
    try {
      return check();
    } catch (error) {
      this.#find(`${at}: ${(error as Error).message}`);
      return otherwise;
    }
  }

  #progress(step: string, done: bigint): void {
    if (done % 1_000n === 0n) this.#options.onProgress?.(step, done);
  }

  /** SQLite's own look at its pages and indexes. */
  #checkFile(): void {
    const rows = this.#database.client.pragma('integrity_check') as { integrity_check: string }[];
    for (const { integrity_check: line } of rows) if (line !== 'ok') this.#find(`file: ${line}`);
  }

  /** Every header against the log, its parent and its body. Returns the newest. */
  #checkLog(): { header: Header | null; root: Hash } {
    const { blocks, log } = this.#tables;
    const start = genesisState(this.#options.genesis, nativeSha256);
    const newest = blocks.newestHeight() ?? -1n;
    let range: CompactRange = emptyRange();
    let previous: Header | null = null;
    for (let height = 0n; height <= newest; height++) {
      this.#progress('headers', height);
      const bytes = blocks.header(height);
      const leaf = log.leaf(height);
      if (bytes !== null) {
        const header = headerCodec.decode(bytes);
        const at = `block ${height}`;
        if (!equalBytes(nativeListHasher.leaf(bytes), leaf)) this.#find(`${at}: not in the log`);
        const root = rangeRoot(range, nativeListHasher);
        if (!equalBytes(header.previousRoot, root)) this.#find(`${at}: another log before it`);
        if (header.height !== height) this.#find(`${at}: its header says ${header.height}`);
        if (previous !== null) this.#checkParent(at, header, previous);
        if (height > 0n) this.#attempt(at, () => this.#checkBody(at, header), undefined);
        previous = header;
      } else {
        previous = null;
      }
      range = appendLeaf(range, leaf, undefined, nativeListHasher);
    }
    if (!equalBytes(log.leaf(0n), start.genesisId)) this.#find('block 0: another genesis');
    const root = rangeRoot(range, nativeListHasher);
    if (log.size !== newest + 1n || !equalBytes(log.root, root)) {
      this.#find(`log: ${log.size} headers, ${newest + 1n} blocks`);
    }
    return { header: previous, root };
  }

  #checkParent(at: string, header: Header, parent: Header): void {
    if (header.time < parent.time) this.#find(`${at}: before its parent`);
    const epoch = endsEpoch(parent) ? parent.epoch + 1 : parent.epoch;
    if (header.epoch !== epoch) this.#find(`${at}: epoch ${header.epoch} instead of ${epoch}`);
    const set = endsEpoch(parent) ? parent.nextValidatorsHash : parent.validatorsHash;
    if (!equalBytes(header.validatorsHash, set)) this.#find(`${at}: another validator set`);
  }

  /** The transactions of a block, as far as they are kept, against its root. */
  #checkBody(at: string, header: Header): void {
    const { blocks, meta } = this.#tables;
    if (header.height < (meta.counts()?.firstBody ?? 0n)) return;
    this.#blocks += 1n;
    const leaves: Hash[] = [];
    for (const { txid, bytes, position } of blocks.payments(header.height, 0, MAX_ROWS)) {
      this.#payments += 1n;
      if (bytes === null) {
        this.#find(`${at}: transaction ${position} is missing`);
        continue;
      }
      const { transaction, witnesses } = splitTransaction(bytes);
      if (!equalBytes(txidOf(transaction), txid)) {
        this.#find(`${at}: transaction ${position} has another id`);
      }
      leaves.push(nativeListHasher.leaf(transactionLeaf(txid as Hash, witnesses)));
    }
    if (leaves.length !== header.txCount) {
      this.#find(`${at}: ${leaves.length} transactions, its header says ${header.txCount}`);
    } else if (!equalBytes(listRoot(leaves, nativeListHasher), header.txRoot)) {
      this.#find(`${at}: other transactions than its header's`);
    }
    const stored = blocks.leaves(header.height) ?? [];
    if (stored.length !== leaves.length || stored.some((leaf, i) => !same(leaf, leaves[i]))) {
      this.#find(`${at}: other leaf hashes than its transactions'`);
    }
    const block = blocks.block(header.height);
    if (block === null) this.#find(`${at}: its body is missing`);
  }

  /** Every address and record against the newest header's state, and the sum of all units. */
  #checkState(header: Header): void {
    const { accounts, records } = this.#tables;
    const tree = new MapTree(nativeMapHasher);
    let root = EMPTY_MAP;
    let held = 0n;
    let changes: MapChange[] = [];
    const flush = () => {
      const updated = tree.update(root, changes);
      tree.free(updated.replaced);
      root = updated.root;
      changes = [];
    };
    for (const account of accounts.all(this.#database.client)) {
      this.#progress('addresses', this.#addresses);
      this.#addresses += 1n;
      const at = `address ${toHex(account.address)}`;
      this.#attempt(at, () => this.#checkAccount(at, account), undefined);
      held += account.record.balance;
      changes.push(addressChange(account.stateKey, account.record));
      if (changes.length === 10_000) flush();
    }
    for (const { key, value } of records.all()) {
      changes.push(recordChange(key, value));
      held += stakeIn(key, value);
    }
    flush();
    if (!equalBytes(tree.hash(root), header.stateRoot)) {
      this.#find(`state: ${toHex(tree.hash(root))} instead of ${toHex(header.stateRoot)}`);
    }
    const accountsOfEpoch = records.get(EPOCH_KEY);
    const epoch = accountsOfEpoch === null ? null : epochStateCodec.decode(accountsOfEpoch);
    if (epoch !== null && held + epoch.fees !== epoch.supply) {
      this.#find(`supply: ${held + epoch.fees} units are there, ${epoch.supply} should be`);
    }
    const counts = this.#tables.meta.counts();
    if (counts?.coins !== this.#coins || counts.addresses !== this.#addresses) {
      this.#find(`counts: ${this.#coins} coins of ${this.#addresses} addresses are there`);
    }
  }

  /** An address's coins and history against its record. */
  #checkAccount(at: string, account: Account): void {
    const { coins, history } = this.#tables;
    const { id, record, peaks } = account;
    const tree = new MapTree(nativeMapHasher);
    const held = coins.all(account);
    this.#coins += BigInt(held.length);
    const { root } = tree.update(EMPTY_MAP, held.map(changeOf));
    const sum = held.reduce((total, { amount }) => total + amount, 0n);
    const isWhole = BigInt(held.length) === record.coinCount && sum === record.balance;
    if (!isWhole || !equalBytes(tree.hash(root), record.coinsRoot)) {
      this.#find(`${at}: other coins than its record's`);
    }
    if (account.few !== null && coins.all({ id, few: null }).length > 0) {
      this.#find(`${at}: coins in two places`);
    }
    const range = { size: record.historySize, nodes: peaks };
    if (!equalBytes(rangeRoot(range, nativeListHasher), record.historyRoot)) {
      this.#find(`${at}: other subtrees than its record's history`);
    }
    let built: CompactRange = history.base(id);
    while (built.size < record.historySize) {
      const page = history.entries(id, built.size, 1_000, record.historySize);
      for (const entry of page) {
        built = appendLeaf(built, historyLeaf(entry), undefined, nativeListHasher);
      }
    }
    if (!equalBytes(rangeRoot(built, nativeListHasher), record.historyRoot)) {
      this.#find(`${at}: another history than its record's`);
    }
  }

  /** Every certified checkpoint against the log, the set of its epoch, and its signatures. */
  async #checkCheckpoints(): Promise<number> {
    const { blocks, epochs, log } = this.#tables;
    const { origin } = genesisState(this.#options.genesis, nativeSha256);
    const all = this.#attempt('checkpoints', () => epochs.checkpoints(), []);
    for (const checkpoint of all) {
      const { size, root } = checkpoint;
      const at = `checkpoint ${size}`;
      this.#progress('checkpoints', size);
      if (size > log.size || !equalBytes(log.rootAt(size), root)) {
        this.#find(`${at}: another log`);
        continue;
      }
      const header = blocks.header(size - 1n);
      const set = header === null ? null : epochs.set(headerCodec.decode(header).validatorsHash);
      if (set === null) {
        this.#find(`${at}: its validator set is missing`);
        continue;
      }
      try {
        await certify(checkpoint, origin, set, this.#options.verify);
      } catch (error) {
        this.#find(`${at}: ${(error as Error).message}`);
      }
    }
    return all.length;
  }
}

const MAX_ROWS = 1 << 20;

/** Units that a validator's record holds: stake, bonds, and what is on its way back. */
function stakeIn(key: Bytes, value: Bytes): bigint {
  if (isOfChain(key)) return 0n;
  const { stake, pendingBond, unbondings } = validatorRecordCodec.decode(value);
  return unbondings.reduce((sum, { amount }) => sum + amount, stake + pendingBond);
}

function same(a: Hash, b: Hash | undefined): boolean {
  return b !== undefined && equalBytes(a, b);
}
