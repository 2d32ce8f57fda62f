/**
 * Vertices without what their receiver knows (docs/consensus.md §3, rule V4): an ancestor of the
 * round before is one bit, where its author has shown one vertex in that round.
 *
 * What is signed and stored is the full form. A receiver that cannot restore it asks for it.
 */
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import {
  type AuthorSet,
  addAuthor,
  countOf,
  emptySet,
  forEachAuthor,
  hasAuthor,
} from './author-set.ts';
import type { KnownSlots } from './known-slots.ts';
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
    if (slots.isSuspect({ round, author })) continue;
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
