/**
 * Passes admitted transactions on to those who will propose them, in batches.
 *
 * A validator sends each to its designated proposers over their own lane. A follower hands them to
 * two of its neighbours, who do the rest. Nobody passes on what came from another validator: one
 * step is enough among those who are all connected.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { PendingTransaction } from '../core/types.ts';
import type { PeerName } from '../network/identity.ts';
import { RUNTIME_LIMITS } from './limits.ts';

export interface RelayOptions {
  /** Peers that a transaction should reach, ourselves left out. */
  targets(transaction: PendingTransaction): readonly PeerName[];
  /** Sends a batch. What is lost is proposed by another, or sent again by the wallet. */
  send(peer: PeerName, transactions: readonly Bytes[]): void;
}

interface Batch {
  transactions: Bytes[];
  bytes: number;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #batches = new Map<PeerName, Batch>();
  #timer: NodeJS.Timeout | undefined;
  /** Transactions passed on, for the metrics. */
  sent = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  add(transactions: readonly PendingTransaction[]): void {
    for (const transaction of transactions) {
      for (const peer of this.#options.targets(transaction)) this.#put(peer, transaction.bytes);
    }
    if (this.#batches.size > 0) {
      this.#timer ??= setTimeout(() => this.#flushAll(), RUNTIME_LIMITS.gossipMillis);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#batches.clear();
  }

  #put(peer: PeerName, bytes: Bytes): void {
    let batch = this.#batches.get(peer);
    if (batch === undefined) {
      batch = { transactions: [], bytes: 0 };
      this.#batches.set(peer, batch);
    }
    const isFull =
      batch.transactions.length >= RUNTIME_LIMITS.gossipCount ||
      batch.bytes + bytes.length > RUNTIME_LIMITS.gossipBytes;
    if (isFull) {
      this.#flush(peer, batch);
      batch.transactions = [];
      batch.bytes = 0;
    }
    batch.transactions.push(bytes);
    batch.bytes += bytes.length;
  }

  #flushAll(): void {
    this.#timer = undefined;
    const batches = [...this.#batches];
    this.#batches.clear();
    for (const [peer, batch] of batches) this.#flush(peer, batch);
  }

  #flush(peer: PeerName, { transactions }: Batch): void {
    if (transactions.length === 0) return;
    this.sent += transactions.length;
    this.#options.send(peer, transactions);
  }
}
