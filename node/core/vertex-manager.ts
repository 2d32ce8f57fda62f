/**
 * Vertices on their way into the DAG: which are complete, which wait for an ancestor, and which
 * ancestors are missing (docs/consensus.md §4).
 *
 * Whatever waits is bounded for each author, so a flood costs the one who sends it (rule A4).
 */
import type { Committee } from './committee.ts';
import type { Dag } from './dag.ts';
import { compareRefs, type Entry, type EntryTable } from './entry.ts';
import {
  AHEAD_DEPTHS,
  MAX_WAITERS_LOOKED_AT,
  MISSING_QUOTA_BASE,
  MISSING_QUOTA_PER_MEMBER,
  SUSPENDED_DEPTHS,
} from './limits.ts';
import type { StepOutput } from './output.ts';
import type { Vertex } from './types.ts';

/** A vertex that is not accepted: named by others, or here and waiting, or both. */
export interface Pending {
  readonly entry: Entry;
  /** The body is here and waits for `unmet` ancestors. */
  suspended: boolean;
  unmet: number;
  /** Suspended vertices that wait for this one. */
  readonly children: Entry[];
  /** The author whose quota this missing ref counts against. */
  readonly chargedTo: number;
  /** When it was first named, by the driver's clock. */
  readonly since: number;
  /** Authors that were found waiting for it: a new one is a new reason to ask. */
  readonly wantedBy: Set<number>;
  /** Held back elsewhere until its time has come: not to be fetched. */
  held: boolean;
}

/** What became of a vertex that arrived. */
export type Admission = 'accepted' | 'suspended' | 'duplicate' | 'old' | 'ahead' | 'dropped';

export class VertexManager {
  readonly #dag: Dag;
  readonly #table: EntryTable;
  readonly #committee: Committee;
  readonly #gcDepth: number;
  readonly #output: StepOutput;
  readonly #onAccepted: (entry: Entry, now: number, isFirst: boolean) => void;
  readonly #pending = new Map<Entry, Pending>();
  readonly #suspendedByAuthor: Int32Array;
  readonly #missingByAuthor: Int32Array;
  #suspended = 0;

  constructor(
    dag: Dag,
    gcDepth: number,
    output: StepOutput,
    onAccepted: (entry: Entry, now: number, isFirst: boolean) => void,
  ) {
    this.#dag = dag;
    this.#table = dag.table;
    this.#committee = dag.committee;
    this.#gcDepth = gcDepth;
    this.#output = output;
    this.#onAccepted = onAccepted;
    this.#suspendedByAuthor = new Int32Array(dag.committee.size);
    this.#missingByAuthor = new Int32Array(dag.committee.size);
  }

  get suspendedCount(): number {
    return this.#suspended;
  }

  get missingCount(): number {
    return this.#pending.size - this.#suspended;
  }

  /** What is known of a vertex that is not accepted. */
  pending(entry: Entry): Pending | undefined {
    return this.#pending.get(entry);
  }

  /** The body of a vertex is here: accepted, or waiting. */
  has(entry: Entry): boolean {
    return this.#dag.isAccepted(entry) || (this.#pending.get(entry)?.suspended ?? false);
  }

  /**
   * Rule A3: a suspended vertex of another author waits for this one, or for a vertex of the same
   * author that waits for it. Without that last part an equivocator could show each validator
   * another chain of its own, and nobody could complete what the others build on.
   */
  isWanted(entry: Entry): boolean {
    const chain = new Set([entry]);
    for (const link of chain) {
      for (const child of this.#pending.get(link)?.children ?? []) {
        if (child.author !== entry.author) return true;
        chain.add(child);
      }
    }
    return false;
  }

  /**
   * Other authors with a vertex that waits for this one, the nearest first. Whoever of them is
   * honest has it: one builds on what one has accepted.
   */
  waitersOf(entry: Entry): number[] {
    const found = new Set<number>();
    const waiting = new Set([entry]);
    for (const link of waiting) {
      for (const child of this.#pending.get(link)?.children ?? []) {
        if (waiting.size >= MAX_WAITERS_LOOKED_AT) break;
        waiting.add(child);
        if (child.author !== entry.author) found.add(child.author);
      }
    }
    return [...found];
  }

  /** Rule A4: rounds too far ahead of the last quorum are not looked at. */
  isAhead(round: number): boolean {
    return round > this.#dag.quorumRound + AHEAD_DEPTHS * this.#gcDepth;
  }

  /** Missing ancestors, lowest round first: what synchronization has to fetch. */
  missing(): Pending[] {
    const missing: Pending[] = [];
    for (const pending of this.#pending.values()) {
      if (!pending.suspended && !pending.held) missing.push(pending);
    }
    return missing.sort((a, b) => compareRefs(a.entry.ref, b.entry.ref));
  }

  /** Takes a verified vertex: into the DAG with all that waited for it, or into waiting. */
  add(vertex: Vertex, now: number): Admission {
    if (vertex.ref.round <= this.#dag.gcRound) return 'old';
    if (this.isAhead(vertex.ref.round)) return 'ahead';
    const entry = this.#table.link(vertex);
    if (this.has(entry)) return 'duplicate';
    const unmet = this.#dag.unmetAncestors(entry);
    if (unmet.length > 0) return this.#suspend(entry, unmet, now);
    this.#accept(entry, now);
    return 'accepted';
  }

  /** Notes that a vertex is held back until its time has come, or no longer. */
  setHeld(entry: Entry, held: boolean): void {
    const pending = this.#pending.get(entry);
    if (pending !== undefined) pending.held = held;
  }

  /** Rounds up to `round` are decided: nobody waits for them any more (rule G2). */
  collect(round: number, now: number): void {
    const gone = [...this.#pending.values()]
      .filter((pending) => pending.entry.round <= round)
      .sort((a, b) => compareRefs(a.entry.ref, b.entry.ref));
    for (const pending of gone) this.#remove(pending);
    for (const pending of gone) {
      for (const entry of this.#release(pending)) this.#accept(entry, now);
    }
  }

  #suspend(entry: Entry, unmet: readonly Entry[], now: number): Admission {
    if (!this.#hasRoom(entry, unmet)) return 'dropped';
    const pending = this.#name(entry, entry.author, now);
    this.#charge(pending, -1);
    pending.suspended = true;
    pending.held = false;
    pending.unmet = unmet.length;
    this.#countSuspended(entry, 1);
    for (const ancestor of unmet) this.#name(ancestor, entry.author, now).children.push(entry);
    this.#noteWanted(unmet, entry.author);
    return 'suspended';
  }

  /** An author waits for these, and for what these wait for. */
  #noteWanted(unmet: readonly Entry[], author: number): void {
    const below = new Set(unmet);
    for (const entry of below) {
      const pending = this.#pending.get(entry);
      if (pending === undefined) continue;
      pending.wantedBy.add(author);
      if (!pending.suspended || below.size >= MAX_WAITERS_LOOKED_AT) continue;
      for (const ancestor of this.#dag.unmetAncestors(entry)) below.add(ancestor);
    }
  }

  /** Inserts a vertex and, parents first, everything that waited for it alone. */
  #accept(entry: Entry, now: number): void {
    const ready = [entry];
    for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
      const pending = this.#pending.get(next);
      if (pending !== undefined) this.#remove(pending);
      this.#onAccepted(next, now, this.#dag.insert(next, now));
      if (pending !== undefined) ready.push(...this.#release(pending));
    }
  }

  /** Tells the children of a vertex that it is met. Returns those that are complete now. */
  #release(pending: Pending): Entry[] {
    const complete: Entry[] = [];
    for (const child of pending.children) {
      const waiting = this.#pending.get(child);
      if (waiting === undefined || !waiting.suspended) continue;
      waiting.unmet -= 1;
      if (waiting.unmet === 0) complete.push(child);
    }
    return complete;
  }

  /**
   * Rule A4: over its quota an author loses its highest suspended rounds, never anybody else's.
   * The vertex at hand is itself one of them.
   */
  #hasRoom(entry: Entry, unmet: readonly Entry[]): boolean {
    const { author } = entry;
    const missingQuota = MISSING_QUOTA_BASE + MISSING_QUOTA_PER_MEMBER * this.#committee.size;
    const suspendedQuota = SUSPENDED_DEPTHS * this.#gcDepth;
    let fresh = 0;
    for (const ancestor of unmet) if (!this.#pending.has(ancestor)) fresh += 1;
    for (;;) {
      const suspended = this.#suspendedByAuthor[author] as number;
      const missing = this.#missingByAuthor[author] as number;
      if (suspended < suspendedQuota && missing + fresh <= missingQuota) return true;
      const highest = this.#highestSuspended(author);
      this.#output.mark('quotaDrop');
      if (highest === undefined || highest.entry.round <= entry.round) return false;
      this.#drop(highest);
    }
  }

  #highestSuspended(author: number): Pending | undefined {
    let highest: Pending | undefined;
    for (const pending of this.#pending.values()) {
      if (!pending.suspended || pending.entry.author !== author) continue;
      if (highest === undefined || compareRefs(pending.entry.ref, highest.entry.ref) > 0) {
        highest = pending;
      }
    }
    return highest;
  }

  /** Gives up the body of a suspended vertex. If others wait for it, it is missing again. */
  #drop(pending: Pending): void {
    const { entry } = pending;
    pending.suspended = false;
    pending.unmet = 0;
    this.#countSuspended(entry, -1);
    this.#charge(pending, 1);
    for (const ancestor of this.#dag.unmetAncestors(entry)) {
      const known = this.#pending.get(ancestor);
      if (known === undefined) continue;
      const at = known.children.indexOf(entry);
      if (at >= 0) known.children.splice(at, 1);
      if (known.children.length === 0 && !known.suspended) this.#remove(known);
    }
    if (pending.children.length === 0) this.#remove(pending);
  }

  /** The pending state of a vertex; a new one is missing, and charged to who named it. */
  #name(entry: Entry, chargedTo: number, now: number): Pending {
    let pending = this.#pending.get(entry);
    if (pending === undefined) {
      pending = {
        entry,
        suspended: false,
        unmet: 0,
        children: [],
        chargedTo,
        since: now,
        wantedBy: new Set(),
        held: false,
      };
      this.#pending.set(entry, pending);
      this.#charge(pending, 1);
    }
    return pending;
  }

  #remove(pending: Pending): void {
    this.#pending.delete(pending.entry);
    if (pending.suspended) this.#countSuspended(pending.entry, -1);
    else this.#charge(pending, -1);
  }

  #countSuspended({ author }: Entry, by: 1 | -1): void {
    this.#suspended += by;
    this.#suspendedByAuthor[author] = (this.#suspendedByAuthor[author] as number) + by;
  }

  #charge({ chargedTo }: Pending, by: 1 | -1): void {
    this.#missingByAuthor[chargedTo] = (this.#missingByAuthor[chargedTo] as number) + by;
  }
}
