/**
 * The parameters that networks start from, for their makers to change.
 */
import { UNITS_PER_COIN } from '../primitives/units.ts';
import type { Params } from './params.ts';
import { NEWEST_VERSION } from './version.ts';

const HOUR = 3_600_000n;

/** What a public network starts from: epochs of six hours, three weeks to unbond. */
export const PUBLIC_PARAMS: Params = {
  protocolVersion: NEWEST_VERSION,
  feePerByte: 10n,
  dust: 1_000n,
  minStake: 1_000n * UNITS_PER_COIN,
  maxValidators: 100,
  unbondingEpochs: 84,
  jailEpochs: 28,
  slashPermille: 50,
  epochReward: 0n,
  epochDurationMillis: 6n * HOUR,
  trustingPeriodMillis: 14n * 24n * HOUR,
  blockIntervalMillis: 500n,
  heartbeatMillis: 5_000n,
  maxBlockTransactions: 5_000,
  maxBlockBytes: 4 * 1024 * 1024,
  leadersPerRound: 1,
  gcDepth: 60,
  scheduleInterval: 100,
  badStakePercent: 20,
  maxVertexTransactions: 1_000,
  maxVertexBytes: 256 * 1024,
};

/** What `fanal dev` starts from: the same rules with short epochs, so that they can be watched. */
export const LOCAL_PARAMS: Params = {
  ...PUBLIC_PARAMS,
  epochDurationMillis: 600_000n,
  unbondingEpochs: 2_100,
  blockIntervalMillis: 200n,
};
