/**
 * The peers of a node that is no member of the consensus: a few connections outwards, kept up from
 * the address book, each listened to for new tips.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { AddressBook } from './book.ts';
import type { PeerName } from './identity.ts';
import { NETWORK_LIMITS } from './limits.ts';
import type { Network } from './network.ts';

export interface NeighboursOptions {
  readonly network: Network;
  readonly book: AddressBook;
  onTip(peer: PeerName, tip: Bytes): void;
  /** A connection is there: time to ask for more peers. */
  onConnected(peer: PeerName): void;
}

const LOOK_MILLIS = 1_000;

export class Neighbours {
  readonly #options: NeighboursOptions;
  readonly #listening = new Set<PeerName>();
  readonly #dialling = new Set<PeerName>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: NeighboursOptions) {
    this.#options = options;
    this.#look();
  }

  /** Peers that tell us their tips. */
  get peers(): readonly PeerName[] {
    return [...this.#listening];
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #look(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#look(), LOOK_MILLIS);
    this.#timer.unref();
    const { network, book } = this.#options;
    for (const peer of network.connected()) {
      if (this.#listening.size < NETWORK_LIMITS.neighbours) this.#listen(peer);
    }
    const missing = NETWORK_LIMITS.neighbours - this.#listening.size - this.#dialling.size;
    if (missing <= 0) return;
    const isTaken = (peer: PeerName) =>
      peer === network.peer || this.#listening.has(peer) || this.#dialling.has(peer);
    for (const { peer, address } of book.candidates(isTaken).slice(0, missing)) {
      this.#dialling.add(peer);
      network.dial(address).then(
        (reached) => {
          this.#dialling.delete(peer);
          book.succeeded(reached, address);
          if (this.#closed) return;
          this.#listen(reached);
          this.#options.onConnected(reached);
        },
        () => {
          this.#dialling.delete(peer);
          book.failed(peer);
        },
      );
    }
  }

  #listen(peer: PeerName): void {
    if (this.#listening.has(peer) || this.#closed) return;
    this.#listening.add(peer);
    this.#options.network
      .listen(peer, (tip) => {
        if (!this.#closed) this.#options.onTip(peer, tip);
      })
      .catch(() => {})
      .finally(() => this.#listening.delete(peer));
  }
}
