/**
 * Hands every certified block to the streams that listen, each with a queue of its own.
 *
 * A reader that falls behind its queue is dropped, never waited for: it comes back with the height
 * it last saw and loses nothing that is still remembered.
 */
import type { ChainEvent } from 'fanal/api/events.ts';
import type { EventTopic } from 'fanal/api/parameters.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { MAX_EVENT_REPLAY } from 'fanal/chain/limits.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import { type AddressPrefix, encodeAddress } from 'fanal/crypto/address.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import type { CertifiedTip } from '../ledger/ledger.ts';
import type { CertifiedEvent, CertifiedFeed } from './ports.ts';

/** What a stream wants to hear of. */
export interface Interest {
  readonly topics: readonly EventTopic[];
  readonly addresses: readonly AddressBytes[];
}

/** Where a stream's events go. */
export interface Listener {
  interest: Interest;
  /** Gives an event to the stream; it must not throw. */
  readonly deliver: (event: ChainEvent) => void;
}

export class EventHub {
  readonly #prefix: AddressPrefix;
  readonly #feed: CertifiedFeed;
  readonly #listeners = new Set<Listener>();
  readonly #unsubscribe: () => void;

  constructor(feed: CertifiedFeed, prefix: AddressPrefix) {
    this.#feed = feed;
    this.#prefix = prefix;
    this.#unsubscribe = feed.subscribe((event) => {
      for (const listener of this.#listeners) this.#send(listener, event);
    });
  }

  /**
   * Adds a listener, first sending again what happened after a height, as far as that is
   * remembered. One that names no height, or one too old, begins with the tip as it is.
   */
  add(listener: Listener, tip: CertifiedTip, after: bigint | null): () => void {
    this.replay(listener, tip, after);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  replay(listener: Listener, tip: CertifiedTip, after: bigint | null): void {
    const isNear = after !== null && after <= tip.height && tip.height - after <= MAX_EVENT_REPLAY;
    const missed = isNear ? this.#feed.since(after) : null;
    if (missed !== null) {
      for (const event of missed) this.#send(listener, event);
    } else if (listener.interest.topics.includes('tip')) {
      listener.deliver(tipEvent(tip, 0));
    }
  }

  close(): void {
    this.#unsubscribe();
    this.#listeners.clear();
  }

  #send(listener: Listener, { tip, addresses, transactions }: CertifiedEvent): void {
    const { topics, addresses: followed } = listener.interest;
    if (topics.includes('tip')) listener.deliver(tipEvent(tip, transactions));
    if (!topics.includes('address') || followed.length === 0) return;
    const changed = new Set(addresses.map(toHex));
    for (const address of followed) {
      if (!changed.has(toHex(address))) continue;
      listener.deliver({
        kind: 'address',
        address: encodeAddress(address, this.#prefix),
        height: tip.height,
      });
    }
  }
}

function tipEvent(tip: CertifiedTip, transactions: number): ChainEvent {
  const { time, epoch } = headerCodec.decode(tip.header);
  return {
    kind: 'tip',
    height: tip.height,
    size: tip.size,
    root: tip.root,
    time,
    epoch,
    transactions,
  };
}
