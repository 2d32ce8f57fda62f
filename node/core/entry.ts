/**
 * The table of everything that was ever named in an epoch's DAG: one entry for each vertex
 * reference, with its ancestors as sets of authors.
 *
 * Entries hold facts that follow from digests alone, never what one validator thinks of a vertex.
 * That is why a simulation may share one table among all its validators. Each ref of a slot gets
 * a `variant`, 0 for the first one seen; sets of authors stand for variants 0, and the rare others
 * are listed. Which one is 0 never changes what is decided.
 */
import { equalBytes } from 'fanal/primitives/bytes.ts';
import { Writer } from 'fanal/primitives/codec.ts';
import { type AuthorSet, addAuthor, emptySet } from './author-set.ts';
import type { Committee } from './committee.ts';
import type { EpochRecord, Vertex, VertexRef } from './types.ts';
import type { TaggedHash } from './vertex.ts';

export interface Entry {
  readonly ref: VertexRef;
  readonly round: number;
  readonly author: number;
  readonly variant: number;
  /** The body, once anybody has it. */
  vertex: Vertex | null;
  /** Authors of the ancestors in the round before, where those are of variant 0. */
  parents: AuthorSet | null;
  /** The other ancestors in the round before. */
  oddParents: readonly Entry[];
  /** Ancestors in earlier rounds. */
  older: readonly Entry[];
  /** Whether the stated median time is right; null while unknown. */
  medianRight: boolean | null;
  /** The place in the order of the commit that follows `orderAfter`, as computed last. */
  orderKey: Uint8Array | null;
  orderAfter: Uint8Array | null;
}

const NO_ENTRIES: readonly Entry[] = [];

/** The entries of one epoch, by slot. */
export class EntryTable {
  readonly committee: Committee;
  /** Round 0, by author. */
  readonly genesis: readonly Entry[];
  /** By round, then by author: almost always one entry, rarely several. */
  readonly #rounds = new Map<number, (Entry | Entry[] | undefined)[]>();
  readonly #floors = new Map<object, number>();

  constructor(committee: Committee, genesis: readonly VertexRef[]) {
    this.committee = committee;
    this.genesis = genesis.map((ref) => this.intern(ref));
  }

  /** The entry of a reference, made if it is new. */
  intern(ref: VertexRef): Entry {
    let slots = this.#rounds.get(ref.round);
    if (slots === undefined) {
      slots = new Array(this.committee.size);
      this.#rounds.set(ref.round, slots);
    }
    const slot = slots[ref.author];
    if (slot === undefined) {
      const entry = createEntry(ref, 0);
      slots[ref.author] = entry;
      return entry;
    }
    if (!Array.isArray(slot)) {
      if (sameDigest(slot.ref, ref)) return slot;
      const entry = createEntry(ref, 1);
      slots[ref.author] = [slot, entry];
      return entry;
    }
    for (const known of slot) if (sameDigest(known.ref, ref)) return known;
    const entry = createEntry(ref, slot.length);
    slot.push(entry);
    return entry;
  }

  /** The entry of a reference, if anybody has named it. */
  find({ round, author, digest }: VertexRef): Entry | undefined {
    const slot = this.#rounds.get(round)?.[author];
    if (slot === undefined) return undefined;
    const all = Array.isArray(slot) ? slot : [slot];
    return all.find((entry) => equalBytes(entry.ref.digest, digest));
  }

  /** The entry of a vertex, with its body and ancestors in place. */
  link(vertex: Vertex): Entry {
    const entry = this.intern(vertex.ref);
    if (entry.parents !== null) return entry;
    const parents = emptySet(this.committee);
    const oddParents: Entry[] = [];
    const older: Entry[] = [];
    for (const ref of vertex.header.ancestors) {
      const ancestor = this.intern(ref);
      if (ref.round !== entry.round - 1) older.push(ancestor);
      else if (ancestor.variant === 0) addAuthor(parents, ref.author);
      else oddParents.push(ancestor);
    }
    entry.vertex = vertex;
    entry.parents = parents;
    entry.oddParents = oddParents.length === 0 ? NO_ENTRIES : oddParents;
    entry.older = older.length === 0 ? NO_ENTRIES : older;
    return entry;
  }

  /** The variant-0 entry of a slot. */
  first(round: number, author: number): Entry | undefined {
    const slot = this.#rounds.get(round)?.[author];
    return Array.isArray(slot) ? slot[0] : slot;
  }

  /** Forgets rounds up to and including the lowest that every user of the table gave up. */
  collect(user: object, round: number): void {
    this.#floors.set(user, round);
    let floor = round;
    for (const given of this.#floors.values()) if (given < floor) floor = given;
    for (const known of this.#rounds.keys()) if (known <= floor) this.#rounds.delete(known);
  }

  /** Counts a core among the users of the table, so that `collect` waits for it. */
  join(user: object): void {
    if (!this.#floors.has(user)) this.#floors.set(user, -1);
  }

  /** A core that is gone: the table no longer waits for it. */
  leave(user: object): void {
    this.#floors.delete(user);
  }
}

/** The vertices of round 0, which nobody signs: they follow from the epoch's start (rule E2). */
export function genesisVertices(hash: TaggedHash, record: EpochRecord): VertexRef[] {
  return record.members.map((_, author) => {
    const writer = new Writer(38);
    writer.bytes(record.startBlockId, 32).u32(record.epoch).u16(author);
    return { round: 0, author, digest: hash('fanal/genesis-vertex/v1', writer.finish()) };
  });
}

function createEntry(ref: VertexRef, variant: number): Entry {
  return {
    ref,
    round: ref.round,
    author: ref.author,
    variant,
    vertex: null,
    parents: null,
    oddParents: NO_ENTRIES,
    older: NO_ENTRIES,
    medianRight: null,
    orderKey: null,
    orderAfter: null,
  };
}

function sameDigest(a: VertexRef, b: VertexRef): boolean {
  return a === b || a.digest === b.digest || equalBytes(a.digest, b.digest);
}

/** Says whether `child` names `ancestor` directly. */
export function names(child: Entry, ancestor: Entry): boolean {
  if (ancestor.round === child.round - 1) {
    if (ancestor.variant !== 0) return child.oddParents.includes(ancestor);
    const word = (child.parents as AuthorSet)[ancestor.author >>> 5] as number;
    return ((word >>> (ancestor.author & 31)) & 1) === 1;
  }
  return child.older.includes(ancestor);
}

/** The total order of vertices: round, author, digest. */
export function compareRefs(a: VertexRef, b: VertexRef): number {
  if (a.round !== b.round) return a.round - b.round;
  if (a.author !== b.author) return a.author - b.author;
  for (let i = 0; i < 32; i++) {
    const difference = (a.digest[i] as number) - (b.digest[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
