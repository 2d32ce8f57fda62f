/**
 * Slim vertices between simulated validators: the real rules of what is left out and what waits, on
 * vertices that are shared objects, so that nothing is encoded.
 */

import { equalBytes } from 'fanal/primitives/bytes.ts';
import { type AuthorSet, hasAuthor } from 'fanal-node/core/author-set.ts';
import type { Committee } from 'fanal-node/core/committee.ts';
import { KnownSlots, nameable, SlimInbox } from 'fanal-node/core/slim.ts';
import type { Vertex, VertexRef } from 'fanal-node/core/types.ts';

/** A vertex on its way in, of which the receiver may use no more than a slim one has. */
export interface SlimArrival {
  readonly from: number;
  readonly ref: VertexRef;
  readonly named: AuthorSet;
  readonly vertex: Vertex;
}

export class SimSlim {
  readonly #slots: KnownSlots;
  readonly #leastBytes: number;
  readonly inbox: SlimInbox<SlimArrival>;

  constructor(committee: Committee, leastBytes: number) {
    this.#slots = new KnownSlots(committee);
    this.#leastBytes = leastBytes;
    this.inbox = new SlimInbox(this.#slots);
  }

  /** A vertex is known. Returns those that waited for it, or for what it names. */
  note({ ref, header }: Vertex): readonly SlimArrival[] {
    this.#slots.note(ref);
    const complete = [...this.inbox.noted(ref)];
    for (const ancestor of header.ancestors) {
      if (this.#slots.hear(ancestor)) complete.push(...this.inbox.noted(ancestor));
    }
    return complete;
  }

  /** What an own vertex need not carry; null when it goes out whole. */
  named(vertex: Vertex): AuthorSet | null {
    return nameable(vertex, this.#slots, this.#leastBytes);
  }

  /** Whether what is named is what the author meant: else the digest would be another. */
  isRestored({ named, vertex }: SlimArrival): boolean {
    const { header } = vertex;
    for (const { round, author, digest } of header.ancestors) {
      if (round !== header.round - 1 || !hasAuthor(named, author)) continue;
      const known = this.#slots.digestOf(round, author);
      if (known === null || !equalBytes(known, digest)) return false;
    }
    return true;
  }
}
