/**
 * When the next own vertex may be made (docs/consensus.md §4).
 *
 * The clock may jump, proposals may not: the next round is always the last own one plus one, but
 * for the two resumes. Waiting for the last leader, and for the votes on the one before it, keeps
 * every honest vote from being critical.
 */
import type { Dag, Round } from './dag.ts';
import type { LeaderVotes } from './leader-votes.ts';
import type { ConsensusParams, LocalParams } from './params.ts';

/** What to do about the target round. */
export type Readiness =
  | { readonly kind: 'now'; readonly reason: 'ready' | 'catchUp' | 'leaderTimeout' | 'voteTimeout' }
  /** Not before this time, if nothing arrives before. */
  | { readonly kind: 'at'; readonly at: number }
  /** Something has to arrive first. */
  | { readonly kind: 'wait' };

const WAIT: Readiness = { kind: 'wait' };
/** Rounds without a commit that are usual, and grow nothing. */
const USUAL_LAG = 4;

export class Pacing {
  readonly #dag: Dag;
  readonly #votes: LeaderVotes;
  readonly #local: LocalParams;
  readonly #params: ConsensusParams;
  /** Authors whose connection broke. */
  readonly #down = new Set<number>();

  constructor(dag: Dag, votes: LeaderVotes, local: LocalParams, params: ConsensusParams) {
    this.#dag = dag;
    this.#votes = votes;
    this.#local = local;
    this.#params = params;
  }

  /** A connection broke, or came back. */
  setUp(author: number, up: boolean): void {
    if (up) this.#down.delete(author);
    else this.#down.add(author);
  }

  /** Rounds between a round and the last committed leader, beyond the usual. */
  lag(round: number, leaderRound: number): number {
    return Math.max(0, round - leaderRound - USUAL_LAG);
  }

  /** Rule P4: the timeout grows while nothing is committed, and no new round resets it. */
  timeout(round: number, leaderRound: number): number {
    const lag = this.lag(round, leaderRound);
    const { leaderTimeout, timeoutGrowth, timeoutGrowthSquare, maxLeaderTimeout } = this.#local;
    const grown = leaderTimeout + timeoutGrowth * lag + timeoutGrowthSquare * lag * lag;
    return Math.min(maxLeaderTimeout, grown);
  }

  /** Rule P5: while the lag is large, payloads are empty, so the DAG grows by small layers. */
  isLagging(round: number, leaderRound: number): boolean {
    return this.lag(round, leaderRound) > this.#params.gcDepth / 2;
  }

  /** Rules P1 to P3. */
  ready(round: number, lastProposal: number, leaderRound: number, now: number): Readiness {
    const before = this.#dag.round(round - 1);
    if (before === undefined || before.stake < this.#dag.committee.quorum) return WAIT;
    const clockRound = this.#dag.quorumRound + 1;
    if (clockRound >= round + 2) {
      const at = lastProposal + this.#local.catchUpDelay;
      return now >= at ? { kind: 'now', reason: 'catchUp' } : { kind: 'at', at };
    }
    const earliest = lastProposal + this.#local.minRoundDelay;
    if (now < earliest) return { kind: 'at', at: earliest };
    const hasLeaders = this.#hasLeaders(before);
    if (hasLeaders && this.#hasVotes(round - 2, before)) return { kind: 'now', reason: 'ready' };
    const at = (before.quorumTime ?? now) + this.#patience(before, round, leaderRound);
    if (now < at) return { kind: 'at', at };
    return { kind: 'now', reason: hasLeaders ? 'voteTimeout' : 'leaderTimeout' };
  }

  /** How long to wait: hardly at all where all that is missing is a leader who went away (rule P4). */
  #patience(before: Round, round: number, leaderRound: number): number {
    const whole = this.timeout(round, leaderRound);
    if (this.#down.size === 0 || before.number === 0 || !this.#hasVotes(round - 2, before)) {
      return whole;
    }
    const isAway = this.#votes
      .slotsOf(before.number)
      .every(({ author }) => before.first[author] !== undefined || this.#down.has(author));
    return isAway ? Math.min(whole, this.#local.minRoundDelay) : whole;
  }

  /** Rule P2: every leader of the round before has a vertex here. */
  #hasLeaders(before: Round): boolean {
    if (before.number === 0) return true;
    return this.#votes
      .slotsOf(before.number)
      .every((slot) => before.first[slot.author] !== undefined);
  }

  /** Rule P3: for every leader vertex two rounds before, its votes or its blames are settled. */
  #hasVotes(round: number, voting: Round): boolean {
    if (round < 1 || round < this.#votes.floor) return true;
    const { quorum, size } = this.#dag.committee;
    if (voting.count >= size) return true;
    return this.#votes
      .slotsOf(round)
      .every(
        (slot) =>
          slot.candidates.length === 0 ||
          slot.blameStake >= quorum ||
          slot.candidates.some(({ voteStake }) => voteStake >= quorum),
      );
  }
}
