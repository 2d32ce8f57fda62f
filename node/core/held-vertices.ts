/**
 * Vertices from the future, which wait until their time has come (docs/consensus.md §4, rule A2).
 */
import { compareRefs, type Entry } from './entry.ts';
import { MAX_HELD_PER_AUTHOR } from './limits.ts';
import type { Vertex } from './types.ts';

export class HeldVertices {
  readonly #byAuthor: Entry[][];
  readonly #vertices = new Map<Entry, Vertex>();
  /** Says elsewhere whether a vertex is held here, so that nobody fetches it meanwhile. */
  readonly #setHeld: (entry: Entry, held: boolean) => void;

  constructor(authors: number, setHeld: (entry: Entry, held: boolean) => void) {
    this.#byAuthor = Array.from({ length: authors }, () => []);
    this.#setHeld = setHeld;
  }

  get count(): number {
    return this.#vertices.size;
  }

  has(entry: Entry): boolean {
    return this.#vertices.has(entry);
  }

  /** Keeps a vertex. Over its limit the author loses its highest round. */
  hold(entry: Entry, vertex: Vertex): void {
    const held = this.#byAuthor[entry.author] as Entry[];
    held.push(entry);
    held.sort((a, b) => compareRefs(a.ref, b.ref));
    this.#vertices.set(entry, vertex);
    this.#setHeld(entry, true);
    if (held.length <= MAX_HELD_PER_AUTHOR) return;
    const dropped = held.pop() as Entry;
    this.#vertices.delete(dropped);
    this.#setHeld(dropped, false);
  }

  /** The earliest time of a vertex that is held; null when none is. */
  earliest(): bigint | null {
    let earliest: bigint | null = null;
    for (const { header } of this.#vertices.values()) {
      if (earliest === null || header.time < earliest) earliest = header.time;
    }
    return earliest;
  }

  /** Hands out those whose time is `limit` or before, by author and round. */
  *release(limit: bigint): Generator<readonly [Entry, Vertex]> {
    for (const held of this.#byAuthor) {
      const due = held.filter(
        (entry) => (this.#vertices.get(entry) as Vertex).header.time <= limit,
      );
      for (const entry of due) {
        const vertex = this.#vertices.get(entry) as Vertex;
        this.drop(entry);
        this.#setHeld(entry, false);
        yield [entry, vertex];
      }
    }
  }

  /** Forgets a vertex that came in another way. */
  drop(entry: Entry): void {
    if (!this.#vertices.delete(entry)) return;
    const held = this.#byAuthor[entry.author] as Entry[];
    held.splice(held.indexOf(entry), 1);
  }

  /** Forgets rounds up to and including `horizon`. */
  collect(horizon: number): void {
    for (const held of this.#byAuthor) {
      for (const entry of [...held]) if (entry.round <= horizon) this.drop(entry);
    }
  }
}
