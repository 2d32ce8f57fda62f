/**
 * Slim vertices between simulated validators: the real rules of what is left out and what waits, on
 * vertices that are shared objects, so that nothing is encoded.
 */

import { equalBytes } from 'fanal/primitives/bytes.ts';
import {
  type AuthorSet,
  addAll,
  addAuthor,
  emptySet,
  forEachAuthor,
  forEachMissing,
} from 'fanal-node/core/author-set.ts';
import type { Committee } from 'fanal-node/core/committee.ts';
import { KnownSlots } from 'fanal-node/core/known-slots.ts';
import { nameable } from 'fanal-node/core/slim.ts';
import { SlimInbox } from 'fanal-node/core/slim-inbox.ts';
import type { Vertex, VertexRef } from 'fanal-node/core/types.ts';

/** A vertex on its way in, of which the receiver may use no more than a slim one has. */
export interface SlimArrival {
  readonly from: number;
  readonly ref: VertexRef;
  readonly named: AuthorSet;
  readonly vertex: Vertex;
}

/** A vertex's ancestors of the round before, by author, and those of earlier rounds. */
interface Ancestors {
  readonly authors: AuthorSet;
  readonly byAuthor: readonly VertexRef[];
  readonly older: readonly VertexRef[];
}

/** Rounds in which it is remembered who has been heard of. */
const ROUNDS_HEARD = 32;
/** The same for every validator that the vertex reaches. */
const ancestorsOf = new WeakMap<Vertex, Ancestors>();

export class SimSlim {
  readonly #slots: KnownSlots;
  readonly #leastBytes: number;
  readonly inbox: SlimInbox<SlimArrival>;
  /** By round: the authors whose slot has been heard of, so that hearing of it again is no news. */
  readonly #heard = new Map<number, AuthorSet>();

  constructor(committee: Committee, leastBytes: number) {
    this.#slots = new KnownSlots(committee);
    this.#leastBytes = leastBytes;
    this.inbox = new SlimInbox(this.#slots);
  }

  /** A vertex is known. Returns those that waited for it, or for what it names. */
  note(vertex: Vertex): readonly SlimArrival[] {
    const { ref } = vertex;
    const complete = [...this.inbox.shown(ref)];
    const hear = (ancestor: VertexRef) => complete.push(...this.inbox.told(ancestor));
    const { authors, byAuthor, older } = this.#ancestors(vertex);
    const heard = this.#heardIn(ref.round - 1);
    forEachMissing(authors, heard, (author) => hear(byAuthor[author] as VertexRef));
    addAll(heard, authors);
    for (const ancestor of older) hear(ancestor);
    return complete;
  }

  /** What an own vertex need not carry; null when it goes out whole. */
  named(vertex: Vertex): AuthorSet | null {
    return nameable(vertex, this.#slots, this.#leastBytes);
  }

  /** Whether what is named is what the author meant: else the digest would be another. */
  isRestored({ named, vertex }: SlimArrival): boolean {
    const { byAuthor } = this.#ancestors(vertex);
    const before = vertex.ref.round - 1;
    let isRight = true;
    forEachAuthor(named, (author) => {
      const digest = byAuthor[author]?.digest;
      const known = this.#slots.digestOf(before, author);
      if (known === null || digest === undefined || !equalBytes(known, digest)) isRight = false;
    });
    return isRight;
  }

  #heardIn(round: number): AuthorSet {
    let heard = this.#heard.get(round);
    if (heard === undefined) {
      heard = emptySet(this.#slots.committee);
      this.#heard.set(round, heard);
      const [oldest] = this.#heard.keys();
      if (this.#heard.size > ROUNDS_HEARD && oldest !== undefined) this.#heard.delete(oldest);
    }
    return heard;
  }

  #ancestors(vertex: Vertex): Ancestors {
    let known = ancestorsOf.get(vertex);
    if (known === undefined) {
      const authors = emptySet(this.#slots.committee);
      const byAuthor: VertexRef[] = [];
      const older: VertexRef[] = [];
      for (const ancestor of vertex.header.ancestors) {
        if (ancestor.round === vertex.header.round - 1) {
          addAuthor(authors, ancestor.author);
          byAuthor[ancestor.author] = ancestor;
        } else older.push(ancestor);
      }
      known = { authors, byAuthor, older };
      ancestorsOf.set(vertex, known);
    }
    return known;
  }
}
