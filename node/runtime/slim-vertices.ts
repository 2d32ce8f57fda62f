/**
 * Slim vertices on their way out and in (docs/consensus.md §3, rule V4).
 */
import type { Committee } from '../core/committee.ts';
import { KnownSlots } from '../core/known-slots.ts';
import { SLIM_WAIT_MILLIS } from '../core/limits.ts';
import { nameable, restoreSlim, type SlimVertex, slimOf } from '../core/slim.ts';
import { SlimInbox, withMissing } from '../core/slim-inbox.ts';
import type { PeerMessage, Vertex, VertexRef } from '../core/types.ts';
import type { TaggedHash } from '../core/vertex.ts';
import type { MemberMessage } from '../core/wire.ts';
import type { PeerName } from '../network/identity.ts';

export interface SlimVerticesOptions {
  readonly hash: TaggedHash;
  /** A vertex goes out slim when that saves so many bytes. */
  readonly leastBytes: number;
  /** Asks a peer for the full form of its vertex, and for those ancestors of it that are missing. */
  askFull(peer: PeerName, refs: readonly VertexRef[]): void;
  /** A vertex that waited is whole; its signature is not checked. */
  onRestored(peer: PeerName, vertex: Vertex): void;
}

interface FromPeer extends SlimVertex {
  readonly peer: PeerName;
}

/** Of one epoch. */
export class SlimVertices {
  readonly #options: SlimVerticesOptions;
  readonly #slots: KnownSlots;
  readonly #inbox: SlimInbox<FromPeer>;
  #timer: NodeJS.Timeout | null = null;

  constructor(committee: Committee, options: SlimVerticesOptions) {
    this.#options = options;
    this.#slots = new KnownSlots(committee);
    this.#inbox = new SlimInbox(this.#slots);
  }

  /** A vertex is here whose signature is good, or which is our own. */
  note({ ref, header }: Vertex): void {
    this.#restoreAll(this.#inbox.shown(ref));
    // What it names may be lost on its way here, and others may name it by its author.
    for (const ancestor of header.ancestors) this.#restoreAll(this.#inbox.told(ancestor));
  }

  #restoreAll(complete: readonly FromPeer[]): void {
    for (const slim of complete) {
      const vertex = this.#restore(slim);
      if (vertex !== null) this.#options.onRestored(slim.peer, vertex);
    }
  }

  /** What goes to everybody: a single vertex of our own slim, if that is worth it. */
  toAll(message: PeerMessage): MemberMessage {
    if (message.kind !== 'vertices') return message;
    const [vertex, ...more] = message.vertices;
    if (vertex === undefined || more.length > 0) return message;
    this.note(vertex);
    const named = nameable(vertex, this.#slots, this.#options.leastBytes);
    if (named === null) return message;
    return { kind: 'slimVertex', epoch: message.epoch, slim: slimOf(vertex, named) };
  }

  /** The full form, or null: then it waits, or its full form is asked for. */
  take(peer: PeerName, slim: SlimVertex): Vertex | null {
    const fromPeer = { ...slim, peer };
    switch (this.#inbox.offer(fromPeer, performance.now())) {
      case 'known':
        return this.#restore(fromPeer);
      case 'waits':
        this.#lookLater();
        return null;
      case 'due':
        this.#askOverdue();
        this.#lookLater();
        return null;
      case 'full':
        this.#options.askFull(peer, [slim.ref]);
        return null;
    }
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #restore(slim: FromPeer): Vertex | null {
    const vertex = restoreSlim(slim, this.#slots, this.#options.hash);
    if (vertex !== null) return vertex;
    this.#options.askFull(slim.peer, [slim.ref]);
    // Those who could restore it name it by its author alone.
    this.#restoreAll(this.#inbox.told(slim.ref));
    return null;
  }

  #askOverdue(): void {
    for (const { slim, missing } of this.#inbox.overdue(performance.now())) {
      this.#options.askFull(slim.peer, withMissing(slim.ref, missing));
    }
  }

  #lookLater(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#askOverdue();
      if (this.#inbox.count > 0) this.#lookLater();
    }, SLIM_WAIT_MILLIS / 2);
    this.#timer.unref();
  }
}
