/**
 * The mempool: checks transactions from wallets and peers, keeps those that could stand in a block,
 * hands them to the proposer, and forgets them once a block decides.
 *
 * What it promises is cheap refusals first (shape, duplicates, fees, coins) and a signature check
 * only for what passed them all. What it cannot know (a coin that another proposer spends at the
 * same moment) execution settles.
 */
import { MAX_EXPIRY_AHEAD } from 'fanal/chain/limits.ts';
import {
  checkShape,
  type ShapedTransaction,
  type TransactionRules,
} from 'fanal/chain/transaction-check.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { PendingTransaction } from '../core/types.ts';
import { textOf } from '../ledger/byte-text.ts';
import type { AsyncLedger, ExecutedBlock } from '../ledger/ledger.ts';
import { nativeSha256 } from '../ledger/native-hash.ts';
import { checkCoins, type InputCoin, isExpired } from '../ledger/transaction-rules.ts';
import { MEMPOOL_LIMITS, type MempoolLimits } from './mempool-limits.ts';
import {
  type EvictionReason,
  type MempoolCounters,
  type MempoolStatus,
  problemOf,
  type SubmitOutcome,
} from './mempool-outcome.ts';

export type { MempoolCounters, MempoolStatus, SubmitOutcome } from './mempool-outcome.ts';

import { type Candidate, type Pending, PendingPool } from './pending-pool.ts';

/** Where a transaction came from: a wallet behind the API, or a peer. */
export interface MempoolSource {
  readonly kind: 'api' | 'gossip';
  /** Tells clients or peers apart, for their quotas. */
  readonly id: string;
}

export interface MempoolOptions {
  readonly rules: TransactionRules;
  readonly ledger: Pick<AsyncLedger, 'spendable' | 'transactionStatus' | 'checkActions'>;
  /** Checks every signature of whole transactions: one verdict each. */
  readonly verify: (transactions: readonly Bytes[]) => Promise<readonly boolean[]>;
  /** Milliseconds that never fall. */
  readonly now: () => number;
  /** Our place among the proposers of a transaction, from 0. */
  readonly rankOf: (txid: Bytes32) => number;
  /** The last executed height. */
  readonly height: () => bigint;
  /** Hears of what was admitted, to pass it on. */
  readonly onAdmitted?: (
    transactions: readonly PendingTransaction[],
    source: MempoolSource,
  ) => void;
  readonly limits?: Partial<MempoolLimits>;
}

export class Mempool {
  readonly counters: MempoolCounters = {
    admitted: { api: 0, gossip: 0 },
    rejected: new Map(),
    evicted: { expired: 0, fee: 0, conflict: 0, full: 0 },
  };
  /** Called with the time from admission to block, in milliseconds. */
  onIncluded: (waitMillis: number) => void = () => {};
  readonly #options: MempoolOptions;
  readonly #limits: MempoolLimits;
  readonly #pool: PendingPool;
  /** Names of transactions that are being checked. */
  readonly #checking = new Set<string>();
  readonly #checkingBySource = new Map<string, number>();
  /** Why transactions went, oldest first. */
  readonly #refusals = new Map<string, string>();
  /** Hashes of transactions whose signatures are right, oldest first. */
  readonly #checked = new Set<string>();

  constructor(options: MempoolOptions) {
    this.#options = options;
    this.#limits = { ...MEMPOOL_LIMITS, ...options.limits };
    this.#pool = new PendingPool(this.#limits);
  }

  /** Checks one transaction and keeps it if it may wait. */
  async submit(bytes: Bytes, source: MempoolSource): Promise<SubmitOutcome> {
    const [outcome] = await this.submitAll([bytes], source);
    return outcome as SubmitOutcome;
  }

  /** Checks several at once, in order; a later one may spend what an earlier one makes. */
  async submitAll(transactions: readonly Bytes[], source: MempoolSource): Promise<SubmitOutcome[]> {
    const admission = new Map<number, Shaped>();
    const outcomes = transactions.map((bytes, i) => {
      const shaped = this.#shape(bytes, source);
      if (!('name' in shaped)) return shaped;
      admission.set(i, shaped);
      this.#checking.add(shaped.name);
      this.#countChecking(source, 1);
      return null;
    });
    const batch = [...admission.values()];
    try {
      await this.#admit(batch, source);
    } finally {
      for (const { name } of batch) {
        this.#checking.delete(name);
        this.#countChecking(source, -1);
      }
    }
    const admitted = batch.filter(({ outcome }) => outcome?.kind === 'accepted');
    if (admitted.length > 0) {
      const news = admitted.map(({ shaped, bytes }) => ({ id: shaped.txid, bytes }));
      this.#options.onAdmitted?.(news, source);
    }
    return outcomes.map((outcome, i) => outcome ?? (admission.get(i)?.outcome as SubmitOutcome));
  }

  has(txid: Bytes32): boolean {
    return this.#pool.get(textOf(txid)) !== undefined;
  }

  status(txid: Bytes32): MempoolStatus | null {
    if (this.has(txid)) return { kind: 'pending' };
    const code = this.#refusals.get(textOf(txid));
    return code === undefined ? null : { kind: 'evicted', code };
  }

  stats() {
    const minimum = this.#options.rules.params.feePerByte;
    const floor = this.#pool.floorRate;
    const feePerByte = floor === 0 ? minimum : BigInt(Math.floor(floor)) + 1n;
    return {
      transactions: this.#pool.count,
      bytes: this.#pool.bytes,
      limitBytes: this.#limits.maxBytes,
      feePerByte: feePerByte > minimum ? feePerByte : minimum,
    };
  }

  /** What to propose now. It counts as proposed from here on. */
  pull(maxBytes: number, maxTransactions: number): PendingTransaction[] {
    const now = this.#options.now();
    return this.#pool.select(maxBytes, maxTransactions, now).map((pending) => {
      pending.proposedAt = now;
      return { id: pending.txid, bytes: pending.bytes };
    });
  }

  /** Transactions that are in the DAG, ours or another's. */
  proposed(ids: readonly Bytes32[]): void {
    const now = this.#options.now();
    for (const id of ids) {
      const pending = this.#pool.get(textOf(id));
      if (pending !== undefined) pending.proposedAt = now;
    }
  }

  /** Transactions of a vertex that came to nothing: they may be proposed again. */
  requeue(ids: readonly Bytes32[]): void {
    for (const id of ids) {
      const pending = this.#pool.get(textOf(id));
      if (pending !== undefined) pending.proposedAt = null;
    }
  }

  /** All waiting transactions, for a new epoch whose proposers are others. */
  pending(): PendingTransaction[] {
    return this.#pool
      .select(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
      .map(({ txid, bytes }) => ({ id: txid, bytes }));
  }

  /** A block was executed: forgets what it decided and what it made impossible. */
  executed({
    height,
    outcomes,
    spent,
  }: Pick<ExecutedBlock, 'height' | 'outcomes' | 'spent'>): void {
    const now = this.#options.now();
    for (const outcome of outcomes) {
      const name = textOf(outcome.txid);
      if (outcome.kind === 'rejected') {
        this.#refused(name, outcome.code);
        continue;
      }
      const pending = this.#pool.include(name);
      if (pending !== undefined) this.onIncluded(now - pending.addedAt);
    }
    for (let at = 0; at < spent.length; at += OUTPOINT_BYTES) {
      const loser = this.#pool.spender(textOf(spent.subarray(at, at + OUTPOINT_BYTES)));
      if (loser !== undefined) this.#evict(loser.name, 'conflict', 'transaction/coin-spent');
    }
    for (const { name } of this.#pool.overdue(now, height)) {
      this.#evict(name, 'expired', 'transaction/expired');
    }
  }

  /** For each transaction 1 if this node has checked all its signatures, in exactly these bytes. */
  verifiedFlags(transactions: readonly Bytes[]): Uint8Array {
    return Uint8Array.from(transactions, (bytes) =>
      this.#checked.has(textOf(nativeSha256(bytes))) ? 1 : 0,
    );
  }

  /** Notes that all signatures of a transaction are right, for execution. */
  noteVerified(bytes: Bytes): void {
    remember(this.#checked, textOf(nativeSha256(bytes)), this.#limits.rememberedChecks);
  }

  /** The cheap checks: everything that needs no coin and no signature. */
  #shape(bytes: Bytes, source: MempoolSource): Shaped | SubmitOutcome {
    const verdict = checkShape(bytes, this.#options.rules);
    if (verdict.kind === 'refused') return this.#reject(verdict.code);
    const { shaped } = verdict;
    const { txid } = shaped;
    const name = textOf(txid);
    if (this.#pool.get(name) !== undefined || this.#checking.has(name)) {
      return { kind: 'known', txid };
    }
    const height = this.#options.height();
    if (isExpired(shaped, height + 1n)) return this.#reject('transaction/expired');
    if (shaped.signed.transaction.expiry > height + MAX_EXPIRY_AHEAD) {
      return this.#reject('transaction/expiry-too-far');
    }
    const checking = this.#checkingBySource.get(source.id) ?? 0;
    if (checking >= this.#limits.maxCheckingPerSource || this.#pool.roomFor(source.id) <= 0) {
      return this.#reject('mempool/source-limit');
    }
    const coins = shaped.signed.transaction.inputs.map(outpointText);
    if (coins.some((coin) => this.#pool.spender(coin) !== undefined)) {
      return this.#reject('transaction/conflict');
    }
    return { name, bytes, shaped, coins, parents: [], fee: 0n, outcome: null };
  }

  /** Decides each transaction of a batch; what it decides stands in `outcome`. */
  async #admit(batch: readonly Shaped[], source: MempoolSource): Promise<void> {
    await this.#findCoins(batch);
    await this.#checkActions(batch.filter(({ outcome }) => outcome === null));
    const open = batch.filter(({ outcome }) => outcome === null);
    if (open.length === 0) return;
    const verdicts = await this.#options.verify(open.map(({ bytes }) => bytes));
    open.forEach((each, i) => {
      if (verdicts[i] !== true) each.outcome = this.#reject('transaction/bad-signature');
      else each.outcome = this.#insert(each, source);
    });
  }

  /** Finds what each transaction spends: in the pool, earlier in the batch, or in the ledger. */
  async #findCoins(batch: readonly Shaped[]): Promise<void> {
    const fresh = new Map<string, InputCoin>();
    for (const { shaped } of batch) {
      for (const [coin, value] of outputsOf(shaped)) fresh.set(coin, value);
    }
    const wanted = batch.flatMap(({ shaped, coins }) => {
      const addresses = shaped.witnessAddresses;
      const inputs = shaped.signed.transaction.inputs.filter((_, i) => {
        const coin = coins[i] as string;
        return !fresh.has(coin) && this.#waitingCoin(coin) === null;
      });
      return inputs.map((outpoint) => ({ ...outpoint, addresses }));
    });
    const found = wanted.length === 0 ? [] : await this.#options.ledger.spendable(wanted);
    const stored = new Map<string, InputCoin>();
    wanted.forEach(({ txid, index }, i) => {
      const coin = found[i] ?? null;
      if (coin !== null) stored.set(outpointText({ txid, index }), { txid, index, ...coin });
    });
    for (const each of batch) {
      const coins = each.coins.map(
        (coin) => stored.get(coin) ?? this.#waitingCoin(coin) ?? fresh.get(coin) ?? null,
      );
      if (coins.some((coin) => coin === null)) {
        each.outcome = await this.#missing(each.shaped.txid);
        continue;
      }
      each.parents = each.coins.flatMap((coin, i) =>
        stored.has(coin) ? [] : [textOf((coins[i] as InputCoin).txid)],
      );
      const fee = checkCoins(each.shaped, coins as InputCoin[]);
      if (typeof fee === 'string') each.outcome = this.#reject(fee);
      else each.fee = fee;
    }
  }

  /** A coin that is not there: spent by this very transaction, or not by it. */
  async #missing(txid: Bytes32): Promise<SubmitOutcome> {
    const status = await this.#options.ledger.transactionStatus(txid);
    if (status.kind === 'committed' || status.kind === 'certified') return { kind: 'known', txid };
    return this.#reject('transaction/coin-unknown');
  }

  /** An output of a waiting transaction. */
  #waitingCoin(coin: string): InputCoin | null {
    const parent = this.#pool.get(coin.slice(0, 32));
    if (parent === undefined) return null;
    const verdict = checkShape(parent.bytes, this.#options.rules);
    return verdict.kind === 'refused' ? null : (outputsOf(verdict.shaped).get(coin) ?? null);
  }

  async #checkActions(batch: readonly Shaped[]): Promise<void> {
    const acting = batch.filter(({ shaped }) => shaped.signed.transaction.actions.length > 0);
    if (acting.length === 0) return;
    const codes = await this.#options.ledger.checkActions(acting.map(({ bytes }) => bytes));
    acting.forEach((each, i) => {
      const code = codes[i] ?? null;
      if (code !== null) each.outcome = this.#reject(code);
    });
  }

  #insert(each: Shaped, source: MempoolSource): SubmitOutcome {
    const { shaped, bytes, name, coins, parents, fee } = each;
    const { txid } = shaped;
    // Everything was awaited meanwhile: a block may have decided it, a parent may have gone.
    if (this.#pool.get(name) !== undefined) return { kind: 'known', txid };
    const candidate: Candidate = {
      ...{ txid, bytes, name, coins, parents },
      feeUnits: fee,
      expiry: shaped.signed.transaction.expiry,
      owners: shaped.witnessAddresses.map(textOf),
      source: source.id,
      rank: this.#options.rankOf(txid),
    };
    const result = this.#pool.add(candidate, this.#options.now());
    if (result.kind === 'refused') return this.#reject(result.code);
    for (const evicted of result.evicted) this.#note(evicted, 'fee', 'mempool/full');
    this.noteVerified(bytes);
    this.#refusals.delete(name);
    this.counters.admitted[source.kind] += 1;
    return { kind: 'accepted', txid };
  }

  /** Execution refused a transaction that was in the DAG. */
  #refused(name: string, code: string): void {
    const pending = this.#pool.get(name);
    if (pending === undefined) return;
    const isEarly = code === 'transaction/coin-unknown' && pending.waitsFor.size > 0;
    if (isEarly && pending.retries < this.#limits.maxRetries) {
      pending.retries += 1;
      pending.proposedAt = null;
      return;
    }
    this.#evict(name, code === 'transaction/expired' ? 'expired' : 'conflict', code);
  }

  #evict(name: string, reason: EvictionReason, code: string): void {
    for (const each of this.#pool.drop(name)) {
      this.#note(each, reason, each.name === name ? code : 'transaction/coin-unknown');
    }
  }

  #note(pending: Pending, reason: EvictionReason, code: string): void {
    this.counters.evicted[reason] += 1;
    this.#refusals.set(pending.name, code);
    trim(this.#refusals, this.#limits.rememberedRefusals);
  }

  #reject(code: string): SubmitOutcome {
    const { rejected } = this.counters;
    rejected.set(code, (rejected.get(code) ?? 0) + 1);
    return { kind: 'rejected', problem: problemOf(code), reason: code };
  }

  #countChecking({ id }: MempoolSource, by: number): void {
    const count = (this.#checkingBySource.get(id) ?? 0) + by;
    if (count === 0) this.#checkingBySource.delete(id);
    else this.#checkingBySource.set(id, count);
  }
}

/** A transaction on its way in. */
interface Shaped {
  readonly name: string;
  readonly bytes: Bytes;
  readonly shaped: ShapedTransaction;
  /** Texts of the outpoints it spends. */
  readonly coins: readonly string[];
  parents: readonly string[];
  fee: bigint;
  outcome: SubmitOutcome | null;
}

const OUTPOINT_BYTES = 34;

/** An outpoint's 34 bytes as a key. */
function outpointText({ txid, index }: { txid: Bytes; index: number }): string {
  return `${textOf(txid)}${String.fromCharCode(index >> 8, index & 0xff)}`;
}

function outputsOf({ signed, txid }: ShapedTransaction): Map<string, InputCoin> {
  return new Map(
    signed.transaction.outputs.map(({ amount, address }, index) => [
      outpointText({ txid, index }),
      { txid, index, amount, address, height: 0n },
    ]),
  );
}

function remember(set: Set<string>, value: string, limit: number): void {
  set.add(value);
  if (set.size > limit) set.delete(set.values().next().value as string);
}

function trim(map: Map<string, unknown>, limit: number): void {
  if (map.size > limit) map.delete(map.keys().next().value as string);
}
