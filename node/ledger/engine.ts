/**
 * The ledger's moving part: it holds the state, executes one block after the other, and takes
 * blocks back that were never certified.
 *
 * A block is one SQLite transaction. Dying inside it leaves the block before; the memory is made
 * again from the disk at the next start, and also when a block is given up half-way.
 */
import type { AddressRecord } from 'fanal/chain/address-record.ts';
import { blockCodec, type EquivocationRecord } from 'fanal/chain/block.ts';
import { OUTPOINT_BYTES } from 'fanal/chain/coin.ts';
import { epochStateCodec } from 'fanal/chain/epoch-state.ts';
import { type Genesis, genesisCodec } from 'fanal/chain/genesis.ts';
import { endsEpoch, type Header, headerCodec } from 'fanal/chain/header.ts';
import { originOf } from 'fanal/chain/origin.ts';
import { payoutId } from 'fanal/chain/payout.ts';
import { EPOCH_KEY, validatorKey } from 'fanal/chain/state-keys.ts';
import { checkShape } from 'fanal/chain/transaction-check.ts';
import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import type { CosignedCheckpoint } from 'fanal/checkpoint/cosigned.ts';
import type { SignedItem } from 'fanal/crypto/filter.ts';
import { listRoot } from 'fanal/merkle/list-proof.ts';
import type { MapChange } from 'fanal/merkle/map-tree.ts';
import { type Bytes, type Bytes32, equalBytes, toHex, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { openDatabase } from '../store/database.ts';
import { StoreError } from '../store/errors.ts';
import type { Account, AccountDraft } from './account.ts';
import { applyActions, convictEquivocators } from './actions.ts';
import { beginWithGenesis } from './begin.ts';
import { BlockWork } from './block-work.ts';
import { textOf } from './byte-text.ts';
import { cutEpoch } from './epoch-cut.ts';
import type { Encoded, ExecutedBlock, RetentionMode, Tip } from './ledger.ts';
import { LEDGER_LIMITS } from './limits.ts';
import { addressChange, loadRegistry, loadStateTree, recordChange } from './load-state.ts';
import type { Counts } from './meta-store.ts';
import { nativeListHasher } from './native-hash.ts';
import { applyDraft, least, most, type Registry, RegistryDraft } from './registry.ts';
import type { StateTree } from './state-tree.ts';
import { openTables, type Tables } from './tables.ts';

export interface LedgerOptions {
  /** The database file; it is made when it is not there. */
  readonly path: string;
  readonly genesis: Genesis;
  /** Checks signatures on this thread; `verifyNatively` in a node. */
  readonly verify: (items: readonly SignedItem[]) => readonly boolean[];
  readonly mode?: RetentionMode;
  /** Block bodies that a pruned ledger keeps. */
  readonly keptBlocks?: bigint;
  /** Certified states that stay provable, at least 64. */
  readonly provableStates?: bigint;
  /** Only a ledger that can be made again (a test, an import) may go without. */
  readonly durable?: boolean;
}

/** A block as execution takes it, from consensus or from a peer. */
interface WorkOrder {
  readonly epoch: number;
  readonly lastOfEpoch: boolean;
  readonly height: bigint;
  readonly time: bigint;
  readonly commitIndex: bigint;
  readonly commitDigest: Bytes32;
  readonly consensusSnapshotHash: Bytes32;
  readonly transactions: readonly Bytes[];
  readonly equivocations: readonly EquivocationRecord[];
  readonly committed: readonly number[];
}

export class LedgerEngine {
  readonly tables: Tables;
  readonly genesis: Genesis;
  readonly genesisId: Bytes32;
  readonly origin: string;
  readonly mode: RetentionMode;
  readonly #options: LedgerOptions;
  #tree: StateTree;
  #registry: Registry;
  #tip: Tip;
  #certified: CosignedCheckpoint | null;
  #counts: Counts;

  /**
   * @throws {FanalError} `ledger/other-genesis`
   * @throws {StoreError} `store/state-mismatch` when what is on disk does not make up the state that
   *   the newest header promises
   */
  constructor(options: LedgerOptions) {
    const database = openDatabase({
      path: options.path,
      kind: 'ledger',
      cacheMebibytes: LEDGER_LIMITS.cacheMebibytes,
      durable: options.durable ?? true,
    });
    this.tables = openTables(database);
    this.#options = options;
    this.mode = options.mode ?? 'archive';
    this.genesis = options.genesis;
    try {
      if (this.tables.meta.genesis() === null) beginWithGenesis(this.tables, options.genesis);
      requireGenesis(this.tables, options.genesis);
      this.genesisId = this.tables.log.leaf(0n);
      this.origin = originOf(options.genesis.domain, options.genesis.network, this.genesisId);
      this.#counts = this.tables.meta.counts() as Counts;
      this.tables.accounts.reload(this.#counts.addresses);
      this.#certified = this.tables.epochs.newestCheckpoint();
      this.#tip = this.#readTip();
      this.#registry = this.#readRegistry();
      this.#tree = this.#readTree();
    } catch (error) {
      database.close();
      throw error;
    }
  }

  get tip(): Tip {
    return this.#tip;
  }

  get registry(): Registry {
    return this.#registry;
  }

  get tree(): StateTree {
    return this.#tree;
  }

  get counts(): Counts {
    return this.#counts;
  }

  /** The newest certified checkpoint; null while only genesis is. */
  get certified(): CosignedCheckpoint | null {
    return this.#certified;
  }

  get certifiedHeight(): bigint {
    return this.#certified === null ? 0n : this.#certified.size - 1n;
  }

  /** How many blocks a pruned ledger keeps. */
  get keptBlocks(): bigint {
    return this.#options.keptBlocks ?? LEDGER_LIMITS.keptBlocks;
  }

  get provableStates(): bigint {
    return this.#options.provableStates ?? LEDGER_LIMITS.provableStates;
  }

  execute(order: WorkOrder, verified?: Uint8Array): ExecutedBlock {
    return this.#attempt(order, verified, null);
  }

  /** Executes a block from elsewhere and requires that it gives the header that it carries. */
  apply(bytes: Encoded<'Block'>): ExecutedBlock {
    const { header, transactions, committed, equivocations } = blockCodec.decode(bytes);
    const { epoch, height, time, commitIndex, commitDigest, consensusSnapshotHash } = header;
    return this.#attempt(
      {
        ...{ epoch, height, time, commitIndex, commitDigest, consensusSnapshotHash },
        lastOfEpoch: endsEpoch(header),
        ...{ transactions, committed, equivocations },
      },
      undefined,
      header,
    );
  }

  /** Why the actions of transactions would be refused in the next block, or null each. */
  checkActions(transactions: readonly Bytes[]): (string | null)[] {
    const { genesisId, origin } = this;
    const { verify } = this.#options;
    const height = this.#tip.height + 1n;
    const { params } = this.#registry;
    return transactions.map((bytes) => {
      const verdict = checkShape(bytes, { genesisId, params });
      if (verdict.kind === 'refused') return verdict.code;
      const { signed, witnessAddresses } = verdict.shaped;
      const owners = new Set(witnessAddresses.map(textOf));
      const context = { height, genesisId, origin, owners, verify };
      return applyActions(RegistryDraft.of(this.#registry), signed.transaction.actions, context);
    });
  }

  /**
   * Records a certified checkpoint. One that is not newer than the last is ignored, unless it ends
   * an epoch: light clients need each of those.
   */
  addCertified(cosigned: CosignedCheckpoint): void {
    const { epochs } = this.tables;
    const isNewer = cosigned.size > this.certifiedHeight + 1n;
    const isLast = epochs.isLast(cosigned.size - 1n);
    if (!isNewer && (!isLast || epochs.checkpoint(cosigned.size) !== null)) return;
    if (cosigned.size > this.#tip.size) {
      throw new FanalError(
        'ledger/not-executed',
        `size ${cosigned.size} is certified, and ${this.#tip.size} headers are here`,
      );
    }
    const root = this.tables.log.rootAt(cosigned.size);
    if (!equalBytes(root, cosigned.root)) {
      throw new FanalError(
        'ledger/divergent-checkpoint',
        `size ${cosigned.size}: expected root ${toHex(root)}, found ${toHex(cosigned.root)}`,
        { hint: 'Another root than ours was certified. Discard what is not, and update the node.' },
      );
    }
    this.tables.database.transaction(() => epochs.addCheckpoint(cosigned));
    if (isNewer) this.#certified = cosigned;
  }

  /** Takes back every block above the newest certified one. */
  discardUncertified(): Tip {
    const { database, accounts, blocks, epochs, log, meta } = this.tables;
    const target = this.certifiedHeight;
    let { coins } = this.#counts;
    database.transaction(() => {
      for (let height = this.#tip.height; height > target; height--) {
        const header = headerCodec.decode(blocks.header(height) as Bytes);
        coins += this.#takeBack(height);
        blocks.rewind(height);
        if (endsEpoch(header)) epochs.reopen(header.epoch);
      }
      log.truncate(target + 1n);
      accounts.recount();
      const payments = blocks.count();
      meta.setCounts({ ...this.#counts, coins, addresses: accounts.count, payments });
    });
    this.#reload();
    return this.#tip;
  }

  /** Gives up what is out of the window, some blocks a call. Says whether there is more. */
  prune(): boolean {
    const { database, blocks, epochs, meta, undo } = this.tables;
    const state = this.certifiedHeight - this.provableStates;
    const body = this.mode === 'pruned' ? this.certifiedHeight - this.keptBlocks : 0n;
    const { oldestState, firstBody } = this.#counts;
    const toState = least(state, oldestState + BigInt(LEDGER_LIMITS.prunedBlocks));
    const toBody = least(body, firstBody + BigInt(LEDGER_LIMITS.prunedBlocks));
    if (toState <= oldestState && toBody <= firstBody) return false;
    const counts = {
      ...this.#counts,
      oldestState: most(toState, oldestState),
      firstBody: most(toBody, firstBody),
    };
    database.transaction(() => {
      // What says what was before block h is of no use to states from h on.
      undo.forget(counts.oldestState);
      for (let height = firstBody; height < toBody; height++) blocks.pruneBody(height);
      blocks.pruneRefusals(this.#tip.height - LEDGER_LIMITS.refusalBlocks);
      epochs.pruneCheckpoints(this.certifiedHeight - LEDGER_LIMITS.checkpoints);
      meta.setCounts(counts);
    });
    this.#counts = counts;
    this.#tree.forgetBelow(counts.oldestState);
    return toState < state || toBody < body;
  }

  close(): void {
    this.tables.database.close();
  }

  #attempt(order: WorkOrder, verified: Uint8Array | undefined, expected: Header | null) {
    if (order.height !== this.#tip.height + 1n || order.epoch !== this.#registry.epoch.epoch) {
      throw new FanalError(
        'ledger/height',
        `expected block ${this.#tip.height + 1n} of epoch ${this.#registry.epoch.epoch}, found ${order.height} of epoch ${order.epoch}`,
      );
    }
    try {
      return this.#execute(order, verified, expected);
    } catch (error) {
      // The disk is as it was before. A disk that failed is not asked again.
      if (!(error instanceof StoreError)) this.#forgetBlock();
      throw error;
    }
  }

  #execute(
    order: WorkOrder,
    verified: Uint8Array | undefined,
    expected: Header | null,
  ): ExecutedBlock {
    const started = performance.now();
    let checked = started;
    let computed = started;
    const { height } = order;
    const registry = this.#registry;
    const draft = RegistryDraft.of(registry);
    const { tables } = this;
    const work = new BlockWork({ ...tables, ...this.#tools() }, height, draft);

    const result = tables.database.transaction(() => {
      order.transactions.forEach((bytes, i) => {
        work.add(bytes, verified?.[i] === 1);
      });
      checked = performance.now();
      const next = this.#closeBlock(order, work);
      work.finish();
      const changes = this.#updateAccounts(work.touched);
      const records = changedRecords(registry, draft);
      const recordsBefore = records.map(({ key }) => ({ key, value: tables.records.get(key) }));
      for (const { key, value } of records) changes.push(recordChange(key, value));
      const stateRoot = this.#tree.append(height, changes);
      const header = this.#header(order, work, stateRoot, next);
      if (expected !== null) requireHeader(expected, header);
      computed = performance.now();

      const headerBytes = headerCodec.encode(header);
      const drafts = work.touched.map(({ draft }) => draft as AccountDraft);
      work.touched.forEach((account, i) => {
        const { created, spent, isNew } = drafts[i] as AccountDraft;
        account.few = tables.coins.change(account, spent, created, account.record.coinCount);
        tables.accounts.write(account, isNew);
      });
      for (const record of records) tables.records.set(record);
      const created = drafts.flatMap((draft) => draft.created);
      const spent = drafts.flatMap((draft) => draft.spent);
      const undo = tables.undo.write(height, {
        accounts: work.touched.map(({ id }, i) => ({
          id,
          record: (drafts[i] as AccountDraft).before,
        })),
        records: recordsBefore,
        ...{ created, spent },
      });
      const { committed, equivocations } = order;
      tables.blocks.write(
        { header, committed, equivocations, nextValidators: next },
        headerBytes,
        work.payments,
      );
      for (const outcome of work.outcomes) {
        if (outcome.kind !== 'rejected' || equalBytes(outcome.txid, ZERO_32)) continue;
        tables.blocks.refuse(outcome.txid, height, outcome.code);
      }
      if (next !== null) {
        tables.epochs.end(order.epoch, height);
        tables.epochs.begin(order.epoch + 1, next);
      }
      const blockId = tables.log.append(headerBytes);
      const counts = {
        ...this.#counts,
        coins: this.#counts.coins + BigInt(created.length) - BigInt(spent.length),
        addresses: tables.accounts.count,
        payments: this.#counts.payments + BigInt(work.payments.length),
      };
      tables.meta.setCounts(counts);
      return { header, blockId, counts, next, undo };
    });

    // From here on the block is on disk.
    const { header, blockId, counts, next } = result;
    tables.undo.keep(height, result.undo);
    this.#counts = counts;
    this.#registry = applyDraft(registry, draft, next ?? registry.set);
    this.#tip = {
      ...{ height, header, blockId },
      size: height + 1n,
      root: tables.log.root,
    };
    const addresses = work.touched.map(({ address }) => address);
    for (const account of work.touched) account.draft = null;
    tables.accounts.trim();
    tables.coins.trim(tables.accounts.cached());
    const written = performance.now();
    return {
      ...this.#tip,
      outcomes: work.outcomes,
      addresses,
      spent: joined(work.spent),
      nextValidators: next,
      timings: {
        checkMillis: checked - started,
        stateMillis: computed - checked,
        writeMillis: written - computed,
      },
    };
  }

  /** What a block does besides its transactions. Returns the next set at an epoch's end. */
  #closeBlock(order: WorkOrder, work: BlockWork): ValidatorSet | null {
    const { draft, height } = work;
    const { committed } = draft.epoch;
    if (order.committed.some((count) => count > 0)) {
      draft.epoch = {
        ...draft.epoch,
        committed: committed.map((count, i) => count + BigInt(order.committed[i] ?? 0)),
      };
    }
    const authors = order.equivocations.map(({ author }) => author);
    convictEquivocators(draft, authors, height);
    if (!order.lastOfEpoch) return null;
    const names = [...this.#registry.records.keys()];
    for (const { name } of draft.changed()) if (!this.#registry.records.has(name)) names.push(name);
    const epoch = draft.epoch.epoch;
    const cut = cutEpoch(draft, names.sort(compareNames), this.genesisId, order.time);
    work.pay(payoutId(this.genesisId, epoch), cut.payouts);
    this.#keepPerformance(epoch, draft, cut.rewards, committedOf(order, committed));
    return cut.next;
  }

  /** Gives every touched account its new record, and returns their entries in the state map. */
  #updateAccounts(touched: readonly Account[]): MapChange[] {
    const { coins, history } = this.tables;
    const roots = coins.updateRoots(touched);
    return touched.map((account, i) => {
      const draft = account.draft as AccountDraft;
      const { size, root } = history.append(account, draft.entries);
      account.record = {
        balance: draft.balance,
        coinCount: draft.coinCount,
        coinsRoot: roots[i] as Bytes32,
        historySize: size,
        historyRoot: root,
      };
      return addressChange(account.stateKey, account.record);
    });
  }

  #header(
    order: WorkOrder,
    work: BlockWork,
    stateRoot: Bytes32,
    next: ValidatorSet | null,
  ): Header {
    const { epoch, height, time, commitIndex, commitDigest, consensusSnapshotHash } = order;
    return {
      ...{ height, epoch, time },
      previousRoot: this.#tip.root,
      txRoot: listRoot(
        work.payments.map(({ leaf }) => leaf),
        nativeListHasher,
      ),
      txCount: work.payments.length,
      stateRoot,
      validatorsHash: this.#registry.set.hash,
      nextValidatorsHash: next?.hash ?? ZERO_32,
      ...{ commitIndex, commitDigest, consensusSnapshotHash },
    };
  }

  /** Notes for the board what the epoch that ends has paid. */
  #keepPerformance(
    epoch: number,
    draft: RegistryDraft,
    rewards: readonly bigint[],
    committed: readonly bigint[],
  ): void {
    draft.set.validators.forEach(({ name }, i) => {
      const before = this.tables.epochs.performance(epoch, name);
      const rounds = committed[i] ?? 0n;
      this.tables.epochs.setPerformance(epoch, name, {
        ...before,
        rounds,
        rewards: rewards[i] ?? 0n,
      });
    });
  }

  #tools() {
    return { genesisId: this.genesisId, origin: this.origin, verify: this.#options.verify };
  }

  /**
   * Makes the rows what they were before the newest block. Returns by how much the number of coins
   * grows by that.
   */
  #takeBack(height: bigint): bigint {
    const { accounts, coins, history, records, undo } = this.tables;
    const block = undo.of(height);
    const created = byAddress(block.created);
    const spent = byAddress(block.spent);
    for (const id of block.accounts()) {
      const record = block.account(id) as AddressRecord;
      const account = accounts.read(id);
      account.few = coins.change(
        account,
        created.get(id) ?? [],
        spent.get(id) ?? [],
        record.coinCount,
      );
      account.peaks = history.peaks(id, record.historySize);
      account.record = record;
      history.truncate(id, record.historySize);
      if (record.historySize === 0n) accounts.remove(id);
      else accounts.write(account, false);
    }
    for (const { key, value } of block.records) {
      if (value === null) records.remove(key);
      else records.set({ key, value });
    }
    undo.drop(height);
    return BigInt(block.spent.length) - BigInt(block.created.length);
  }

  /** Makes the memory what it was before a block that failed. */
  #forgetBlock(): void {
    const { accounts, coins, log } = this.tables;
    accounts.reload(this.#counts.addresses);
    coins.reload();
    log.reload();
    if (this.#tree.newest > this.#tip.height) this.#tree.dropNewest();
    if (this.#tree.abandoned > LEDGER_LIMITS.abandonedChanges) this.#tree = this.#readTree();
  }

  #reload(): void {
    const { accounts, coins, log, meta, undo } = this.tables;
    this.#counts = meta.counts() as Counts;
    undo.reload();
    accounts.reload(this.#counts.addresses);
    coins.reload();
    log.reload();
    this.#tip = this.#readTip();
    this.#registry = this.#readRegistry();
    this.#tree = this.#readTree();
  }

  #readTip(): Tip {
    const { blocks, log } = this.tables;
    const height = blocks.newestHeight();
    if (height === null || log.size !== height + 1n) {
      throw new StoreError(
        'store/corrupt',
        `the newest block is ${height}, the header log has ${log.size} headers`,
        { hint: 'Restore a snapshot, or sync again; keep the old files.' },
      );
    }
    const header = headerCodec.decode(blocks.header(height) as Bytes);
    return { height, header, blockId: log.leaf(height), size: log.size, root: log.root };
  }

  #readRegistry(): Registry {
    const { epoch } = this.tables.epochs.newest();
    return loadRegistry(this.tables, this.tables.epochs.setOf(epoch));
  }

  #readTree(): StateTree {
    const { height, header } = this.#tip;
    const tree = loadStateTree(this.tables, this.#counts.oldestState, height);
    const root = tree.hash(height);
    if (!equalBytes(root, header.stateRoot)) {
      throw new StoreError(
        'store/state-mismatch',
        `block ${height} promises the state ${toHex(header.stateRoot)}, the disk has ${toHex(root)}`,
        { hint: 'The database is damaged. Restore a snapshot, or sync again; keep the old files.' },
      );
    }
    return tree;
  }
}

/** The state records that a draft changed, in canonical bytes. */
function changedRecords(registry: Registry, draft: RegistryDraft): { key: Bytes; value: Bytes }[] {
  const changed = [...draft.changed()].map((record) => ({
    key: validatorKey(record.name) as Bytes,
    value: validatorRecordCodec.encode(record),
  }));
  if (draft.epoch !== registry.epoch) {
    changed.push({ key: EPOCH_KEY, value: epochStateCodec.encode(draft.epoch) });
  }
  return changed;
}

function requireGenesis({ meta }: Tables, genesis: Genesis): void {
  if (equalBytes(meta.genesis() as Bytes, genesisCodec.encode(genesis))) return;
  throw new FanalError('ledger/other-genesis', 'the database belongs to another chain', {
    hint: 'Point the node at the folder of this chain, or at an empty one.',
  });
}

function requireHeader(expected: Header, found: Header): void {
  const [a, b] = [headerCodec.encode(expected), headerCodec.encode(found)];
  if (equalBytes(a, b)) return;
  const field = (Object.keys(found) as (keyof Header)[]).find((key) => {
    const [left, right] = [expected[key], found[key]];
    return typeof left === 'object' ? !equalBytes(left, right as Bytes) : left !== right;
  });
  throw new FanalError(
    'ledger/divergent-block',
    `block ${expected.height}: ${field} is not what execution gives`,
    { hint: 'The peer that sent the block lies, or runs other rules.' },
  );
}

function committedOf(order: WorkOrder, before: readonly bigint[]): bigint[] {
  return before.map((count, i) => count + BigInt(order.committed[i] ?? 0));
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function byAddress<T extends { readonly addressId: number }>(
  coins: readonly T[],
): Map<number, T[]> {
  return Map.groupBy(coins, ({ addressId }) => addressId);
}

/** Outpoints one after the other: too many of them to be arguments. */
function joined(outpoints: readonly Bytes[]): Bytes {
  const bytes = new Uint8Array(outpoints.length * OUTPOINT_BYTES);
  outpoints.forEach((outpoint, i) => {
    bytes.set(outpoint, i * OUTPOINT_BYTES);
  });
  return bytes;
}
