/**
 * Which leaders are committed, and in what order (docs/consensus.md §5).
 *
 * Every round is a leader round and a wave spans three: propose, vote, certify. A slot is decided
 * directly by a quorum two rounds up, else indirectly by the first later slot that is not skipped.
 */
import { assert } from 'fanal/primitives/assert.ts';
import type { Dag } from './dag.ts';
import type { Entry } from './entry.ts';
import { History } from './history.ts';
import {
  type Candidate,
  isCertificate,
  type LeaderSlot,
  type LeaderVotes,
} from './leader-votes.ts';
import { WAVE_LENGTH } from './params.ts';
import type { MarkName } from './types.ts';

/** What became of a leader slot. */
export type SlotStatus =
  | {
      readonly kind: 'commit';
      readonly round: number;
      readonly author: number;
      readonly leader: Entry;
      readonly direct: boolean;
    }
  | {
      readonly kind: 'skip';
      readonly round: number;
      readonly author: number;
      readonly direct: boolean;
    }
  | { readonly kind: 'undecided'; readonly round: number; readonly author: number };

/** Two vertices of one slot have a certificate each: more than f validators are faulty. */
export class AssumptionBroken extends Error {
  override readonly name = 'AssumptionBroken';
  readonly leaders: readonly Entry[];

  constructor(leaders: readonly Entry[]) {
    super(`two certified vertices in round ${leaders[0]?.round} of author ${leaders[0]?.author}`);
    this.leaders = leaders;
  }
}

/** A commit rule over a DAG. Another one may stand beside it in tests. */
export interface Committer {
  /** The slots that are decided after `after`, in order, up to the first that is not. */
  tryDecide(after: DecidedSlot): SlotStatus[];
}

/** The last decided slot: a round and the place among its leaders. */
export interface DecidedSlot {
  readonly round: number;
  readonly place: number;
}

export class MysticetiCommitter implements Committer {
  readonly #dag: Dag;
  readonly #votes: LeaderVotes;

  constructor(dag: Dag, votes: LeaderVotes) {
    this.#dag = dag;
    this.#votes = votes;
  }

  /** Rule C6: what is decided in order, up to the first slot that is not. */
  tryDecide(after: DecidedSlot): SlotStatus[] {
    const statuses: SlotStatus[] = [];
    const histories = new Map<Entry, History>();
    for (let round = this.#dag.highestRound; round >= after.round; round--) {
      const slots = this.#votes.slotsOf(round);
      const least = round === after.round ? after.place + 1 : 0;
      for (let place = slots.length - 1; place >= least; place--) {
        const slot = slots[place] as LeaderSlot;
        let status = this.#decideDirect(slot);
        if (status.kind === 'undecided') status = this.#decideIndirect(slot, statuses, histories);
        statuses.push(status);
      }
    }
    statuses.reverse();
    const end = statuses.findIndex((status) => status.kind === 'undecided');
    return end < 0 ? statuses : statuses.slice(0, end);
  }

  /** Rule C4: a quorum of blames skips, a quorum of certificates commits. */
  #decideDirect(slot: LeaderSlot): SlotStatus {
    const { round, author } = slot;
    const { quorum } = this.#dag.committee;
    const certified = slot.candidates.filter((candidate) => candidate.certStake >= quorum);
    if (certified.length > 1) throw new AssumptionBroken(certified.map(({ entry }) => entry));
    const leader = certified[0]?.entry;
    if (slot.blameStake >= quorum) {
      if (leader !== undefined) throw new AssumptionBroken([leader]);
      return { kind: 'skip', round, author, direct: true };
    }
    if (leader === undefined) return { kind: 'undecided', round, author };
    return { kind: 'commit', round, author, leader, direct: true };
  }

  /**
   * Rule C5: the first later slot that is not skipped decides; if that is open, so is this one.
   *
   * @param later statuses of later slots, the latest first
   */
  #decideIndirect(
    slot: LeaderSlot,
    later: readonly SlotStatus[],
    histories: Map<Entry, History>,
  ): SlotStatus {
    const { round, author } = slot;
    const anchor = later.findLast(
      (status) => status.kind !== 'skip' && status.round >= round + WAVE_LENGTH,
    );
    if (anchor === undefined || anchor.kind !== 'commit')
      return { kind: 'undecided', round, author };
    // Rule C7: what is under decision is above the garbage-collection round.
    assert(round > this.#dag.gcRound, `slot of round ${round} was collected undecided`);
    let history = histories.get(anchor.leader);
    if (history === undefined) {
      history = new History(this.#dag, anchor.leader);
      histories.set(anchor.leader, history);
    }
    const deciding = history.verticesIn(round + WAVE_LENGTH - 1);
    const certified = slot.candidates.filter((candidate) =>
      this.#hasCertificate(candidate, deciding),
    );
    if (certified.length > 1) throw new AssumptionBroken(certified.map(({ entry }) => entry));
    const leader = certified[0]?.entry;
    if (leader === undefined) return { kind: 'skip', round, author, direct: false };
    return { kind: 'commit', round, author, leader, direct: false };
  }

  #hasCertificate(candidate: Candidate, deciding: readonly Entry[]): boolean {
    return deciding.some((entry) => isCertificate(this.#dag.committee, candidate, entry));
  }
}

/** The counter that a decision belongs to. */
export function markOf(status: SlotStatus): MarkName | null {
  if (status.kind === 'commit') return status.direct ? 'directCommit' : 'indirectCommit';
  if (status.kind === 'skip') return status.direct ? 'directSkip' : 'indirectSkip';
  return null;
}
