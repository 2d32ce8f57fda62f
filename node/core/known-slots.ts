/**
 * The vertex that each author has shown in its latest rounds: what slim vertices are restored with
 * (docs/consensus.md §3, rule V4).
 */
import { type Bytes32, equalBytes } from 'fanal/primitives/bytes.ts';
import { type AuthorSet, addAuthor, emptySet, hasAuthor } from './author-set.ts';
import type { Committee } from './committee.ts';
import type { VertexRef } from './types.ts';

/** Rounds of each author that are remembered. */
const RING = 16;
/** For so many rounds an author is named in full whose vertices not everybody had. */
export const SUSPECT_ROUNDS = 100;

/** The vertex that each author has shown in its latest rounds. */
export class KnownSlots {
  readonly committee: Committee;
  readonly #rounds: Float64Array;
  /** Null where an author has shown two. */
  readonly #digests: (Bytes32 | null)[];
  /** Others name this vertex, its author has not shown it here. */
  readonly #hearsay: Uint8Array;
  /** Of each author: the last round in which it is a suspect. */
  readonly #suspectUntil: Float64Array;

  constructor(committee: Committee) {
    this.committee = committee;
    this.#rounds = new Float64Array(committee.size * RING).fill(-1);
    this.#digests = new Array(committee.size * RING).fill(null);
    this.#hearsay = new Uint8Array(committee.size * RING);
    this.#suspectUntil = new Float64Array(committee.size).fill(-1);
  }

  /**
   * A vertex whose signature is good. Whoever shows two in a round becomes a suspect.
   *
   * @returns whether others had told of this very vertex before
   */
  note(ref: VertexRef): boolean {
    const place = this.#placeOf(ref);
    const known = this.#rounds[place] as number;
    if (known > ref.round) return false;
    const other = this.#digests[place] ?? null;
    if (known < ref.round || this.#hearsay[place] === 1) {
      this.#set(place, ref, 0);
      return known === ref.round && other !== null && equalBytes(other, ref.digest);
    }
    if (other !== null && !equalBytes(other, ref.digest)) {
      this.#digests[place] = null;
      this.suspect(ref);
    }
    return false;
  }

  /** Not everybody has what this author sends: for some rounds it is named in full. */
  suspect({ round, author }: Pick<VertexRef, 'round' | 'author'>): void {
    const until = Math.max(this.#suspectUntil[author] as number, round + SUSPECT_ROUNDS);
    this.#suspectUntil[author] = until;
  }

  isSuspect({ round, author }: Pick<VertexRef, 'round' | 'author'>): boolean {
    return round <= (this.#suspectUntil[author] as number);
  }

  /**
   * A vertex that somebody names. It may be a lie, so what is restored with it has to have the right
   * digest.
   *
   * @returns whether that is news
   */
  hear(ref: VertexRef): boolean {
    const place = this.#placeOf(ref);
    if ((this.#rounds[place] as number) >= ref.round) return false;
    this.#set(place, ref, 1);
    return true;
  }

  /** Whether anything is known of a slot. */
  has(round: number, author: number): boolean {
    return this.#rounds[this.#placeOf({ round, author })] === round;
  }

  /** Those of a round of whom nothing is known. */
  missing(round: number, authors: AuthorSet): AuthorSet {
    const missing = emptySet(this.committee);
    const first = this.#placeOf({ round, author: 0 });
    for (let author = 0; author < this.committee.size; author++) {
      if (this.#rounds[first + author] === round) continue;
      if (hasAuthor(authors, author)) addAuthor(missing, author);
    }
    return missing;
  }

  /** The one vertex of a slot; null when there is none, or more than one. */
  digestOf(round: number, author: number): Bytes32 | null {
    const place = this.#placeOf({ round, author });
    return this.#rounds[place] === round ? (this.#digests[place] ?? null) : null;
  }

  #set(place: number, { round, digest }: VertexRef, hearsay: 0 | 1): void {
    this.#rounds[place] = round;
    this.#digests[place] = digest;
    this.#hearsay[place] = hearsay;
  }

  /** The slots of a round lie side by side: what a vertex names is looked up together. */
  #placeOf({ round, author }: Pick<VertexRef, 'round' | 'author'>): number {
    return (round % RING) * this.committee.size + author;
  }
}
