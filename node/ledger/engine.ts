/**
 * The ledger's moving part: it holds the state, executes one block after the other, and takes
 * blocks back that were never certified.
 *
 * A block is one SQLite transaction. Dying inside it leaves the block before; the memory is made
 * again from the disk at the next start, and also when a block is given up half-way.
 */
import { OUTPOINT_BYTES } from 'fanal/chain/coin.ts';
import { type Genesis, genesisCodec } from 'fanal/chain/genesis.ts';
import { type Header, headerCodec } from 'fanal/chain/header.ts';
import { originOf } from 'fanal/chain/origin.ts';
import { checkShape } from 'fanal/chain/transaction-check.ts';
import { NEWEST_VERSION } from 'fanal/chain/version.ts';
import type { CosignedCheckpoint } from 'fanal/checkpoint/cosigned.ts';
import type { SignedItem } from 'fanal/crypto/filter.ts';
import { type Bytes, type Bytes32, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { openDatabase } from '../store/database.ts';
import { StoreError } from '../store/errors.ts';
import { applyActions } from './actions.ts';
import { beginWithGenesis } from './begin.ts';
import { type DoneBlock, executeBlock, type LedgerState } from './block-execution.ts';
import { textOf } from './byte-text.ts';
import type { Encoded, ExecutedBlock, RetentionMode, Tip } from './ledger.ts';
import { LEDGER_LIMITS } from './limits.ts';
import { loadRegistry, loadStateTree } from './load-state.ts';
import type { Counts } from './meta-store.ts';
import { applyDraft, least, most, type Registry, RegistryDraft } from './registry.ts';
import type { StateTree } from './state-tree.ts';
import { openTables, type Tables } from './tables.ts';
import { takeBack } from './take-back.ts';
import { unknownVersion } from './unknown-version.ts';
import { orderOfBlock, type WorkOrder } from './work-order.ts';

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
  /** The newest protocol version whose rules are known; this release's by default. */
  readonly newestVersion?: number;
  /** Only a ledger that can be made again (a test, an import) may go without. */
  readonly durable?: boolean;
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

  /** Says whether the rules of the next block are known here. */
  get knowsVersion(): boolean {
    return this.#registry.params.protocolVersion <= this.#newestVersion;
  }

  execute(order: WorkOrder, verified?: Uint8Array): ExecutedBlock {
    return this.#attempt(order, verified, null);
  }

  /** Executes a block from elsewhere and requires that it gives the header that it carries. */
  apply(bytes: Encoded<'Block'>): ExecutedBlock {
    const { order, header } = orderOfBlock(bytes);
    return this.#attempt(order, undefined, header);
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
    const { tables } = this;
    const { height } = this.#tip;
    tables.database.transaction(() => {
      takeBack(tables, this.#counts, height, this.certifiedHeight);
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

  #attempt(
    order: WorkOrder,
    verified: Uint8Array | undefined,
    expected: Header | null,
  ): ExecutedBlock {
    const { height, epoch } = order;
    if (height !== this.#tip.height + 1n || epoch !== this.#registry.epoch.epoch) {
      throw new FanalError(
        'ledger/height',
        `expected block ${this.#tip.height + 1n} of epoch ${this.#registry.epoch.epoch}, found ${height} of epoch ${epoch}`,
      );
    }
    if (!this.knowsVersion) throw unknownVersion(this.#registry.params.protocolVersion);
    const started = performance.now();
    try {
      const state = this.#state();
      const done = this.tables.database.transaction(() =>
        executeBlock(state, order, verified, expected),
      );
      return this.#accept(height, done, started);
    } catch (error) {
      // The disk is as it was before. A disk that failed is not asked again.
      if (!(error instanceof StoreError)) this.#forgetBlock();
      throw error;
    }
  }

  /** Takes over a block that is on disk. */
  #accept(height: bigint, done: DoneBlock, started: number): ExecutedBlock {
    const { accounts, coins, log, undo } = this.tables;
    const { header, blockId, work, nextValidators, checkedAt, computedAt } = done;
    undo.keep(height, done.undo);
    this.#counts = done.counts;
    const { set } = this.#registry;
    this.#registry = applyDraft(this.#registry, work.draft, nextValidators ?? set);
    this.#tip = { height, header, blockId, size: height + 1n, root: log.root };
    for (const account of work.touched) account.draft = null;
    accounts.trim();
    coins.trim(accounts.cached());
    return {
      ...this.#tip,
      outcomes: work.outcomes,
      addresses: work.touched.map(({ address }) => address),
      spent: joined(work.spent),
      nextValidators,
      certifiedSize: this.certifiedHeight + 1n,
      sizeBytes: done.sizeBytes,
      timings: {
        checkMillis: checkedAt - started,
        stateMillis: computedAt - checkedAt,
        writeMillis: performance.now() - computedAt,
      },
    };
  }

  get #newestVersion(): number {
    return this.#options.newestVersion ?? NEWEST_VERSION;
  }

  #state(): LedgerState {
    const { tables, genesisId, origin } = this;
    return {
      ...{ tables, genesisId, origin },
      ...{ tree: this.#tree, registry: this.#registry, tip: this.#tip, counts: this.#counts },
      verify: this.#options.verify,
    };
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

function requireGenesis({ meta }: Tables, genesis: Genesis): void {
  if (equalBytes(meta.genesis() as Bytes, genesisCodec.encode(genesis))) return;
  throw new FanalError('ledger/other-genesis', 'the database belongs to another chain', {
    hint: 'Point the node at the folder of this chain, or at an empty one.',
  });
}

/** Outpoints one after the other: too many of them to be arguments. */
function joined(outpoints: readonly Bytes[]): Bytes {
  const bytes = new Uint8Array(outpoints.length * OUTPOINT_BYTES);
  outpoints.forEach((outpoint, i) => {
    bytes.set(outpoint, i * OUTPOINT_BYTES);
  });
  return bytes;
}
