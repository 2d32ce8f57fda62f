/**
 * The transactions that a simulated validator has to propose: bounded, first in, first out.
 */
import type { PendingTransaction } from 'fanal-node/core/types.ts';
import { bytesKey } from './ledger.ts';

const MAX_TRANSACTIONS = 2_000;

interface Entry {
  readonly transaction: PendingTransaction;
  proposed: boolean;
}

export class SimMempool {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /** Takes a transaction in; false when it is full. */
  add(transaction: PendingTransaction): boolean {
    const key = bytesKey(transaction.id);
    if (this.#entries.has(key)) return true;
    if (this.#entries.size >= MAX_TRANSACTIONS) return false;
    this.#entries.set(key, { transaction, proposed: false });
    return true;
  }

  /** The oldest that are not in a vertex yet. */
  pull(maxBytes: number, maxTransactions: number): PendingTransaction[] {
    const pulled: PendingTransaction[] = [];
    let bytes = 0;
    for (const { transaction, proposed } of this.#entries.values()) {
      if (pulled.length >= maxTransactions) break;
      if (proposed) continue;
      const size = transaction.bytes.length + 2;
      if (bytes + size > maxBytes) break;
      bytes += size;
      pulled.push(transaction);
    }
    return pulled;
  }

  setStatus(
    ids: readonly PendingTransaction['id'][],
    status: 'proposed' | 'committed' | 'requeue',
  ): void {
    for (const id of ids) {
      const key = bytesKey(id);
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      if (status === 'committed') this.#entries.delete(key);
      else entry.proposed = status === 'proposed';
    }
  }

  /** Nothing of a mempool survives a restart. */
  clear(): void {
    this.#entries.clear();
  }

  /** A new epoch: what older vertices carried and nobody committed is proposed again. */
  requeueAll(): void {
    for (const entry of this.#entries.values()) entry.proposed = false;
  }
}
