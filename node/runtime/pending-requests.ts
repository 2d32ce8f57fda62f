/**
 * Requests of consensus that are under way: ours, until answered or late; and those of peers,
 * until the core or the journal has the answer.
 */
import type { PeerRequest } from '../core/types.ts';
import type { PeerName } from '../network/identity.ts';

/** One of ours. */
export interface Asked {
  readonly peer: PeerName;
  readonly epoch: number;
  readonly request: PeerRequest;
  readonly timer: NodeJS.Timeout;
}

/** One of a peer's: the number is its own. */
export interface Asking {
  readonly peer: PeerName;
  readonly requestId: number;
}

/** Requests of ours that are under way with one peer at a time. */
export const MAX_ASKED_PER_PEER = 64;
/** Peers' requests that wait at once; beyond it the oldest is forgotten, and its peer asks again. */
const MAX_ASKING = 4_096;

export class PendingRequests {
  readonly #asked = new Map<number, Asked>();
  readonly #askedOf = new Map<PeerName, number>();
  readonly #asking = new Map<number, Asking>();
  #nextAsking = 1;

  /**
   * Notes a request of ours. `onLate` is called unless it is taken in time.
   *
   * @returns false when too many are under way with this peer: this one is not to be sent
   */
  ask(
    requestId: number,
    peer: PeerName,
    epoch: number,
    request: PeerRequest,
    millis: number,
    onLate: () => void,
  ): boolean {
    const underWay = this.#askedOf.get(peer) ?? 0;
    if (underWay >= MAX_ASKED_PER_PEER) return false;
    const timer = setTimeout(
      () => {
        this.#forget(requestId);
        onLate();
      },
      Math.max(0, millis),
    );
    timer.unref();
    this.#asked.set(requestId, { peer, epoch, request, timer });
    this.#askedOf.set(peer, underWay + 1);
    return true;
  }

  /** Takes out our request that `peer` answers; undefined for one it was not asked, or too late. */
  answered(requestId: number, peer: PeerName): Asked | undefined {
    const asked = this.#asked.get(requestId);
    if (asked === undefined || asked.peer !== peer) return undefined;
    this.#forget(requestId);
    return asked;
  }

  /** Our requests to a peer that is gone. */
  lost(peer: PeerName): number[] {
    const ids: number[] = [];
    for (const [requestId, asked] of this.#asked) {
      if (asked.peer !== peer) continue;
      this.#forget(requestId);
      ids.push(requestId);
    }
    return ids;
  }

  /** Notes a peer's request under a number of our own. */
  asking(peer: PeerName, requestId: number): number {
    const id = this.#nextAsking++;
    this.#asking.set(id, { peer, requestId });
    if (this.#asking.size > MAX_ASKING) {
      this.#asking.delete(this.#asking.keys().next().value as number);
    }
    return id;
  }

  /** Takes out a peer's request that is being answered. */
  answer(id: number): Asking | undefined {
    const asking = this.#asking.get(id);
    this.#asking.delete(id);
    return asking;
  }

  close(): void {
    for (const requestId of this.#asked.keys()) this.#forget(requestId);
    this.#asking.clear();
  }

  #forget(requestId: number): void {
    const asked = this.#asked.get(requestId);
    if (asked === undefined) return;
    clearTimeout(asked.timer);
    this.#asked.delete(requestId);
    const left = (this.#askedOf.get(asked.peer) ?? 1) - 1;
    if (left === 0) this.#askedOf.delete(asked.peer);
    else this.#askedOf.set(asked.peer, left);
  }
}
