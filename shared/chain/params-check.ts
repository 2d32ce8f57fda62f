/**
 * Whether a chain's parameters fit together. Only a sealed genesis file passes through here, so a
 * light client carries none of it (docs/protocol.md §5.5).
 */
import { FanalError } from '../primitives/errors.ts';
import { UNITS_PER_COIN } from '../primitives/units.ts';
import { MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS, MAX_VALIDATORS } from './limits.ts';
import type { Params } from './params.ts';
import { NEWEST_VERSION } from './version.ts';

/** One bound of a parameter: what it must be, and whether it is. */
type Bound = readonly [rule: string, holds: (params: Params) => boolean];

const BOUNDS: readonly Bound[] = [
  [
    `protocolVersion is from 1 to ${NEWEST_VERSION}`,
    (p) => p.protocolVersion >= 1 && p.protocolVersion <= NEWEST_VERSION,
  ],
  ['feePerByte is at most 1 coin', (p) => p.feePerByte <= UNITS_PER_COIN],
  ['dust is from 1 unit to 1 coin', (p) => p.dust >= 1n && p.dust <= UNITS_PER_COIN],
  ['minStake is at least 1 coin', (p) => p.minStake >= UNITS_PER_COIN],
  [
    `maxValidators is from 1 to ${MAX_VALIDATORS}`,
    (p) => p.maxValidators >= 1 && p.maxValidators <= MAX_VALIDATORS,
  ],
  ['unbondingEpochs is at least 1', (p) => p.unbondingEpochs >= 1],
  ['slashPermille is at most 1000', (p) => p.slashPermille <= 1_000],
  ['epochDurationMillis is at least 1000', (p) => p.epochDurationMillis >= 1_000n],
  [
    'trustingPeriodMillis is shorter than unbonding takes',
    (p) =>
      p.trustingPeriodMillis >= 1_000n &&
      p.trustingPeriodMillis < BigInt(p.unbondingEpochs) * p.epochDurationMillis,
  ],
  ['blockIntervalMillis is at least 1', (p) => p.blockIntervalMillis >= 1n],
  [
    'heartbeatMillis is at least blockIntervalMillis',
    (p) => p.heartbeatMillis >= p.blockIntervalMillis,
  ],
  [
    `maxBlockTransactions is from 1 to ${MAX_BLOCK_TRANSACTIONS / 4}`,
    (p) => p.maxBlockTransactions >= 1 && p.maxBlockTransactions <= MAX_BLOCK_TRANSACTIONS / 4,
  ],
  [
    `maxBlockBytes is from 65536 to ${MAX_BLOCK_BYTES / 4}`,
    (p) => p.maxBlockBytes >= 65_536 && p.maxBlockBytes <= MAX_BLOCK_BYTES / 4,
  ],
  ['leadersPerRound is from 1 to 8', (p) => p.leadersPerRound >= 1 && p.leadersPerRound <= 8],
  ['gcDepth is from 6 to 1000', (p) => p.gcDepth >= 6 && p.gcDepth <= 1_000],
  ['scheduleInterval is at least 1', (p) => p.scheduleInterval >= 1],
  ['badStakePercent is at most 33', (p) => p.badStakePercent <= 33],
  ['maxVertexTransactions is at least 1', (p) => p.maxVertexTransactions >= 1],
  [
    'maxVertexBytes is from 32768 to 1048576',
    (p) => p.maxVertexBytes >= 32_768 && p.maxVertexBytes <= 1_048_576,
  ],
];

/**
 * Checks that parameters fit together.
 *
 * @throws {FanalError} `genesis/parameters` with the first bound that does not hold
 */
export function checkParams(params: Params): void {
  for (const [rule, holds] of BOUNDS) {
    if (!holds(params)) {
      throw new FanalError('genesis/parameters', `expected that ${rule}`, {
        hint: 'Change the parameter in the genesis draft and seal it again.',
      });
    }
  }
}
