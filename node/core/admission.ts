/**
 * From a verified vertex to the DAG: which ones may enter, and which wait (docs/consensus.md §4).
 */
import type { Dag } from './dag.ts';
import type { Entry, EntryTable } from './entry.ts';
import { HeldVertices } from './held-vertices.ts';
import type { StepOutput } from './output.ts';
import type { SlotsSeen } from './slots-seen.ts';
import type { TimerId, Vertex } from './types.ts';
import type { VertexManager } from './vertex-manager.ts';

export interface AdmissionPorts {
  readonly dag: Dag;
  readonly table: EntryTable;
  readonly manager: VertexManager;
  readonly seen: SlotsSeen;
  readonly self: number | null;
  readonly output: StepOutput;
  /** A vertex whose time is so far ahead waits until it is due. */
  readonly maxForwardDrift: number;
  readonly wallTime: (now: number) => bigint;
  readonly setTimer: (id: TimerId, at: number | null) => void;
  /** Whether a vertex that names us as its author may be ours (rule R5). */
  readonly mayBeOwn: (entry: Entry) => boolean;
  /** A vertex was too far ahead to be looked at (rule A4). */
  readonly onAhead: (author: number, round: number) => void;
}

export class Admission {
  readonly #ports: AdmissionPorts;
  readonly #held: HeldVertices;

  constructor(ports: AdmissionPorts, authors: number) {
    this.#ports = ports;
    this.#held = new HeldVertices(authors, (entry, held) => ports.manager.setHeld(entry, held));
  }

  /** Vertices that wait for their time. */
  get heldCount(): number {
    return this.#held.count;
  }

  /** Takes a vertex above the horizon. */
  take(vertex: Vertex, now: number): void {
    const { table, manager, output, self, maxForwardDrift, wallTime, mayBeOwn } = this.#ports;
    const { round, author } = vertex.ref;
    if (manager.isAhead(round)) {
      output.mark('aheadDrop');
      this.#ports.onAhead(author, round);
      return;
    }
    const known = table.find(vertex.ref);
    if (known !== undefined && (manager.has(known) || this.#held.has(known))) {
      output.mark('vertexDuplicate');
      return;
    }
    if (author === self && !mayBeOwn(table.link(vertex))) return;
    if (!this.#mayEnter(vertex, known)) return;
    const entry = table.link(vertex);
    const drift = Number(vertex.header.time - wallTime(now));
    if (drift > maxForwardDrift) this.#hold(entry, vertex);
    else this.#add(entry, vertex, now);
  }

  /** Lets those in whose time has come. */
  releaseHeld(now: number): void {
    const { dag, manager, maxForwardDrift, wallTime } = this.#ports;
    const limit = wallTime(now) + BigInt(maxForwardDrift);
    for (const [entry, vertex] of this.#held.release(limit)) {
      if (entry.round > dag.gcRound && !manager.has(entry)) this.#add(entry, vertex, now);
    }
    this.#armHeld();
  }

  /** Forgets a held vertex that came in another way. */
  drop(entry: Entry): void {
    this.#held.drop(entry);
  }

  /** Forgets rounds up to and including `horizon`. */
  collect(horizon: number): void {
    this.#held.collect(horizon);
  }

  #add(entry: Entry, vertex: Vertex, now: number): void {
    const { seen, manager, output } = this.#ports;
    seen.remember(entry);
    if (manager.add(vertex, now) === 'suspended') output.mark('vertexSuspended');
  }

  /**
   * Rule A3: a second vertex of a slot is evidence, and enters only when another author needs it.
   * Otherwise it leaves no trace, however many there are.
   */
  #mayEnter(vertex: Vertex, entry: Entry | undefined): boolean {
    const { seen, manager, output } = this.#ports;
    const first = seen.first(vertex.ref);
    if (first === undefined || first === entry) return true;
    output.mark('equivocationSeen');
    if (first.vertex !== null) seen.recordEvidence(first.vertex, vertex);
    return entry !== undefined && manager.isWanted(entry);
  }

  /** Rule A2: a vertex from the future waits until its time has come. */
  #hold(entry: Entry, vertex: Vertex): void {
    this.#held.hold(entry, vertex);
    this.#ports.output.mark('vertexHeld');
    this.#armHeld();
  }

  #armHeld(): void {
    const { maxForwardDrift, setTimer, wallTime } = this.#ports;
    const due = this.#held.earliest();
    setTimer('held', due === null ? null : Number(due - wallTime(0)) - maxForwardDrift);
  }
}
