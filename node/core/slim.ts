/**
 * Vertices without what their receiver knows (docs/consensus.md §3, rule V4): an ancestor of the
 * round before is one bit, where its author has shown one vertex in that round.
 *
 * What is signed and stored is the full form. A receiver that cannot restore it asks for it.
 */
import { type Bytes, type Bytes32, equalBytes } from 'fanal/primitives/bytes.ts';
import {
  type AuthorSet,
  addAuthor,
  countOf,
  emptySet,
  forEachAuthor,
  hasAuthor,
  removeAuthor,
} from './author-set.ts';
import type { Committee } from './committee.ts';
import { MAX_SLIM_PER_AUTHOR, SLIM_KEEP_MILLIS, SLIM_WAIT_MILLIS } from './limits.ts';
import type { Vertex, VertexHeader, VertexRef } from './types.ts';
import { type TaggedHash, VERTEX_REF_BYTES, vertexDigest } from './vertex.ts';

/** A vertex of which some ancestors are named by their author alone. */
export interface SlimVertex {
  /** Of the full form. */
  readonly ref: VertexRef;
  /** With the ancestors that are named in full, the own one first. */
  readonly header: VertexHeader;
  /** Authors whose vertex of the round before is an ancestor, too. */
  readonly named: AuthorSet;
  readonly payload: readonly Bytes[];
  readonly signature: Bytes;
}

/** Rounds of each author that are remembered. */
const RING = 16;

/** The vertex that each author has shown in its latest rounds. */
export class KnownSlots {
  readonly committee: Committee;
  readonly #rounds: Float64Array;
  /** Null where an author has shown two. */
  readonly #digests: (Bytes32 | null)[];
  /** Others name this vertex, its author has not shown it here. */
  readonly #hearsay: Uint8Array;

  constructor(committee: Committee) {
    this.committee = committee;
    this.#rounds = new Float64Array(committee.size * RING).fill(-1);
    this.#digests = new Array(committee.size * RING).fill(null);
    this.#hearsay = new Uint8Array(committee.size * RING);
  }

  /** A vertex whose signature is good. */
  note(ref: VertexRef): void {
    const place = this.#placeOf(ref);
    const known = this.#rounds[place] as number;
    if (known > ref.round) return;
    if (known < ref.round || this.#hearsay[place] === 1) {
      this.#set(place, ref, 0);
      return;
    }
    const other = this.#digests[place];
    if (other !== null && other !== undefined && !equalBytes(other, ref.digest)) {
      this.#digests[place] = null;
    }
  }

  /**
   * A vertex that one with a good signature names. It may be a lie, so what is restored with it has
   * to have the right digest.
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

/** The ancestors that a receiver can find by their authors; null when that saves too little. */
export function nameable(
  { header }: Vertex,
  slots: KnownSlots,
  leastBytes: number,
): AuthorSet | null {
  const { committee } = slots;
  const named = emptySet(committee);
  const before = header.round - 1;
  for (const { round, author, digest } of header.ancestors) {
    if (round !== before || author === header.author) continue;
    const known = slots.digestOf(round, author);
    if (known === null || !equalBytes(known, digest)) continue;
    addAuthor(named, author);
  }
  return bytesSaved(named) < leastBytes ? null : named;
}

/** Bytes that the slim form saves: references, but for the set that stands for them, and the digest. */
export function bytesSaved(named: AuthorSet): number {
  return countOf(named) * VERTEX_REF_BYTES - (2 + 4 * named.length + 32);
}

/** The same vertex with these ancestors named by their authors alone. */
export function slimOf(vertex: Vertex, named: AuthorSet): SlimVertex {
  const { ref, header, payload, signature } = vertex;
  const isNamed = ({ round, author }: VertexRef) =>
    round === header.round - 1 && hasAuthor(named, author);
  const ancestors = header.ancestors.filter((ancestor) => !isNamed(ancestor));
  return { ref, header: { ...header, ancestors }, named, payload, signature };
}

/**
 * The full form again, as its digest proves.
 *
 * @returns null when an ancestor is not known, or is another one than the author meant
 */
export function restoreSlim(slim: SlimVertex, slots: KnownSlots, hash: TaggedHash): Vertex | null {
  const { ref, payload, signature } = slim;
  const [own, ...others] = slim.header.ancestors;
  if (own === undefined) return null;
  const before = ref.round - 1;
  let isKnown = true;
  forEachAuthor(slim.named, (author) => {
    const digest = author < slots.committee.size ? slots.digestOf(before, author) : null;
    if (digest === null) isKnown = false;
    else others.push({ round: before, author, digest });
  });
  if (!isKnown) return null;
  const ancestors = [own, ...others.sort((a, b) => a.author - b.author)];
  const header: VertexHeader = { ...slim.header, ancestors };
  if (!equalBytes(vertexDigest(hash, header), ref.digest)) return null;
  return { ref, header, payload, signature, transactionIds: [] };
}

/** What waits for the vertices that it names by their authors. */
interface Waiting<T> {
  readonly slim: T;
  readonly since: number;
  /** Authors of whom nothing is known in the round before. */
  readonly missing: AuthorSet;
  missingCount: number;
  isAsked: boolean;
}

/** Slim vertices on their way in, until all that they name is known. */
export class SlimInbox<T extends { readonly ref: VertexRef; readonly named: AuthorSet }> {
  readonly #slots: KnownSlots;
  /** By the slot of the vertex. */
  readonly #waiting = new Map<number, Waiting<T>>();
  readonly #byAuthor: Int32Array;
  /** By the round that they wait for. */
  readonly #byRound = new Map<number, Set<Waiting<T>>>();

  constructor(slots: KnownSlots) {
    this.#slots = slots;
    this.#byAuthor = new Int32Array(slots.committee.size);
  }

  get count(): number {
    return this.#waiting.size;
  }

  /**
   * Takes one in.
   *
   * @returns `known` when nothing is missing, `waits`, or `full` when too many of its author wait,
   *   or another one of its slot
   */
  offer(slim: T, now: number): 'known' | 'waits' | 'full' {
    const { round, author, digest } = slim.ref;
    const key = slotKey(round, author);
    const same = this.#waiting.get(key);
    if (same !== undefined) return equalBytes(same.slim.ref.digest, digest) ? 'waits' : 'full';
    const missing = this.#slots.missing(round - 1, slim.named);
    const missingCount = countOf(missing);
    if (missingCount === 0) return 'known';
    if ((this.#byAuthor[author] as number) >= MAX_SLIM_PER_AUTHOR) return 'full';
    const waiting = { slim, since: now, missing, missingCount, isAsked: false };
    this.#waiting.set(key, waiting);
    this.#byAuthor[author] = (this.#byAuthor[author] as number) + 1;
    const others = this.#byRound.get(round - 1);
    if (others === undefined) this.#byRound.set(round - 1, new Set([waiting]));
    else others.add(waiting);
    return 'waits';
  }

  /** Something is known of a slot. Returns those that are complete with it. */
  noted({ round, author }: VertexRef): readonly T[] {
    // It came in another way.
    const itself = this.#waiting.get(slotKey(round, author));
    if (itself !== undefined) this.#forget(itself);
    const complete: T[] = [];
    for (const one of this.#byRound.get(round) ?? []) {
      if (!removeAuthor(one.missing, author)) continue;
      one.missingCount--;
      if (one.missingCount > 0) continue;
      this.#forget(one);
      complete.push(one.slim);
    }
    return complete;
  }

  /**
   * Says whose full form is to be asked for: those that wait for long, and for something that is
   * not itself waiting here. What builds on them follows once they are known. After some time one
   * is given up: whoever builds on it names it in full.
   */
  overdue(now: number): readonly T[] {
    const due: T[] = [];
    for (const one of this.#waiting.values()) {
      const age = now - one.since;
      if (age >= SLIM_KEEP_MILLIS) this.#forget(one);
      if (age < SLIM_WAIT_MILLIS || one.isAsked || age >= SLIM_KEEP_MILLIS) continue;
      if (this.#waitsForWaiting(one)) continue;
      one.isAsked = true;
      due.push(one.slim);
    }
    return due;
  }

  /** Whether all that it misses is itself waiting here. */
  #waitsForWaiting({ slim, missing }: Waiting<T>): boolean {
    let isSo = true;
    forEachAuthor(missing, (author) => {
      if (!this.#waiting.has(slotKey(slim.ref.round - 1, author))) isSo = false;
    });
    return isSo;
  }

  #forget(one: Waiting<T>): void {
    const { round, author } = one.slim.ref;
    this.#waiting.delete(slotKey(round, author));
    this.#byAuthor[author] = (this.#byAuthor[author] as number) - 1;
    const others = this.#byRound.get(round - 1);
    others?.delete(one);
    if (others?.size === 0) this.#byRound.delete(round - 1);
  }
}

function slotKey(round: number, author: number): number {
  return round * 0x1_0000 + author;
}
