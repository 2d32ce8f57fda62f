/**
 * The payments that one validator of a test network has to propose, in order of arrival.
 */
import { type Bytes, toHex } from 'fanal/primitives/bytes.ts';
import type { PendingTransaction } from '../core/types.ts';
import { nativeTransactionId } from '../runtime/native-crypto.ts';

export class PaymentQueue {
  readonly #waiting = new Map<string, PendingTransaction>();
  readonly #proposed = new Map<string, PendingTransaction>();

  get count(): number {
    return this.#waiting.size + this.#proposed.size;
  }

  add(transactions: readonly Bytes[]): void {
    for (const bytes of transactions) {
      const id = nativeTransactionId(bytes);
      const name = toHex(id);
      if (!this.#proposed.has(name)) this.#waiting.set(name, { id, bytes });
    }
  }

  pull(maxBytes: number, maxTransactions: number): PendingTransaction[] {
    const pulled: PendingTransaction[] = [];
    // As they lie in a vertex: a count, and a length before each.
    let size = 2;
    for (const pending of this.#waiting.values()) {
      size += 2 + pending.bytes.length;
      if (pulled.length === maxTransactions || size > maxBytes) break;
      pulled.push(pending);
    }
    return pulled;
  }

  setStatus(ids: readonly Uint8Array[], status: 'proposed' | 'committed' | 'requeue'): void {
    for (const id of ids) {
      const name = toHex(id);
      const pending = this.#waiting.get(name) ?? this.#proposed.get(name);
      if (pending === undefined) continue;
      this.#waiting.delete(name);
      this.#proposed.delete(name);
      if (status === 'proposed') this.#proposed.set(name, pending);
      else if (status === 'requeue') this.#waiting.set(name, pending);
    }
  }

  /** The process is gone, and its memory with it. */
  clear(): void {
    this.#waiting.clear();
    this.#proposed.clear();
  }
}
