/**
 * The last heights and what happened at each: what a subscriber that returns is told again.
 */
import type { TipEvent } from 'fanal/api/events.ts';
import { blockCodec } from 'fanal/chain/block.ts';
import type { Header } from 'fanal/chain/header.ts';
import { MAX_EVENT_REPLAY } from 'fanal/chain/limits.ts';
import { signedTransactionCodec } from 'fanal/chain/transaction.ts';
import { witnessAddress } from 'fanal/chain/witness.ts';
import { type AddressPrefix, encodeAddress } from 'fanal/crypto/address.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { BlockEvent } from './seat.ts';

/** What is told of consecutive headers, the last of which is the tip with this root. */
export function tipEvents(headers: readonly Header[], root: Bytes32): TipEvent[] {
  return headers.map((header, i) => ({
    kind: 'tip',
    height: header.height,
    size: header.height + 1n,
    // Each header names the root of the log before it: the root at the size of the one before.
    root: headers[i + 1]?.previousRoot ?? root,
    time: header.time,
    epoch: header.epoch,
    transactions: header.txCount,
  }));
}

/** Addresses that a verified block paid to or spent from, in text. */
export function changedAddresses(block: Bytes, prefix: AddressPrefix): string[] {
  const changed = new Set<string>();
  for (const bytes of blockCodec.decode(block).transactions) {
    const { transaction, witnesses } = signedTransactionCodec.decode(bytes);
    for (const { address } of transaction.outputs) changed.add(encodeAddress(address, prefix));
    for (const witness of witnesses) changed.add(encodeAddress(witnessAddress(witness), prefix));
  }
  return [...changed];
}

export class EventMemory {
  readonly #events: BlockEvent[] = [];

  /** The newest height, or −1 with none. */
  get newest(): bigint {
    return this.#events.at(-1)?.tip.height ?? -1n;
  }

  /** Takes what happened at the next heights; a gap forgets what was before it. */
  add(events: readonly BlockEvent[]): void {
    for (const event of events) {
      const { height } = event.tip;
      if (height <= this.newest) continue;
      if (height !== this.newest + 1n) this.#events.length = 0;
      this.#events.push(event);
      if (this.#events.length > Number(MAX_EVENT_REPLAY)) this.#events.shift();
    }
  }

  /** What happened after a height, oldest first; null when some of it is forgotten. */
  since(height: bigint): readonly BlockEvent[] | null {
    const first = this.#events[0];
    if (first === undefined || height >= this.newest) return [];
    if (height + 1n < first.tip.height) return null;
    return this.#events.slice(Number(height + 1n - first.tip.height));
  }

  get all(): readonly BlockEvent[] {
    return this.#events;
  }

  /** The newest event alone: where a subscriber begins that names no height. */
  get last(): BlockEvent | undefined {
    return this.#events.at(-1);
  }
}
