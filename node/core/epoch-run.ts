/**
 * One epoch of one validator: everything between "a vertex arrived" and "a checkpoint is
 * certified", as one state machine (docs/consensus.md).
 */
import { assert } from 'fanal/primitives/assert.ts';
import { type Bytes32, equalBytes } from 'fanal/primitives/bytes.ts';
import { Admission } from './admission.ts';
import { BlockCutter } from './block-cutter.ts';
import type { Certifier } from './certifier.ts';
import { CommitSyncer } from './commit-syncer.ts';
import { type Committee, createCommittee } from './committee.ts';
import {
  AssumptionBroken,
  type Committer,
  type DecidedSlot,
  MysticetiCommitter,
  markOf,
} from './committer.ts';
import { Dag, type Round } from './dag.ts';
import { compareRefs, type Entry, EntryTable, genesisVertices } from './entry.ts';
import { Execution } from './execution.ts';
import { answerFetch } from './fetch-answer.ts';
import { LeaderSchedule } from './leader-schedule.ts';
import { LeaderVotes } from './leader-votes.ts';
import {
  EMPTY_BEHIND_COMMITS,
  HALVE_BEHIND_COMMITS,
  MAX_DRAINING_ROUNDS,
  MUCH_MISSING,
  PLAN_INTERVAL_MILLIS,
} from './limits.ts';
import { type CommitOutput, Linearizer } from './linearizer.ts';
import type { StepOutput } from './output.ts';
import { OwnReports } from './own-reports.ts';
import { OwnVertices } from './own-vertices.ts';
import { Pacing } from './pacing.ts';
import type { LocalParams } from './params.ts';
import { CarriedTransactions, Proposer } from './proposer.ts';
import { SlotsSeen } from './slots-seen.ts';
import { Synchronizer } from './synchronizer.ts';
import type {
  Alarm,
  CheckpointGuard,
  Commit,
  CoreStatus,
  CryptoPort,
  EpochRecord,
  Event,
  PeerRequest,
  PendingTransaction,
  StoredState,
  TimerId,
  Verified,
  Vertex,
} from './types.ts';
import { encodeVertex, type TaggedHash } from './vertex.ts';
import { VertexManager } from './vertex-manager.ts';

/** What an epoch needs of the core around it. */
export interface RunPorts {
  readonly local: LocalParams;
  readonly crypto: CryptoPort;
  readonly output: StepOutput;
  readonly setTimer: (id: TimerId, at: number | null) => void;
  readonly nextRequestId: () => number;
  readonly wallTime: (now: number) => bigint;
  readonly halt: (reason: Alarm, info: string) => void;
  /** Another commit rule, and a table shared between simulated validators: tests only. */
  readonly makeCommitter?: ((dag: Dag, votes: LeaderVotes) => Committer) | undefined;
  readonly makeTable?: ((committee: Committee, record: EpochRecord) => EntryTable) | undefined;
}

type Phase = 'running' | 'amnesia';

/** Own reports are asked for again after so long. */
const AMNESIA_INTERVAL = 1_000;

export class EpochRun {
  readonly record: EpochRecord;
  readonly committee: Committee;
  readonly self: number | null;
  readonly #ports: RunPorts;
  readonly #output: StepOutput;
  readonly #hash: TaggedHash;
  readonly #table: EntryTable;
  readonly #dag: Dag;
  readonly #schedule: LeaderSchedule;
  readonly #votes: LeaderVotes;
  readonly #committer: Committer;
  readonly #linearizer: Linearizer;
  readonly #manager: VertexManager;
  readonly #pacing: Pacing;
  readonly #proposer: Proposer | null;
  readonly #synchronizer: Synchronizer;
  readonly #syncer: CommitSyncer;
  readonly #cutter: BlockCutter;
  readonly #carried = new CarriedTransactions();
  #phase: Phase;
  /** The guard is of a later epoch: nothing more is signed in this one. */
  readonly #isPassed: boolean;
  #decided: DecidedSlot;
  readonly #execution: Execution;
  #closedAtRound: number | null = null;
  readonly #admission: Admission;
  readonly #seen: SlotsSeen;
  readonly #reports: OwnReports;
  readonly #own: OwnVertices;
  #isRestoring = true;
  #fetchesPlannedAt = Number.NEGATIVE_INFINITY;

  constructor(ports: RunPorts, stored: StoredState, now: number) {
    this.#ports = ports;
    this.#output = ports.output;
    this.record = stored.epoch;
    this.self = stored.author;
    this.#hash = ports.crypto.hash.bind(ports.crypto);
    this.committee = createCommittee(stored.epoch.epoch, stored.epoch.members);
    this.#table =
      ports.makeTable?.(this.committee, this.record) ??
      new EntryTable(this.committee, genesisVertices(this.#hash, this.record));
    this.#table.join(this);
    this.#dag = new Dag(this.committee, this.#table, now);
    this.#schedule = new LeaderSchedule(
      this.#hash,
      this.record.startBlockId,
      this.committee,
      this.record.params,
    );
    this.#votes = new LeaderVotes(this.#dag, (round) => this.#schedule.leadersOf(round));
    this.#committer =
      ports.makeCommitter?.(this.#dag, this.#votes) ??
      new MysticetiCommitter(this.#dag, this.#votes);
    this.#linearizer = new Linearizer(this.#dag, this.#schedule, this.#hash, this.record.epoch, {
      index: 0n,
      digest: this.record.startBlockId,
      time: this.record.startTime,
      leaderRound: 0,
      leader: null,
    });
    this.#manager = new VertexManager(
      this.#dag,
      this.record.params.gcDepth,
      this.#output,
      (entry) => this.#onAccepted(entry),
    );
    this.#pacing = new Pacing(this.#dag, this.#votes, ports.local, this.record.params);
    this.#proposer =
      this.self === null
        ? null
        : new Proposer(this.record, this.#dag, ports.crypto, ports.local, this.self, stored.guard);
    const sync = [this.committee, this.self, ports.local, this.#output] as const;
    this.#synchronizer = new Synchronizer(...sync, ports.nextRequestId, (entry) =>
      this.#manager.waitersOf(entry),
    );
    this.#syncer = new CommitSyncer(...sync, this.#hash, ports.nextRequestId);
    this.#cutter = new BlockCutter(this.record, stored.executed, this.#hash);
    this.#execution = new Execution(
      {
        ...{ record: this.record, committee: this.committee, self: this.self },
        ...{ local: ports.local, crypto: ports.crypto, output: this.#output },
        ...{ nextRequestId: ports.nextRequestId, wallTime: ports.wallTime, halt: ports.halt },
      },
      stored,
    );
    this.#execution.certifier.now = now;
    this.#phase = this.self !== null && stored.guard === null ? 'amnesia' : 'running';
    this.#isPassed = stored.guard !== null && stored.guard.epoch > this.record.epoch;
    this.#decided = { round: 0, place: Number.MAX_SAFE_INTEGER };
    const { size } = this.committee;
    this.#seen = new SlotsSeen(this.record.epoch, size, this.#output);
    this.#reports = new OwnReports(this.committee);
    const common = { self: this.self, dag: this.#dag, output: this.#output };
    this.#own = new OwnVertices({
      ...{ ...common, committee: this.committee, certifier: this.#certifier },
      isAhead: (round) => this.#manager.isAhead(round),
    });
    this.#admission = new Admission(
      {
        ...{ ...common, table: this.#table, manager: this.#manager, seen: this.#seen },
        maxForwardDrift: ports.local.maxForwardDrift,
        wallTime: ports.wallTime,
        setTimer: ports.setTimer,
        mayBeOwn: (entry) => this.#mayBeOwn(entry),
        onAhead: (author, round) => this.#own.leftAhead(author, round),
      },
      size,
    );
    if (stored.executed.next !== null) this.#closedAtRound = 0;
    this.#restore(stored, now);
  }

  /** Gives up what only this epoch holds. */
  leave(): void {
    this.#table.leave(this);
  }

  /** Says whether this validator signs here and knows what it signed: from the start, or by R6. */
  get hasResumed(): boolean {
    return this.self !== null && this.#phase === 'running' && !this.#isPassed;
  }

  get isHandedOver(): boolean {
    return this.#cutter.isClosed;
  }

  get #certifier(): Certifier {
    return this.#execution.certifier;
  }

  get certifiedSize(): bigint {
    return this.#certifier.certifiedSize;
  }

  get checkpointGuard(): CheckpointGuard {
    return this.#certifier.guard;
  }

  // -------------------------------------------------------------------------------------------
  // Start

  /** Rules R1 to R4: from disk to where the last life stopped. */
  #restore({ commits, vertices, executed, guard }: StoredState, now: number): void {
    for (const vertex of vertices) this.#table.link(vertex);
    const bodies = new Set(vertices.map((vertex) => this.#table.intern(vertex.ref)));
    for (const { commit, schedule } of commits) {
      const entries = commit.vertices.map((ref) => this.#table.intern(ref));
      for (const entry of entries) {
        if (entry.round <= this.#dag.gcRound || this.#dag.isAccepted(entry)) continue;
        if (bodies.has(entry)) this.#dag.insert(entry, now);
      }
      if (commit.index <= executed.commitIndex) {
        this.#linearizer.restore(commit);
        this.#schedule.restore(schedule);
      } else {
        assert(
          entries.every((entry) => bodies.has(entry)),
          `commit ${commit.index} is stored without all its vertices`,
        );
        const output = this.#linearizer.install(commit, entries);
        this.#schedule.restore(schedule);
        this.#cut(output);
      }
      this.#decide(commit.leader.round, commit.leader.author);
      this.#collectTo(commit.leader.round, now);
    }
    this.#votes.floor = this.#nextRound();
    const rest = [...bodies].sort((a, b) => compareRefs(a.ref, b.ref));
    for (const entry of rest) {
      if (entry.round <= this.#dag.gcRound || this.#dag.isAccepted(entry)) continue;
      this.#seen.remember(entry);
      this.#manager.add(entry.vertex as Vertex, now);
    }
    for (const entry of rest) {
      const vertex = entry.vertex as Vertex;
      this.#syncer.noteVote(entry.author, vertex.header.commitVote);
      if (!this.#dag.isAccepted(entry)) continue;
      this.#seen.remember(entry);
      if (entry.author === this.self) this.#proposer?.noteOwn(entry);
      if (!this.#dag.isCommitted(entry)) this.#carried.add(vertex.transactionIds);
    }
    if (guard !== null && this.#proposer !== null && guard.epoch === this.record.epoch) {
      assert(
        this.#proposer.previous.round <= guard.round || guard.round === 0,
        'an own vertex is stored above the guard',
      );
    }
    this.#votes.rebuild(this.#nextRound());
    this.#isRestoring = false;
  }

  /** After boot: says where we are, and goes on. */
  begin(now: number): void {
    this.#certifier.now = now;
    // What happened just before the restart is not known: keep the pause between two vertices.
    if (this.#proposer !== null) this.#proposer.lastProposal = now;
    if (this.#phase === 'amnesia') this.#askOwn(now);
    this.#execution.begin(now);
    this.#own.resend('all', 0);
    this.#execution.handOut();
    this.#ports.setTimer('certify', now + this.#ports.local.cosignatureInterval);
    this.settle(now);
  }

  // -------------------------------------------------------------------------------------------
  // Events

  handle(event: Event, now: number): void {
    this.#certifier.now = now;
    switch (event.kind) {
      case 'vertices':
        this.#onVertices(event.vertices, event.requestId, now);
        return;
      case 'fetchFailed':
        this.#synchronizer.finished(event.requestId);
        this.#syncer.failed(event.requestId, now);
        return;
      case 'commits':
        this.#onCommits(event, now);
        return;
      case 'payload':
        this.#onPayload(event.round, event.transactions, now);
        return;
      case 'peer':
        this.#onPeer(event.peer, event.up, now);
        return;
      case 'ownReport':
        this.#onOwnReport(event.from, event.vertex, now);
        return;
      case 'askOwn':
        if (this.#phase !== 'amnesia') this.#own.report(event.from, now);
        return;
      case 'subscribe':
        this.#own.subscribed(event.from, event.round, now);
        return;
      case 'request':
        this.#onRequest(event.requestId, event.from, event.request);
        return;
      case 'cosignature':
        if (event.from >= 0 && event.from < this.committee.size) {
          this.#certifier.onCosignature(event.from, event.cosignature);
        }
        return;
      case 'cosignaturesVerified':
        this.#certifier.onVerified(event.size, event.root, event.good, event.bad);
        return;
      case 'certified':
        this.#certifier.onCertified(event.checkpoint);
        return;
      case 'executed':
        this.#execution.executed(event, now);
        return;
      case 'boot':
      case 'clock':
      case 'timer':
        return;
    }
  }

  onTimer(id: TimerId, now: number): void {
    this.#certifier.now = now;
    switch (id) {
      case 'propose':
      case 'sync':
        return;
      case 'held':
        this.#admission.releaseHeld(now);
        return;
      case 'certify':
        this.#certifier.resend();
        this.#certifier.report(now);
        this.#execution.askCheckpoint(now);
        this.#own.resendDue(now);
        this.#own.askAnew();
        this.#ports.setTimer('certify', now + this.#ports.local.cosignatureInterval);
        return;
      case 'amnesia':
        if (this.#phase === 'amnesia') this.#askOwn(now);
        return;
    }
  }

  /** At the end of every step: decides, proposes, and asks for what is missing, until all is still. */
  settle(now: number): void {
    this.#tryCommit(now);
    while (this.#tryPropose(now)) this.#tryCommit(now);
    const again = [
      this.#planFetches(now),
      this.#syncer.plan(this.#linearizer.tip.index, this.#own.isLeftBehind, now),
    ].filter((at) => at !== null);
    this.#ports.setTimer('sync', again.length === 0 ? null : Math.min(...again));
  }

  /** Where much is missing, planning costs more than the vertex that was the reason for it. */
  #planFetches(now: number): number | null {
    const isMuch = this.#manager.missingCount > MUCH_MISSING;
    if (isMuch && now < this.#fetchesPlannedAt + PLAN_INTERVAL_MILLIS) {
      return this.#fetchesPlannedAt + PLAN_INTERVAL_MILLIS;
    }
    this.#fetchesPlannedAt = now;
    return this.#synchronizer.plan(this.#manager.missing(), now);
  }

  // -------------------------------------------------------------------------------------------
  // Vertices

  #onVertices(vertices: readonly Verified<Vertex>[], requestId: number | null, now: number): void {
    for (const vertex of vertices) this.#take(vertex, now);
    if (requestId !== null) this.#synchronizer.finished(requestId);
  }

  #take(vertex: Vertex, now: number): void {
    if (vertex.ref.round <= this.#dag.gcRound) return;
    this.#syncer.noteVote(vertex.ref.author, vertex.header.commitVote);
    this.#admission.take(vertex, now);
  }

  /** Whether an own vertex may be one of those that the disk has lost (rule R6). */
  #mayBeForgotten({ round }: Entry): boolean {
    return this.#phase === 'amnesia' || round < (this.#proposer as Proposer).resumeFrom;
  }

  /** Rule R5: an own vertex that we do not know means that our key signs elsewhere, or amnesia. */
  #mayBeOwn(entry: Entry): boolean {
    if (this.#mayBeForgotten(entry)) return true;
    const proposer = this.#proposer as Proposer;
    const known = this.#seen.first(entry);
    // A vertex of ours from before a restart that was written and collected is no news.
    if (known === undefined && entry.round <= proposer.previous.round) {
      if (entry.round === proposer.previous.round) {
        return equalBytes(entry.ref.digest, proposer.previous.digest);
      }
      return true;
    }
    const proof = [entry, known].flatMap((each) =>
      each?.vertex ? [encodeVertex(each.vertex)] : [],
    );
    const info = `a second own vertex in round ${entry.round}`;
    this.#output.run({ kind: 'alarm', alarm: 'selfEquivocation', info, proof });
    this.#ports.halt('selfEquivocation', info);
    return false;
  }

  #onAccepted(entry: Entry): void {
    if (this.#isRestoring) return;
    const vertex = entry.vertex as Vertex;
    this.#output.mark('vertexAccepted');
    if (entry.author !== this.self || this.#proposer?.previous.round !== entry.round) {
      this.#output.writeLazily({ kind: 'vertex', vertex });
    }
    this.#seen.remember(entry);
    this.#votes.onAccepted(entry);
    this.#carried.add(vertex.transactionIds);
    if (entry.author === this.self) {
      // The next one builds on it, as it would after a restart.
      if (this.#mayBeForgotten(entry)) this.#proposer?.noteOwn(entry);
    } else if (vertex.header.cosignature !== null) {
      this.#certifier.onCosignature(entry.author, vertex.header.cosignature);
    }
    this.#reports.accepted(entry);
  }

  // -------------------------------------------------------------------------------------------
  // Commits

  #tryCommit(now: number): void {
    while (this.#votes.changed && !this.#cutter.isClosed) {
      this.#votes.changed = false;
      try {
        const swapped = this.#commitDecided(now);
        if (swapped) this.#votes.rebuild(this.#nextRound());
      } catch (error) {
        if (!(error instanceof AssumptionBroken)) throw error;
        const proof = error.leaders.flatMap(({ vertex }) =>
          vertex === null ? [] : [encodeVertex(vertex)],
        );
        this.#output.run({ kind: 'alarm', alarm: 'assumptionBroken', info: error.message, proof });
        this.#ports.halt('assumptionBroken', error.message);
        return;
      }
    }
  }

  /** Commits what is decided, up to a change of schedule. Says whether there was one. */
  #commitDecided(now: number): boolean {
    for (const status of this.#committer.tryDecide(this.#decided)) {
      const mark = markOf(status);
      if (mark !== null) this.#output.mark(mark);
      this.#decide(status.round, status.author);
      if (status.kind !== 'commit') continue;
      if (this.#dag.verticesOf(status.round, status.author).length > 1) {
        this.#output.mark('equivocatingLeaderCertified');
      }
      const { commit, entries } = this.#linearizer.linearize(status.leader);
      const output = this.#install(commit, entries, now);
      if (this.#cutter.isClosed) return false;
      if (output.swapped) return true;
    }
    this.#votes.raiseFloor(this.#nextRound());
    return false;
  }

  #install(commit: Commit, entries: readonly Entry[], now: number): CommitOutput {
    const output = this.#linearizer.install(commit, entries);
    this.#output.write({ kind: 'commit', commit, schedule: output.schedule });
    if (output.equivocations.length > 0) this.#output.mark('equivocationCommitted');
    if (output.swapped) this.#output.mark('scheduleSwap');
    const own: Bytes32[] = [];
    for (const entry of entries) {
      const { transactionIds } = entry.vertex as Vertex;
      this.#carried.remove(transactionIds);
      if (entry.author === this.self) own.push(...transactionIds);
    }
    if (own.length > 0) {
      this.#output.run({ kind: 'transactionStatus', ids: own, status: 'committed' });
    }
    this.#cut(output);
    this.#collectTo(commit.leader.round, now);
    this.#execution.handOut();
    return output;
  }

  #decide(round: number, author: number): void {
    this.#decided = { round, place: Math.max(0, this.#schedule.leadersOf(round).indexOf(author)) };
  }

  /** The first round with a slot that is not decided. */
  #nextRound(): number {
    const { round, place } = this.#decided;
    return place + 1 < this.#schedule.leadersOf(round).length ? round : round + 1;
  }

  #cut(output: CommitOutput): void {
    // Without a journal commits are made anew from the first: what the ledger has is in blocks.
    if (output.commit.index <= this.#execution.commit) return;
    const block = this.#cutter.add(output);
    if (block === null) return;
    this.#execution.add(block);
    if (block.lastOfEpoch) {
      this.#closedAtRound = this.#proposer?.previous.round ?? 0;
      this.#output.mark('epochCutInFlight', this.#manager.suspendedCount > 0 ? 1 : 0);
    }
  }

  /** Rule G1: the horizon follows the committed leader, and nothing else. */
  #collectTo(leaderRound: number, now: number): void {
    const horizon = Math.max(0, leaderRound - this.record.params.gcDepth);
    if (horizon <= this.#dag.gcRound) return;
    const gone = this.#dag.collect(horizon);
    this.#requeue(gone);
    this.#seen.collect(horizon);
    this.#admission.collect(horizon);
    this.#linearizer.collect(horizon);
    this.#manager.collect(horizon, now);
    this.#table.collect(this, horizon);
    if (this.#isRestoring) return;
    const { index } = this.#linearizer.tip;
    const kept = this.#execution.horizon.moved(index, horizon);
    this.#output.writeLazily({ kind: 'gc', epoch: this.record.epoch, ...kept });
  }

  /** Rule G3: transactions of own vertices that nobody committed may be proposed again. */
  #requeue(gone: readonly Round[]): void {
    const ids: Bytes32[] = [];
    for (const round of gone) {
      for (let author = 0; author < this.committee.size; author++) {
        const entry = round.first[author];
        if (entry === undefined || entry.vertex === null || round.number === 0) continue;
        const isCommitted =
          entry.variant === 0
            ? (((round.committed[author >>> 5] as number) >>> (author & 31)) & 1) === 1
            : (round.oddCommitted?.has(entry) ?? false);
        if (isCommitted) continue;
        this.#output.mark('vertexCollected');
        this.#carried.remove(entry.vertex.transactionIds);
        if (author !== this.self) continue;
        this.#output.mark('ownVertexCollected');
        ids.push(...entry.vertex.transactionIds);
      }
    }
    if (ids.length > 0) this.#output.run({ kind: 'transactionStatus', ids, status: 'requeue' });
  }

  /** Rule Y4: a commit's vertices are accepted, then it is installed, then the horizon moves. */
  #onCommits(event: Extract<Event, { kind: 'commits' }>, now: number): void {
    if (!this.#syncer.isWaitingFor(event.requestId)) return;
    const proved = this.#syncer.accept(
      event.requestId,
      this.#linearizer.lastCommit,
      event.commits,
      event.vertices,
      event.voters,
      now,
    );
    if (proved === null) return;
    for (const commit of proved.commits) {
      if (this.#cutter.isClosed) return;
      this.#output.mark('commitSync');
      const entries = commit.vertices.map((ref) =>
        this.#table.link(proved.vertexOf(ref.digest) as Vertex),
      );
      for (const entry of entries) {
        if (this.#dag.isAccepted(entry)) continue;
        this.#admission.drop(entry);
        this.#seen.remember(entry);
        const admission = this.#manager.add(entry.vertex as Vertex, now);
        if (admission !== 'accepted' && !this.#dag.isAccepted(entry)) {
          this.#syncer.failed(event.requestId, now);
          return;
        }
      }
      const leader = this.#table.intern(commit.leader);
      this.#decide(leader.round, leader.author);
      const output = this.#install(commit, entries, now);
      if (output.swapped) this.#votes.rebuild(this.#nextRound());
      else this.#votes.raiseFloor(this.#nextRound());
    }
    this.#votes.changed = true;
  }

  // -------------------------------------------------------------------------------------------
  // Proposing

  #tryPropose(now: number): boolean {
    const proposer = this.#proposer;
    if (proposer === null || this.#phase !== 'running' || this.#isPassed) return false;
    if (proposer.pulling !== null) return false;
    const target = proposer.target();
    if (this.#isDrained(target)) return false;
    const { leaderRound } = this.#linearizer.tip;
    const ready = this.#pacing.ready(target, proposer.lastProposal, leaderRound, now);
    if (ready.kind !== 'now') {
      this.#ports.setTimer('propose', ready.kind === 'at' ? ready.at : null);
      return false;
    }
    this.#ports.setTimer('propose', null);
    if (ready.reason !== 'ready') this.#output.mark(ready.reason);
    const size = this.#payloadLimits(target, ready.reason === 'catchUp');
    if (size === null) {
      this.#propose(target, [], now);
      return true;
    }
    proposer.pulling = target;
    this.#output.run({ kind: 'pullPayload', round: target, ...size });
    return false;
  }

  #isDrained(target: number): boolean {
    return this.#closedAtRound !== null && target > this.#closedAtRound + MAX_DRAINING_ROUNDS;
  }

  /** Rules P5 and T3: what the payload may be, or null for none. */
  #payloadLimits(
    target: number,
    isCatchUp: boolean,
  ): { readonly maxBytes: number; readonly maxTransactions: number } | null {
    const { maxVertexBytes, maxVertexTransactions } = this.record.params;
    if (isCatchUp || this.#cutter.isClosed || this.#execution.divergence !== null) return null;
    if (this.#pacing.isLagging(target, this.#linearizer.tip.leaderRound)) return null;
    const behind = Number(this.#linearizer.tip.index - this.#execution.commit);
    if (behind > EMPTY_BEHIND_COMMITS) {
      this.#output.mark('payloadEmptied');
      return null;
    }
    const halves = behind > HALVE_BEHIND_COMMITS ? 2 : 1;
    if (halves > 1) this.#output.mark('payloadHalved');
    return {
      maxBytes: Math.floor((maxVertexBytes - 2) / halves),
      maxTransactions: Math.max(1, Math.floor(maxVertexTransactions / halves)),
    };
  }

  #onPayload(round: number, transactions: readonly PendingTransaction[], now: number): void {
    const proposer = this.#proposer;
    if (proposer === null || proposer.pulling !== round) return;
    proposer.pulling = null;
    // The DAG may have moved on meanwhile, past a collected round.
    if (proposer.target() !== round || this.#phase !== 'running' || this.#cutter.isClosed) {
      const ids = transactions.map(({ id }) => id);
      if (ids.length > 0) this.#output.run({ kind: 'transactionStatus', ids, status: 'requeue' });
      return;
    }
    const fresh = transactions.filter(({ id }) => !this.#carried.has(id));
    this.#propose(round, fresh, now);
  }

  #propose(round: number, transactions: readonly PendingTransaction[], now: number): void {
    const proposer = this.#proposer as Proposer;
    if (round > proposer.previous.round + 1) {
      this.#output.mark(proposer.resumeFrom > 0 ? 'amnesiaResume' : 'safeResume');
    }
    const { index } = this.#linearizer.tip;
    const newest = this.#certifier.newest;
    const vertex = proposer.build(round, this.#ports.wallTime(now), transactions, {
      commitVote: index === 0n ? null : this.#linearizer.lastCommit,
      cosignature: newest !== null && newest.size > this.#certifier.certifiedSize ? newest : null,
      misbehaviour: this.#seen.takeMisbehaviour(),
    });
    proposer.lastProposal = now;
    this.#output.write({ kind: 'vertex', vertex });
    this.#output.write({
      kind: 'guard',
      guard: { epoch: this.record.epoch, round, digest: vertex.ref.digest },
    });
    const entry = this.#table.link(vertex);
    proposer.noteOwn(entry);
    this.#seen.remember(entry);
    const admission = this.#manager.add(vertex, now);
    assert(admission === 'accepted', `the own vertex of round ${round} is ${admission}`);
    this.#send(vertex);
    const ids = vertex.transactionIds;
    if (ids.length > 0) this.#output.run({ kind: 'transactionStatus', ids, status: 'proposed' });
  }

  #send(vertex: Vertex): void {
    const { epoch } = this.record;
    this.#output.runAfterSync({
      kind: 'send',
      to: 'all',
      message: { kind: 'vertices', epoch, vertices: [vertex] },
      queue: 'vertex',
    });
    for (let peer = 0; peer < this.committee.size; peer++) {
      const vertices = (this.#proposer as Proposer).pushFor(peer, vertex.ref.round);
      if (vertices.length === 0) continue;
      this.#output.mark('ancestorPush');
      this.#output.runAfterSync({
        kind: 'send',
        to: peer,
        message: { kind: 'vertices', epoch, vertices },
        queue: 'sync',
      });
    }
  }

  // -------------------------------------------------------------------------------------------
  // Peers

  #onPeer(peer: number, up: boolean, now: number): void {
    this.#synchronizer.setUp(peer, up, now);
    this.#pacing.setUp(peer, up);
    if (up && peer !== this.self) this.#own.subscribe(peer);
  }

  #onRequest(requestId: number, from: number | null, request: PeerRequest): void {
    const vertices =
      request.kind === 'vertices' ? answerFetch(this.#dag, from, request.refs) : null;
    if (vertices !== null) {
      this.#output.runAfterSync({
        kind: 'respond',
        requestId,
        response: { kind: 'vertices', epoch: this.record.epoch, vertices },
      });
      return;
    }
    this.#output.runAfterSync({ kind: 'serve', requestId, request });
  }

  // -------------------------------------------------------------------------------------------
  // Amnesia

  #askOwn(now: number): void {
    this.#output.run({
      kind: 'send',
      to: 'all',
      message: { kind: 'askOwn', epoch: this.record.epoch },
      queue: 'sync',
    });
    this.#ports.setTimer('amnesia', now + AMNESIA_INTERVAL);
  }

  /** Rule R6: a report counts once its vertex is accepted, so a liar cannot push us forward. */
  #onOwnReport(from: number, vertex: Verified<Vertex> | null, now: number): void {
    if (this.#phase !== 'amnesia' || from === this.self) return;
    if (vertex === null) this.#reports.nothing(from);
    else if (vertex.ref.author === from) {
      if (vertex.ref.round <= this.#dag.gcRound) this.#reports.reported(from, vertex.ref.round);
      else {
        this.#take(vertex, now);
        const entry = this.#table.find(vertex.ref);
        if (entry === undefined) return;
        if (this.#dag.isAccepted(entry)) this.#reports.reported(from, entry.round);
        else this.#reports.waitFor(from, entry);
      }
    }
    const highest = this.#reports.highest();
    if (highest === null) return;
    const proposer = this.#proposer as Proposer;
    const own = this.#dag.newestRounds[this.self as number] as number;
    proposer.resumeFrom = Math.max(highest, own) + 2;
    this.#phase = 'running';
    this.#ports.setTimer('amnesia', null);
  }

  // -------------------------------------------------------------------------------------------
  // A look inside

  status(): Omit<CoreStatus, 'phase'> & { readonly phase: Phase | 'draining' } {
    return {
      epoch: this.record.epoch,
      author: this.self,
      phase: this.#cutter.isClosed ? 'draining' : this.#phase,
      round: this.#proposer?.previous.round ?? 0,
      clockRound: this.#dag.quorumRound + 1,
      gcRound: this.#dag.gcRound,
      commit: this.#linearizer.lastCommit,
      leaderRound: this.#linearizer.tip.leaderRound,
      executedHeight: this.#execution.height,
      certifiedSize: this.#certifier.certifiedSize,
      suspended: this.#manager.suspendedCount,
      missing: this.#manager.missingCount,
      held: this.#admission.heldCount,
      fetching: this.#synchronizer.fetching + this.#syncer.fetching,
      pendingBlocks: this.#execution.waiting,
      pendingCosignatures: this.#certifier.openCount,
      divergence: this.#execution.divergence,
    };
  }

  /** Words that are equal in two runs with the same history. */
  digestInto(add: (bytes: Uint8Array) => void): void {
    add(this.#linearizer.tip.digest);
    for (const number of this.#dag.roundNumbers()) {
      add(Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number));
      // Which vertex of a slot came first is this validator's own affair, so they go in by name.
      const refs = this.#dag.verticesIn(number).map((entry) => entry.ref);
      for (const { digest } of refs.sort(compareRefs)) add(digest.subarray(0, 8));
    }
  }
}
