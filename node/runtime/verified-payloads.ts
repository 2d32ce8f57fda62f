/**
 * Which transactions have had their signatures checked here: those of the mempool, and those of
 * vertices, which are checked while consensus is still ordering them. Execution then only checks
 * what is left.
 *
 * A mark is on the very bytes object, so it can never be mistaken for another transaction's.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Vertex } from '../core/types.ts';
import type { VerifyPool } from './verify-pool.ts';

/** What the mempool knows: it checks every transaction that it takes in. */
export interface CheckedTransactions {
  /** For each transaction 1 if all its signatures were checked, in exactly these bytes. */
  verifiedFlags(transactions: readonly Bytes[]): Uint8Array;
}

export class VerifiedPayloads {
  readonly #pool: VerifyPool;
  readonly #mempool: CheckedTransactions;
  readonly #marked = new WeakSet<Bytes>();

  constructor(pool: VerifyPool, mempool: CheckedTransactions) {
    this.#pool = pool;
    this.#mempool = mempool;
  }

  /** Has the payload of a vertex checked, off the main thread and behind everything urgent. */
  check(vertex: Vertex): void {
    const fresh = vertex.payload.filter((bytes) => !this.#marked.has(bytes));
    if (fresh.length === 0) return;
    const flags = this.#mempool.verifiedFlags(fresh);
    const unknown = fresh.filter((bytes, i) => {
      if (flags[i] === 1) this.#marked.add(bytes);
      return flags[i] !== 1;
    });
    // When the verifiers are behind, execution checks for itself: nothing waits for this.
    if (unknown.length === 0 || this.#pool.isBusy) return;
    this.#pool.verifyTransactions(unknown).then(
      (verdicts) => {
        verdicts.forEach((isValid, i) => {
          if (isValid) this.#marked.add(unknown[i] as Bytes);
        });
      },
      () => {},
    );
  }

  /** Marks transactions that are known to be right. */
  mark(transactions: readonly Bytes[]): void {
    for (const bytes of transactions) this.#marked.add(bytes);
  }

  /** One byte a transaction: 1 where its signatures were checked here. */
  flags(transactions: readonly Bytes[]): Uint8Array {
    return Uint8Array.from(transactions, (bytes) => (this.#marked.has(bytes) ? 1 : 0));
  }
}
