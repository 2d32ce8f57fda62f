/**
 * S1, S7, S8, S9: all honest validators order, cut and execute the same.
 *
 * The first to commit or execute something says what it is; everyone else, and everyone again
 * after a restart, must come to the very same.
 */
import { headerCodec } from 'fanal/chain/header.ts';
import { type Bytes, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { createCommittee } from 'fanal-node/core/committee.ts';
import { LeaderSchedule } from 'fanal-node/core/leader-schedule.ts';
import type {
  BlockInput,
  Commit,
  EpochRecord,
  Event,
  ScheduleState,
  StepResult,
} from 'fanal-node/core/types.ts';
import type { TaggedHash } from 'fanal-node/core/vertex.ts';
import { refKey } from '../disk.ts';
import { bytesKey, type ExecutedBlock } from '../ledger.ts';
import type { SimNode } from '../node.ts';
import { type Observer, Violation } from '../observer.ts';
import type { ClockBounds } from './clock-bounds.ts';

interface KnownCommit {
  readonly commit: Commit;
  readonly schedule: string;
  /** Vertices that count, by author. */
  readonly counted: readonly number[];
}

/** The one order of an epoch, as far as anybody has it. */
interface EpochOrder {
  readonly commits: KnownCommit[];
  readonly committed: Set<string>;
  readonly slots: Set<string>;
  readonly leaders: LeaderSchedule;
}

export class AgreementChecker implements Observer {
  readonly #hash: TaggedHash;
  readonly #clocks: ClockBounds;
  readonly #epochs = new Map<number, EpochOrder>();
  readonly #headers = new Map<bigint, Bytes>();
  readonly #blocks = new Map<bigint, string>();
  readonly #commitByHeight = new Map<bigint, { readonly epoch: number; readonly index: bigint }>();

  constructor(hash: TaggedHash, clocks: ClockBounds) {
    this.#hash = hash;
    this.#clocks = clocks;
  }

  /** Says whether a vertex is committed by anybody honest. */
  isCommitted(epoch: number, key: string): boolean {
    return this.#epochs.get(epoch)?.committed.has(key) ?? false;
  }

  /** Says whether a later epoch has begun to commit. */
  hasEnded(epoch: number): boolean {
    return this.#epochs.has(epoch + 1);
  }

  /** Commits of an epoch, by anybody honest. */
  commits(epoch: number): readonly Commit[] {
    return (this.#epochs.get(epoch)?.commits ?? []).map(({ commit }) => commit);
  }

  /** A commit of an epoch, the first having index 1; undefined when nobody made it yet. */
  commit(epoch: number, index: bigint): Commit | undefined {
    return this.#epochs.get(epoch)?.commits[Number(index) - 1]?.commit;
  }

  /** All commits of all epochs. */
  count(): number {
    let count = 0;
    for (const { commits } of this.#epochs.values()) count += commits.length;
    return count;
  }

  stepped(node: SimNode, _event: Event, { writes }: StepResult): void {
    for (const write of writes) {
      if (write.kind === 'commit') this.#commit(node, write.commit, write.schedule);
    }
  }

  executed(node: SimNode, { header, input }: ExecutedBlock): void {
    if (node.ledger.wrong) return;
    const bytes = headerCodec.encode(header);
    const known = this.#headers.get(header.height);
    const cut = [...input.transactions.map(bytesKey), input.rewards.join()].join('|');
    if (known === undefined) {
      this.#checkRewards(input);
      this.#headers.set(header.height, bytes);
      this.#blocks.set(header.height, cut);
      return;
    }
    if (!equalBytes(known, bytes) || this.#blocks.get(header.height) !== cut) {
      const first = headerCodec.decode(known);
      throw new Violation(
        'S9',
        `validator ${node.validator} made another block ${header.height}: ${differences(first, header)}`,
      );
    }
  }

  /** A block pays for every vertex of its commits that counts, and for no other. */
  #checkRewards({ epoch, height, commitIndex, rewards }: BlockInput): void {
    const commits = this.#epochs.get(epoch)?.commits ?? [];
    const before = this.#commitByHeight.get(height - 1n);
    const from = before?.epoch === epoch ? Number(before.index) : 0;
    this.#commitByHeight.set(height, { epoch, index: commitIndex });
    const expected = rewards.map((_, author) =>
      commits
        .slice(from, Number(commitIndex))
        .reduce((sum, { counted }) => sum + (counted[author] as number), 0),
    );
    if (expected.join() !== rewards.join()) {
      throw new Violation(
        'S7',
        `block ${height} pays for ${rewards}, its commits have ${expected}`,
      );
    }
  }

  #commit(node: SimNode, commit: Commit, schedule: ScheduleState): void {
    const order = this.#order(node.record, commit.epoch);
    const at = Number(commit.index) - 1;
    const known = order.commits[at];
    const state = JSON.stringify(schedule);
    if (known !== undefined) {
      if (!equalBytes(known.commit.digest, commit.digest)) {
        throw new Violation(
          'S1',
          `validator ${node.validator} has another commit ${commit.index} of epoch ${commit.epoch}: ` +
            `leader ${describe(commit)}, others have ${describe(known.commit)}`,
        );
      }
      if (known.schedule !== state) {
        throw new Violation(
          'S9',
          `validator ${node.validator} has another schedule after commit ${commit.index}`,
        );
      }
      return;
    }
    if (at !== order.commits.length) {
      throw new Violation(
        'S1',
        `validator ${node.validator} made commit ${commit.index}, the newest is ${order.commits.length}`,
      );
    }
    this.#first(node, order, commit, state, schedule);
  }

  /** The first time that a commit is seen. */
  #first(
    node: SimNode,
    order: EpochOrder,
    commit: Commit,
    state: string,
    schedule: ScheduleState,
  ): void {
    const last = order.commits.at(-1)?.commit;
    const gcRound = Math.max(0, (last?.leader.round ?? 0) - node.record.params.gcDepth);
    const counted = node.record.members.map(() => 0);
    for (const ref of commit.vertices) {
      const key = refKey(ref);
      const slot = `${ref.round}/${ref.author}`;
      if (order.committed.has(key)) {
        throw new Violation('S7', `commit ${commit.index} emits ${slot} a second time`);
      }
      if (ref.round <= gcRound) {
        throw new Violation('S7', `commit ${commit.index} emits ${slot}, collected at ${gcRound}`);
      }
      order.committed.add(key);
      // A second vertex of a slot is walked through and reported, but counts for nothing.
      if (!order.slots.has(slot)) counted[ref.author] = (counted[ref.author] as number) + 1;
      order.slots.add(slot);
    }
    if (!commit.vertices.some((ref) => equalBytes(ref.digest, commit.leader.digest))) {
      throw new Violation('S7', `commit ${commit.index} does not emit its leader`);
    }
    if (last !== undefined && commit.leader.round <= last.leader.round) {
      throw new Violation('S2', `commit ${commit.index} goes back to round ${commit.leader.round}`);
    }
    if (order.leaders.leadersOf(commit.leader.round)[0] !== commit.leader.author) {
      throw new Violation('S2', `commit ${commit.index} has a leader that was not elected`);
    }
    order.leaders.restore(schedule);
    if (last !== undefined && commit.time < last.time) {
      throw new Violation('S8', `commit time fell from ${last.time} to ${commit.time}`);
    }
    // A leader of round 1 has no median yet: its commit has the time that the epoch starts with.
    const before = last?.time ?? node.record.startTime;
    if (commit.time !== before) this.#clocks.check(commit.time);
    order.commits.push({ commit, schedule: state, counted });
  }

  #order(record: EpochRecord, epoch: number): EpochOrder {
    let order = this.#epochs.get(epoch);
    if (order === undefined) {
      const committee = createCommittee(record.epoch, record.members);
      order = {
        commits: [],
        committed: new Set(),
        slots: new Set(),
        leaders: new LeaderSchedule(this.#hash, record.startBlockId, committee, record.params),
      };
      this.#epochs.set(epoch, order);
    }
    return order;
  }
}

function describe({ leader, vertices, time }: Commit): string {
  const digest = toHex(leader.digest).slice(0, 8);
  return `${leader.round}/${leader.author}/${digest} (${vertices.length} vertices, time ${time})`;
}

/** The fields in which two headers differ, for the message. */
function differences(a: object, b: object): string {
  const fields = Object.keys(a) as (keyof typeof a)[];
  const text = (value: unknown) => (value instanceof Uint8Array ? toHex(value) : String(value));
  return fields.filter((field) => text(a[field]) !== text(b[field])).join(', ');
}
