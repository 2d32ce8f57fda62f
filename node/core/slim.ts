/**
 * Vertices without what their receiver knows (docs/consensus.md §3, rule V4): an ancestor of the
 * round before is one bit, where its author has shown one vertex in that round.
 *
 * What is signed and stored is the full form. A receiver that cannot restore it asks for it.
 */
import { type Bytes, type Bytes32, equalBytes } from 'fanal/primitives/bytes.ts';
import { type AuthorSet, addAuthor, emptySet, forEachAuthor, hasAuthor } from './author-set.ts';
import type { Committee } from './committee.ts';
import { MAX_SLIM_PER_AUTHOR } from './limits.ts';
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
const RING = 8;

/** The vertex that each author has shown in its latest rounds. */
export class KnownSlots {
  readonly committee: Committee;
  readonly #rounds: Float64Array;
  /** Null where an author has shown two. */
  readonly #digests: (Bytes32 | null)[];

  constructor(committee: Committee) {
    this.committee = committee;
    this.#rounds = new Float64Array(committee.size * RING).fill(-1);
    this.#digests = new Array(committee.size * RING).fill(null);
  }

  /** A vertex whose signature is good. */
  note({ round, author, digest }: VertexRef): void {
    const place = author * RING + (round % RING);
    const known = this.#rounds[place] as number;
    if (known > round) return;
    if (known < round) {
      this.#rounds[place] = round;
      this.#digests[place] = digest;
      return;
    }
    const other = this.#digests[place];
    if (other !== null && other !== undefined && !equalBytes(other, digest)) {
      this.#digests[place] = null;
    }
  }

  /** Whether anything was shown in a slot. */
  has(round: number, author: number): boolean {
    return this.#rounds[author * RING + (round % RING)] === round;
  }

  /** The one vertex of a slot; null when there is none, or more than one. */
  digestOf(round: number, author: number): Bytes32 | null {
    return this.has(round, author) ? (this.#digests[author * RING + (round % RING)] ?? null) : null;
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
  let count = 0;
  const before = header.round - 1;
  for (const { round, author, digest } of header.ancestors) {
    if (round !== before || author === header.author) continue;
    const known = slots.digestOf(round, author);
    if (known === null || !equalBytes(known, digest)) continue;
    addAuthor(named, author);
    count += 1;
  }
  const saved = count * VERTEX_REF_BYTES - slimOverhead(committee);
  return saved < leastBytes ? null : named;
}

/** Bytes that the slim form takes beyond what it leaves out: the set, and the digest. */
export function slimOverhead({ words }: Committee): number {
  return 2 + 4 * words + 32;
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
  /** The slots that were missing at first, and how many still are. */
  readonly slots: readonly number[];
  missing: number;
}

/** Slim vertices on their way in, until all that they name is known. */
export class SlimInbox<T extends { readonly ref: VertexRef; readonly named: AuthorSet }> {
  readonly #slots: KnownSlots;
  readonly #waiting = new Set<Waiting<T>>();
  readonly #byAuthor: Int32Array;
  /** By slot: those that wait for its vertex. */
  readonly #bySlot = new Map<number, Waiting<T>[]>();

  constructor(slots: KnownSlots) {
    this.#slots = slots;
    this.#byAuthor = new Int32Array(slots.committee.size);
  }

  /**
   * Takes one in.
   *
   * @returns `known` when nothing is missing, `waits`, or `full` when too many of its author wait
   */
  offer(slim: T, now: number): 'known' | 'waits' | 'full' {
    const { round, author } = slim.ref;
    const missing: number[] = [];
    forEachAuthor(slim.named, (named) => {
      if (named < this.#slots.committee.size && !this.#slots.has(round - 1, named))
        missing.push(slotKey(round - 1, named));
    });
    if (missing.length === 0) return 'known';
    if ((this.#byAuthor[author] as number) >= MAX_SLIM_PER_AUTHOR) return 'full';
    const waiting = { slim, since: now, slots: missing, missing: missing.length };
    this.#waiting.add(waiting);
    this.#byAuthor[author] = (this.#byAuthor[author] as number) + 1;
    for (const key of missing) {
      const others = this.#bySlot.get(key);
      if (others === undefined) this.#bySlot.set(key, [waiting]);
      else others.push(waiting);
    }
    return 'waits';
  }

  /** A vertex is known. Returns those that are complete with it. */
  noted({ round, author }: VertexRef): readonly T[] {
    const key = slotKey(round, author);
    const waiting = this.#bySlot.get(key);
    if (waiting === undefined) return [];
    this.#bySlot.delete(key);
    const complete: T[] = [];
    for (const one of waiting) {
      one.missing -= 1;
      if (one.missing > 0) continue;
      this.#forget(one);
      complete.push(one.slim);
    }
    return complete;
  }

  /** Takes out those that wait since then or longer: their full form is to be asked for. */
  overdue(since: number): readonly T[] {
    const overdue: T[] = [];
    for (const one of this.#waiting) {
      if (one.since > since) continue;
      this.#forget(one);
      for (const key of one.slots) {
        const others = this.#bySlot.get(key)?.filter((other) => other !== one) ?? [];
        if (others.length === 0) this.#bySlot.delete(key);
        else this.#bySlot.set(key, others);
      }
      overdue.push(one.slim);
    }
    return overdue;
  }

  get count(): number {
    return this.#waiting.size;
  }

  #forget(one: Waiting<T>): void {
    this.#waiting.delete(one);
    const { author } = one.slim.ref;
    this.#byAuthor[author] = (this.#byAuthor[author] as number) - 1;
  }
}

function slotKey(round: number, author: number): number {
  return round * 0x1_0000 + author;
}
