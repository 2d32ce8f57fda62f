/**
 * The consensus core: events in, writes and effects out (docs/consensus.md §2).
 *
 * It knows which epoch it is in, turns to the next one when the last header of this one is
 * certified, and hands everything else to the epoch's run.
 */
import { assert } from 'fanal/primitives/assert.ts';
import { type Bytes32, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { Writer } from 'fanal/primitives/codec.ts';
import type { Committee } from './committee.ts';
import type { Committer } from './committer.ts';
import type { Dag } from './dag.ts';
import type { EntryTable } from './entry.ts';
import { EpochRun } from './epoch-run.ts';
import type { LeaderVotes } from './leader-votes.ts';
import { StepOutput } from './output.ts';
import { checkConsensusParams, type LocalParams } from './params.ts';
import type {
  Alarm,
  CommitRef,
  Core,
  CoreStatus,
  CryptoPort,
  EpochRecord,
  Event,
  ExecutedTip,
  Millis,
  NextEpoch,
  StepResult,
  StoredState,
  TimerId,
} from './types.ts';

/** Seams for tests: another commit rule beside ours, one entry table for many simulated cores. */
export interface CoreSeams {
  readonly makeCommitter?: (dag: Dag, votes: LeaderVotes) => Committer;
  readonly makeTable?: (committee: Committee, record: EpochRecord) => EntryTable;
}

/** Makes a core. Its first event is `boot`. */
export function createCore(local: LocalParams, crypto: CryptoPort, seams: CoreSeams = {}): Core {
  return new ConsensusCore(local, crypto, seams);
}

const NO_COMMIT: CommitRef = { epoch: 0, index: 0n, digest: ZERO_32 };

interface Timer {
  generation: number;
  at: number | null;
}

class ConsensusCore implements Core {
  readonly #local: LocalParams;
  readonly #crypto: CryptoPort;
  readonly #seams: CoreSeams;
  readonly #output = new StepOutput();
  readonly #timers = new Map<TimerId, Timer>();
  #run: EpochRun | null = null;
  #next: NextEpoch | null = null;
  /** The last header of this epoch: the next one starts when it is certified. */
  #lastSize: bigint | null = null;
  #lastRoot: Bytes32 = ZERO_32;
  #lastTime = 0n;
  #wallOffset = 0;
  #requestId = 0;
  #halted: Alarm | null = null;
  /**
   * What was signed last is not known: in no epoch up to this one may round 1 be taken for free.
   * Zero when it is known.
   */
  #doubtUntil = 0;
  /** The last epoch in which something is known to be signed. */
  #guardEpoch = 0;
  #lastNow = Number.NEGATIVE_INFINITY;

  constructor(local: LocalParams, crypto: CryptoPort, seams: CoreSeams) {
    this.#local = local;
    this.#crypto = crypto;
    this.#seams = seams;
  }

  step(now: Millis, event: Event): StepResult {
    assert(now >= this.#lastNow, `the clock ran back from ${this.#lastNow} to ${now}`);
    this.#lastNow = now;
    if (this.#halted !== null) return this.#output.take();
    if (event.kind === 'boot') this.#boot(event, now);
    else this.#handle(event, now);
    return this.#output.take();
  }

  stateHash(): Bytes32 {
    const writer = new Writer();
    const status = this.status();
    writer.u32(status.epoch).u32(status.round).u32(status.gcRound).u64(status.executedHeight);
    this.#run?.digestInto((bytes) => writer.bytes(bytes, bytes.length));
    return this.#crypto.hash('fanal/consensus-snapshot/v1', writer.finish());
  }

  status(): CoreStatus {
    const run = this.#run;
    if (run === null) return BOOTING;
    const status = run.status();
    return this.#halted === null ? status : { ...status, phase: 'halted' };
  }

  #boot(event: Extract<Event, { kind: 'boot' }>, now: number): void {
    assert(this.#run === null, 'a core boots once');
    this.#wallOffset = event.wallOffset;
    const { guard } = event.stored;
    this.#doubtUntil = guard === null ? Number.MAX_SAFE_INTEGER : 0;
    this.#guardEpoch = guard?.epoch ?? 0;
    this.#begin(event.stored, now);
  }

  #begin(given: StoredState, now: number): void {
    checkConsensusParams(given.epoch.params);
    const stored = { ...given, executed: withinEpoch(given) };
    const run = new EpochRun(
      {
        local: this.#local,
        crypto: this.#crypto,
        output: this.#output,
        setTimer: (id, at) => this.#setTimer(id, at),
        nextRequestId: () => ++this.#requestId,
        wallTime: (at) => BigInt(Math.max(0, Math.floor(at + this.#wallOffset))),
        halt: (reason, info) => this.#halt(reason, info),
        makeCommitter: this.#seams.makeCommitter,
        makeTable: this.#seams.makeTable,
      },
      stored,
      now,
    );
    this.#run = run;
    if (stored.executed.next !== null) {
      this.#next = stored.executed.next;
      this.#lastSize = stored.executed.height + 1n;
      this.#lastRoot = stored.executed.root;
      this.#lastTime = stored.executed.time;
    }
    run.begin(now);
  }

  #handle(event: Event, now: number): void {
    const run = this.#run;
    assert(run !== null, 'the first event is boot');
    switch (event.kind) {
      case 'clock':
        this.#wallOffset = event.wallOffset;
        break;
      case 'timer':
        if (!this.#fires(event.id, event.generation)) return;
        run.onTimer(event.id, now);
        break;
      case 'executed':
        if (event.next !== null) {
          this.#next = event.next;
          this.#lastSize = event.height + 1n;
          this.#lastRoot = event.root;
          this.#lastTime = event.header.time;
        }
        run.handle(event, now);
        break;
      case 'certified':
        if (event.checkpoint.epoch === run.record.epoch) run.handle(event, now);
        break;
      case 'payload':
        run.handle(event, now);
        break;
      default:
        if (!('epoch' in event) || event.epoch !== run.record.epoch) return;
        run.handle(event, now);
        break;
    }
    if (this.#halted !== null) return;
    this.#turnEpoch(now);
    this.#run?.settle(now);
  }

  /**
   * Rule E2: the next epoch starts once the last header of this one is certified. Whoever may have
   * signed in it already, in a life before this one, enters it as after amnesia (rule R6). Whoever
   * has resumed in an epoch is in doubt about the next one at most: a quorum was still in this one.
   */
  #turnEpoch(now: number): void {
    const run = this.#run as EpochRun;
    const next = this.#next;
    const lastSize = this.#lastSize;
    if (next === null || lastSize === null || run.certifiedSize < lastSize) return;
    this.#next = null;
    this.#lastSize = null;
    for (const id of this.#timers.keys()) this.#setTimer(id, null);
    if (run.hasResumed) this.#doubtUntil = Math.min(this.#doubtUntil, run.record.epoch + 1);
    run.leave();
    const { record, author } = next;
    this.#output.write({ kind: 'epoch', record });
    this.#output.mark('epochStart');
    this.#output.runAfterSync({ kind: 'epochStart', record, author });
    this.#begin(
      {
        epoch: record,
        author,
        guard:
          this.#doubtUntil >= record.epoch || this.#guardEpoch >= record.epoch
            ? null
            : { epoch: record.epoch, round: 0, digest: ZERO_32 },
        checkpointGuard: run.checkpointGuard,
        commits: [],
        vertices: [],
        executed: {
          height: lastSize - 1n,
          time: this.#lastTime,
          commitIndex: 0n,
          root: this.#lastRoot,
          next: null,
        },
        certifiedSize: run.certifiedSize,
        divergence: null,
      },
      now,
    );
  }

  #halt(reason: Alarm, info: string): void {
    if (this.#halted !== null) return;
    this.#halted = reason;
    this.#output.run({ kind: 'halt', reason, info });
  }

  /** Timers follow from state: setting one to where it stands changes nothing. */
  #setTimer(id: TimerId, at: number | null): void {
    let timer = this.#timers.get(id);
    if (timer === undefined) {
      timer = { generation: 0, at: null };
      this.#timers.set(id, timer);
    }
    if (timer.at === at) return;
    timer.at = at;
    timer.generation += 1;
    if (at === null) this.#output.run({ kind: 'cancel', id });
    else this.#output.run({ kind: 'timer', id, generation: timer.generation, at });
  }

  #fires(id: TimerId, generation: number): boolean {
    const timer = this.#timers.get(id);
    if (timer === undefined || timer.at === null || timer.generation !== generation) return false;
    timer.at = null;
    return true;
  }
}

/** The executed tip as this epoch sees it: at its start, commits of the one before are not its own. */
function withinEpoch({ epoch, executed }: StoredState): ExecutedTip {
  if (executed.height > epoch.startHeight) return executed;
  return { ...executed, commitIndex: 0n, next: null };
}

const BOOTING: CoreStatus = {
  epoch: 0,
  author: null,
  phase: 'booting',
  round: 0,
  clockRound: 0,
  gcRound: 0,
  commit: NO_COMMIT,
  leaderRound: 0,
  executedHeight: 0n,
  certifiedSize: 0n,
  suspended: 0,
  missing: 0,
  held: 0,
  fetching: 0,
  pendingBlocks: 0,
  pendingCosignatures: 0,
  divergence: null,
};
