/**
 * Measures how long things take: from the moment a vertex is made to the moments at which each
 * validator has it committed, and certified.
 */
import type { CertifiedCheckpoint, Commit, Event, StepResult } from 'fanal-node/core/types.ts';
import type { ExecutedBlock } from './ledger.ts';
import type { SimNode } from './node.ts';
import type { Observer } from './observer.ts';
import type { Micros } from './queue.ts';
import { type Random, stream } from './random.ts';
import { Samples } from './samples.ts';
import type { Simulation } from './simulation.ts';

export interface Delays {
  /** The leader's own vertex, until committed. */
  readonly leader: Samples;
  /** Any committed vertex, until committed. */
  readonly vertex: Samples;
  /** The same, and the time a transaction waits for the vertex to be made. */
  readonly transaction: Samples;
  /** A transaction until the checkpoint over its block is certified. */
  readonly certified: Samples;
  /** From the start until the first commit, one sample a validator. */
  readonly first: Samples;
}

/** Commits of each validator, counted from one. */
interface Range {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** What one validator has seen. */
interface Progress {
  commits: number;
  /** Transactions of each commit, by when clients handed them in, until they are certified. */
  readonly handedIn: Map<bigint, readonly Micros[]>;
  certifiedCommit: bigint;
}

export class DelayMeter implements Observer {
  readonly delays: Delays = {
    leader: new Samples(),
    vertex: new Samples(),
    transaction: new Samples(),
    certified: new Samples(),
    first: new Samples(),
  };
  /** The newest round that anybody committed a leader of. */
  rounds = 0;
  commits = 0;
  readonly #simulation: Simulation;
  readonly #random: Random;
  /** When each vertex was made, by round and author; 0 for never. */
  readonly #madeAt = new Map<number, Float64Array>();
  readonly #progress = new Map<SimNode, Progress>();
  /** The last commit in each block. */
  readonly #commitByHeight = new Map<bigint, bigint>();
  readonly #from: number;
  readonly #to: number;
  #finished = 0;

  /** Measures commits after number `from`, up to `to`, of each validator. */
  constructor(simulation: Simulation, { from = 0, to = Number.POSITIVE_INFINITY }: Range = {}) {
    this.#simulation = simulation;
    this.#from = from;
    this.#to = to;
    this.#random = stream(simulation.plan.seed, 'delay-meter');
  }

  /** True once every running validator has made all the commits that are measured. */
  done(): boolean {
    return this.#finished > 0 && this.#finished >= this.#simulation.running().length;
  }

  stepped(node: SimNode, _event: Event, { writes }: StepResult): void {
    for (const write of writes) {
      if (write.kind === 'guard') this.#made(node, write.guard.round);
      else if (write.kind === 'commit') this.#committed(node, write.commit);
    }
  }

  executed(_node: SimNode, { header }: ExecutedBlock): void {
    this.#commitByHeight.set(header.height, header.commitIndex);
  }

  certified(node: SimNode, { size }: CertifiedCheckpoint): void {
    const upTo = this.#commitByHeight.get(size - 1n);
    if (upTo === undefined) return;
    const progress = this.#of(node);
    const now = this.#simulation.now();
    while (progress.certifiedCommit < upTo) {
      progress.certifiedCommit++;
      const handedIn = progress.handedIn.get(progress.certifiedCommit) ?? [];
      for (const at of handedIn) this.delays.certified.add(now - at);
      progress.handedIn.delete(progress.certifiedCommit);
    }
  }

  #made(node: SimNode, round: number): void {
    if (round > 0 && node.author !== null) this.#times(round)[node.author] = this.#simulation.now();
  }

  #committed(node: SimNode, { index, leader, vertices }: Commit): void {
    const now = this.#simulation.now();
    const { delays } = this;
    const progress = this.#of(node);
    progress.commits++;
    if (progress.commits === this.#to) this.#finished++;
    if (progress.commits <= this.#from || progress.commits > this.#to) {
      progress.handedIn.set(index, []);
      return;
    }
    if (progress.commits === 1) delays.first.add(now);
    if (leader.round > this.rounds) {
      this.rounds = leader.round;
      this.commits++;
    }
    const handedIn: Micros[] = [];
    for (const { round, author } of vertices) {
      const madeAt = this.#times(round)[author] as Micros;
      // Those who break the rules are not measured.
      if (madeAt === 0) continue;
      // A transaction comes at any moment since the author's vertex before.
      const before = round === 1 ? madeAt : (this.#times(round - 1)[author] as Micros);
      const waited = before === 0 ? 0 : (madeAt - before) * this.#random.fraction();
      delays.vertex.add(now - madeAt);
      delays.transaction.add(now - madeAt + waited);
      handedIn.push(madeAt - waited);
    }
    const ledAt = this.#times(leader.round)[leader.author] as Micros;
    if (ledAt > 0) delays.leader.add(now - ledAt);
    progress.handedIn.set(index, handedIn);
  }

  #times(round: number): Float64Array {
    let times = this.#madeAt.get(round);
    if (times === undefined) {
      times = new Float64Array(this.#simulation.plan.stakes.length);
      this.#madeAt.set(round, times);
    }
    return times;
  }

  #of(node: SimNode): Progress {
    let progress = this.#progress.get(node);
    if (progress === undefined) {
      progress = { commits: 0, handedIn: new Map(), certifiedCommit: 0n };
      this.#progress.set(node, progress);
    }
    return progress;
  }
}
