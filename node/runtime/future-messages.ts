/**
 * Messages of an epoch that has not begun here: kept for a while, a bounded number from each peer,
 * and handled when the epoch begins.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { MAX_FUTURE_BYTES_PER_PEER, MAX_FUTURE_PER_PEER } from '../core/limits.ts';
import type { PeerName } from '../network/identity.ts';

interface Waiting {
  readonly items: { readonly epoch: number; readonly body: Bytes }[];
  bytes: number;
}

export class FutureMessages {
  readonly #byPeer = new Map<PeerName, Waiting>();

  /** Keeps a message. The oldest of the same peer make room for it. */
  add(peer: PeerName, epoch: number, body: Bytes): void {
    let waiting = this.#byPeer.get(peer);
    if (waiting === undefined) {
      waiting = { items: [], bytes: 0 };
      this.#byPeer.set(peer, waiting);
    }
    waiting.items.push({ epoch, body });
    waiting.bytes += body.length;
    while (
      waiting.items.length > MAX_FUTURE_PER_PEER ||
      waiting.bytes > MAX_FUTURE_BYTES_PER_PEER
    ) {
      waiting.bytes -= waiting.items.shift()?.body.length ?? 0;
    }
  }

  /** Peers that have written from an epoch after `epoch`. */
  peersAfter(epoch: number): PeerName[] {
    return [...this.#byPeer]
      .filter(([, { items }]) => items.some((item) => item.epoch > epoch))
      .map(([peer]) => peer);
  }

  /** Takes out what was kept for `epoch`, and forgets what is older. */
  take(epoch: number): { peer: PeerName; body: Bytes }[] {
    const taken: { peer: PeerName; body: Bytes }[] = [];
    for (const [peer, waiting] of this.#byPeer) {
      const later = waiting.items.filter((item) => item.epoch > epoch);
      for (const item of waiting.items) {
        if (item.epoch === epoch) taken.push({ peer, body: item.body });
      }
      if (later.length === 0) this.#byPeer.delete(peer);
      else {
        const bytes = later.reduce((sum, item) => sum + item.body.length, 0);
        this.#byPeer.set(peer, { items: later, bytes });
      }
    }
    return taken;
  }

  drop(peer: PeerName): void {
    this.#byPeer.delete(peer);
  }
}
