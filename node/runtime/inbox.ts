/**
 * Messages from members on their way to the core: one bounded queue a peer, served in turns, so
 * that the loudest peer waits for itself and nobody else.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';

export interface InboxLimits {
  readonly maxBytes: number;
  readonly maxItems: number;
}

interface Lane<Peer> {
  readonly peer: Peer;
  readonly items: Bytes[];
  bytes: number;
  paused: boolean;
  /** An item of this peer is being worked on: the next one waits, which keeps their order. */
  busy: boolean;
}

export class Inbox<Peer> {
  readonly #limits: InboxLimits;
  readonly #setPaused: (peer: Peer, paused: boolean) => void;
  readonly #lanes = new Map<Peer, Lane<Peer>>();
  /** Peers in the order in which they get their turn. */
  #turns: Lane<Peer>[] = [];

  constructor(limits: InboxLimits, setPaused: (peer: Peer, paused: boolean) => void) {
    this.#limits = limits;
    this.#setPaused = setPaused;
  }

  get waiting(): number {
    let count = 0;
    for (const { items } of this.#lanes.values()) count += items.length;
    return count;
  }

  /** Queues a message; a peer that fills its queue is paused until half of it is gone. */
  push(peer: Peer, body: Bytes): void {
    let lane = this.#lanes.get(peer);
    if (lane === undefined) {
      lane = { peer, items: [], bytes: 0, paused: false, busy: false };
      this.#lanes.set(peer, lane);
      this.#turns.push(lane);
    }
    lane.items.push(body);
    lane.bytes += body.length;
    if (!lane.paused && this.#isOver(lane, 1)) {
      lane.paused = true;
      this.#setPaused(peer, true);
    }
  }

  /** The next message in turn of a peer that is not busy; that peer is busy until `done`. */
  take(): { peer: Peer; body: Bytes } | undefined {
    for (let i = 0; i < this.#turns.length; i++) {
      const lane = this.#turns[i] as Lane<Peer>;
      if (lane.busy || lane.items.length === 0) continue;
      // The peer goes to the end of the line.
      this.#turns.splice(i, 1);
      this.#turns.push(lane);
      const body = lane.items.shift() as Bytes;
      lane.bytes -= body.length;
      lane.busy = true;
      if (lane.paused && !this.#isOver(lane, 0.5)) {
        lane.paused = false;
        this.#setPaused(lane.peer, false);
      }
      return { peer: lane.peer, body };
    }
    return undefined;
  }

  /** The message that was taken is dealt with. */
  done(peer: Peer): void {
    const lane = this.#lanes.get(peer);
    if (lane !== undefined) lane.busy = false;
  }

  /** Forgets a peer and what it sent. */
  drop(peer: Peer): void {
    const lane = this.#lanes.get(peer);
    if (lane === undefined) return;
    this.#lanes.delete(peer);
    this.#turns = this.#turns.filter((other) => other !== lane);
  }

  #isOver(lane: Lane<Peer>, share: number): boolean {
    return (
      lane.bytes > this.#limits.maxBytes * share ||
      lane.items.length > this.#limits.maxItems * share
    );
  }
}
