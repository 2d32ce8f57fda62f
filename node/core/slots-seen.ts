/**
 * Which vertex of each slot came first, and evidence of those who signed two (docs/consensus.md §4,
 * rule A3).
 */
import { compareRefs, type Entry } from './entry.ts';
import { MAX_EVIDENCE_PER_AUTHOR, MAX_MISBEHAVIOUR } from './limits.ts';
import type { StepOutput } from './output.ts';
import type { EvidenceRef, Vertex, VertexRef } from './types.ts';

export class SlotsSeen {
  readonly #epoch: number;
  readonly #output: StepOutput;
  readonly #authors: number;
  /** By round, then by author. */
  readonly #first = new Map<number, (Entry | undefined)[]>();
  readonly #evidenceCount: Int32Array;
  /** What the next own vertex will report. */
  #misbehaviour: EvidenceRef[] = [];

  constructor(epoch: number, authors: number, output: StepOutput) {
    this.#epoch = epoch;
    this.#output = output;
    this.#authors = authors;
    this.#evidenceCount = new Int32Array(authors);
  }

  /** The vertex of a slot that came first. */
  first({ round, author }: Pick<VertexRef, 'round' | 'author'>): Entry | undefined {
    return this.#first.get(round)?.[author];
  }

  /** Takes note of a vertex, unless its slot has one. */
  remember(entry: Entry): void {
    let slots = this.#first.get(entry.round);
    if (slots === undefined) {
      slots = new Array(this.#authors);
      this.#first.set(entry.round, slots);
    }
    slots[entry.author] ??= entry;
  }

  /** Writes down that an author signed two vertices of one slot. */
  recordEvidence(first: Vertex, second: Vertex): void {
    const { author, round } = first.ref;
    if ((this.#evidenceCount[author] as number) >= MAX_EVIDENCE_PER_AUTHOR) return;
    this.#evidenceCount[author] = (this.#evidenceCount[author] as number) + 1;
    const pair: [Vertex, Vertex] =
      compareRefs(first.ref, second.ref) < 0 ? [first, second] : [second, first];
    this.#misbehaviour.push({
      round,
      author,
      first: pair[0].ref.digest,
      second: pair[1].ref.digest,
    });
    if (this.#misbehaviour.length > MAX_MISBEHAVIOUR) this.#misbehaviour.shift();
    const evidence = { kind: 'vertex' as const, epoch: this.#epoch, vertices: pair };
    this.#output.writeLazily({ kind: 'evidence', evidence });
  }

  /** What an own vertex reports: each once. */
  takeMisbehaviour(): readonly EvidenceRef[] {
    const taken = this.#misbehaviour;
    this.#misbehaviour = [];
    return taken;
  }

  /** Forgets rounds up to and including `horizon`. */
  collect(horizon: number): void {
    for (const round of this.#first.keys()) if (round <= horizon) this.#first.delete(round);
  }
}
