/**
 * L1 to L5: once the network is healed, everything that was promised happens, and in time.
 */
import { DEFAULT_LOCAL_PARAMS } from 'fanal-node/core/params.ts';
import type { Event, PeerMessage, StepResult } from 'fanal-node/core/types.ts';
import { refKey } from '../disk.ts';
import type { SimNode } from '../node.ts';
import { type Observer, Violation } from '../observer.ts';
import type { Micros } from '../queue.ts';
import type { Simulation } from '../simulation.ts';
import type { AgreementChecker } from './agreement.ts';

/** Virtual seconds after the healing by which each promise must have come true. */
export const LIVENESS_DEADLINE_SECONDS = 60;
/** Commits that every validator must make. */
const COMMITS = 10;
/** Own vertices sent in this span after the healing must all be committed. */
const VERTICES_FROM_MICROS = 2_000_000;
const VERTICES_UNTIL_MICROS = 4_000_000;
/** Blocks that execution may be ahead of certificates when all is well. */
const UNCERTIFIED_BLOCKS = 6n;

interface SentVertex {
  readonly epoch: number;
  readonly key: string;
  readonly what: string;
}

export class LivenessChecker implements Observer {
  readonly #simulation: Simulation;
  readonly #agreement: AgreementChecker;
  #healedAt: Micros | undefined;
  #payments: readonly string[] = [];
  #height = 0n;
  #sent: SentVertex[] = [];
  /** The highest round of an honest vertex, by epoch. */
  readonly #newestRounds = new Map<number, number>();
  readonly #commits = new Map<SimNode, number>();
  /** When each promise came true, in microseconds after the healing. */
  readonly kept = new Map<string, Micros>();

  constructor(simulation: Simulation, agreement: AgreementChecker) {
    this.#simulation = simulation;
    this.#agreement = agreement;
  }

  stepped(node: SimNode, _event: Event, { writes }: StepResult): void {
    if (this.#healedAt === undefined) return;
    let count = 0;
    for (const write of writes) if (write.kind === 'commit') count++;
    if (count > 0) this.#commits.set(node, (this.#commits.get(node) ?? 0) + count);
  }

  sending(node: SimNode, message: PeerMessage): void {
    if (this.#healedAt === undefined || message.kind !== 'vertices') return;
    const own = message.vertices.at(-1);
    if (own === undefined || own.ref.author !== node.author) return;
    const { round, author } = own.ref;
    const newest = Math.max(round, this.#newestRounds.get(own.header.epoch) ?? 0);
    this.#newestRounds.set(own.header.epoch, newest);
    // Whoever is still catching up sends vertices that may be collected before anyone names them.
    if (newest - round > this.#simulation.plan.chain.gcDepth / 2 - 2) return;
    // A clock that ran ahead and is right again: its vertices are held until that time has come.
    const ahead = Number(own.header.time - this.#simulation.trueTime());
    const { clockSkewMillis } = this.#simulation.plan.machine;
    if (ahead > DEFAULT_LOCAL_PARAMS.maxForwardDrift - clockSkewMillis) return;
    const since = this.#simulation.now() - this.#healedAt;
    if (since < VERTICES_FROM_MICROS || since > VERTICES_UNTIL_MICROS) return;
    const what = `vertex ${round}/${author} of validator ${node.validator}`;
    this.#sent.push({ epoch: own.header.epoch, key: refKey(own.ref), what });
  }

  healed(at: Micros): void {
    this.#healedAt = at;
    this.#payments = [...this.#simulation.load.pending.keys()];
    for (const machine of this.#simulation.machines) {
      const height = machine?.ledger.height ?? 0n;
      if (height > this.#height) this.#height = height;
    }
  }

  sampled(at: Micros): void {
    if (this.#healedAt === undefined) return;
    const since = at - this.#healedAt;
    for (const [promise, open] of this.#open(since)) {
      if (open === undefined) {
        if (!this.kept.has(promise)) this.kept.set(promise, since);
      } else if (since > LIVENESS_DEADLINE_SECONDS * 1_000_000) {
        throw new Violation(promise, `${open}, ${Math.round(since / 1_000)} ms after the healing`);
      }
    }
  }

  /** True once every promise is kept: the run need not go on. */
  satisfied(): boolean {
    return this.kept.size === 5;
  }

  /** For each promise, what is still missing. */
  #open(since: Micros): [promise: string, missing: string | undefined][] {
    const live = this.#live();
    return [
      ['L1', this.#first(live, (node) => this.#missingCommits(node))],
      ['L2', since < VERTICES_UNTIL_MICROS ? 'too early' : this.#missingVertex()],
      ['L3', this.#missingPayment()],
      ['L4', this.#first(live, (node) => this.#missingBlocks(node))],
      ['L5', this.#first(live, (node) => this.#missingCertificates(node))],
    ];
  }

  #live(): SimNode[] {
    const { machines, plan } = this.#simulation;
    return machines.filter(
      (machine): machine is SimNode =>
        machine !== undefined && !plan.dead.includes(machine.validator),
    );
  }

  #first(nodes: readonly SimNode[], missing: (node: SimNode) => string | undefined) {
    for (const node of nodes) {
      const what = missing(node);
      if (what !== undefined) return `validator ${node.validator} ${what}`;
    }
    return undefined;
  }

  #missingCommits(node: SimNode): string | undefined {
    // Outside of the set a node follows by batches, which L4 looks after.
    if (node.author === null) return undefined;
    const count = this.#commits.get(node) ?? 0;
    return count >= COMMITS ? undefined : `made ${count} commits of ${COMMITS}`;
  }

  #missingVertex(): string | undefined {
    this.#sent = this.#sent.filter(
      ({ epoch, key }) =>
        !this.#agreement.isCommitted(epoch, key) && !this.#agreement.hasEnded(epoch),
    );
    const [first] = this.#sent;
    return first === undefined ? undefined : `${first.what} is not committed`;
  }

  #missingPayment(): string | undefined {
    const { pending } = this.#simulation.load;
    const count = this.#payments.filter((key) => pending.has(key)).length;
    return count === 0 ? undefined : `${count} payments are neither executed nor refused`;
  }

  #missingBlocks(node: SimNode): string | undefined {
    const { height } = node.ledger;
    return height >= this.#height ? undefined : `is at height ${height}, not yet ${this.#height}`;
  }

  #missingCertificates(node: SimNode): string | undefined {
    if (!node.up) return 'is down';
    const ahead = node.ledger.height + 1n - node.ledger.certifiedSize;
    return ahead <= UNCERTIFIED_BLOCKS ? undefined : `is ${ahead} blocks ahead of certificates`;
  }
}
