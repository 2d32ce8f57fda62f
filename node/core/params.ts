/**
 * The two kinds of parameter a validator's consensus has.
 *
 * `ConsensusParams` is agreed on: it stands in the epoch record, and every validator of an epoch
 * uses the same one, because safety hangs on it. `LocalParams` is each operator's own: it touches
 * liveness and load, never what is decided (docs/consensus.md §1).
 */
import type { Params } from 'fanal/chain/params.ts';
import { FanalError } from 'fanal/primitives/errors.ts';

/** A wave is propose, vote, certify. It is not a parameter: the commit rule is proved for three. */
export const WAVE_LENGTH = 3;

/** What all validators of an epoch must agree on. */
export type ConsensusParams = Pick<
  Params,
  | 'leadersPerRound'
  | 'gcDepth'
  | 'scheduleInterval'
  | 'badStakePercent'
  | 'maxVertexTransactions'
  | 'maxVertexBytes'
  | 'blockIntervalMillis'
  | 'heartbeatMillis'
  | 'maxBlockTransactions'
  | 'maxBlockBytes'
  | 'epochDurationMillis'
>;

/**
 * What one validator may choose for itself. All times in milliseconds.
 */
export interface LocalParams {
  /** The least time between two own vertices. */
  readonly minRoundDelay: number;
  /** How long a round waits for its leader before any growth. */
  readonly leaderTimeout: number;
  /** Growth of that wait for each round without a commit: `linear · g + square · g²`. */
  readonly timeoutGrowth: number;
  readonly timeoutGrowthSquare: number;
  readonly maxLeaderTimeout: number;
  /** A vertex whose time is further ahead than this waits until it is due. */
  readonly maxForwardDrift: number;
  /** The pause between two vertices while catching up. */
  readonly catchUpDelay: number;
  /** How long a missing ancestor may be on its way before it is fetched. */
  readonly fetchDelay: number;
  /** The pause between two looks at everything that is missing. */
  readonly fetchInterval: number;
  /** When a fetch without an answer is given up; it doubles with every try. */
  readonly fetchTimeout: number;
  readonly maxFetchTimeout: number;
  /** Commits in one batch of commit sync; it starts when more than two batches behind. */
  readonly commitSyncBatch: number;
  /** Own cosignatures are sent again when nothing was certified for so long. */
  readonly cosignatureInterval: number;
  /** Uncertified blocks after which execution pauses. */
  readonly maxUncertified: number;
  /** Validators that push a vertex to a peer that does not hear its author. */
  readonly pushFanout: number;
}

export const DEFAULT_LOCAL_PARAMS: LocalParams = {
  minRoundDelay: 50,
  leaderTimeout: 300,
  timeoutGrowth: 20,
  timeoutGrowthSquare: 2,
  maxLeaderTimeout: 10_000,
  maxForwardDrift: 500,
  catchUpDelay: 5,
  fetchDelay: 60,
  fetchInterval: 200,
  fetchTimeout: 2_000,
  maxFetchTimeout: 5_000,
  commitSyncBatch: 16,
  cosignatureInterval: 1_000,
  maxUncertified: 32,
  pushFanout: 3,
};

/**
 * Checks what the commit rule needs of the agreed parameters.
 *
 * @throws {FanalError} `consensus/parameters` naming the first one out of bounds
 */
export function checkConsensusParams(params: ConsensusParams): void {
  const refuse = (rule: string) =>
    new FanalError('consensus/parameters', `expected that ${rule}`, {
      hint: 'These parameters come from the genesis file; check that it is the right one.',
    });
  if (params.leadersPerRound < 1) throw refuse('leadersPerRound is at least 1');
  // Rule C7: a slot under decision must lie above the garbage-collection round.
  if (params.gcDepth < 2 * WAVE_LENGTH) throw refuse(`gcDepth is at least ${2 * WAVE_LENGTH}`);
  if (params.scheduleInterval < 1) throw refuse('scheduleInterval is at least 1');
  if (params.badStakePercent < 0 || params.badStakePercent > 33) {
    throw refuse('badStakePercent is from 0 to 33');
  }
}
