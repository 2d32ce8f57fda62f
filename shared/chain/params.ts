/**
 * The rules a chain sets for itself in its genesis file (docs/protocol.md §5).
 *
 * They stand in the state, so every node and every proof can see which ones are in force.
 */
import { type Codec, codec } from '../primitives/codec.ts';
import { FanalError } from '../primitives/errors.ts';
import { UNITS_PER_COIN } from '../primitives/units.ts';
import { MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS, MAX_VALIDATORS } from './limits.ts';

export interface Params {
  /** The set of rules that nodes run; it changes only at an epoch's start. */
  readonly protocolVersion: number;
  /** Units to pay for each byte of a transaction with its witnesses. */
  readonly feePerByte: bigint;
  /** The least amount of an output, in units. */
  readonly dust: bigint;
  /** The least stake of a validator, in units. */
  readonly minStake: bigint;
  readonly maxValidators: number;
  /** Epochs from unbonding to the coin; evidence may be brought as long. */
  readonly unbondingEpochs: number;
  /** Epochs that an offender is kept out. */
  readonly jailEpochs: number;
  /** Thousandths of an offender's stake that are burnt. */
  readonly slashPermille: number;
  /** Units made anew in each epoch for the validators, on top of fees. */
  readonly epochReward: bigint;
  readonly epochDurationMillis: bigint;
  /** How long a light client may sleep; shorter than unbonding takes. */
  readonly trustingPeriodMillis: bigint;
  readonly blockIntervalMillis: bigint;
  /** An empty block is cut when nothing else was for so long. */
  readonly heartbeatMillis: bigint;
  readonly maxBlockTransactions: number;
  readonly maxBlockBytes: number;
  // What follows rules the ordering of transactions.
  readonly leadersPerRound: number;
  readonly gcDepth: number;
  readonly scheduleInterval: number;
  readonly badStakePercent: number;
  readonly maxVertexTransactions: number;
  readonly maxVertexBytes: number;
}

export const paramsCodec: Codec<Params> = codec(
  'parameters',
  256,
  (writer, params) => {
    writer
      .u16(params.protocolVersion)
      .u64(params.feePerByte)
      .u64(params.dust)
      .u64(params.minStake)
      .u16(params.maxValidators)
      .u16(params.unbondingEpochs)
      .u16(params.jailEpochs)
      .u16(params.slashPermille)
      .u64(params.epochReward)
      .u64(params.epochDurationMillis)
      .u64(params.trustingPeriodMillis)
      .u64(params.blockIntervalMillis)
      .u64(params.heartbeatMillis)
      .u32(params.maxBlockTransactions)
      .u32(params.maxBlockBytes)
      .u8(params.leadersPerRound)
      .u16(params.gcDepth)
      .u16(params.scheduleInterval)
      .u8(params.badStakePercent)
      .u16(params.maxVertexTransactions)
      .u32(params.maxVertexBytes);
  },
  (reader) => ({
    protocolVersion: reader.u16(),
    feePerByte: reader.u64(),
    dust: reader.u64(),
    minStake: reader.u64(),
    maxValidators: reader.u16(),
    unbondingEpochs: reader.u16(),
    jailEpochs: reader.u16(),
    slashPermille: reader.u16(),
    epochReward: reader.u64(),
    epochDurationMillis: reader.u64(),
    trustingPeriodMillis: reader.u64(),
    blockIntervalMillis: reader.u64(),
    heartbeatMillis: reader.u64(),
    maxBlockTransactions: reader.u32(),
    maxBlockBytes: reader.u32(),
    leadersPerRound: reader.u8(),
    gcDepth: reader.u16(),
    scheduleInterval: reader.u16(),
    badStakePercent: reader.u8(),
    maxVertexTransactions: reader.u16(),
    maxVertexBytes: reader.u32(),
  }),
);

/** One bound of a parameter: what it must be, and whether it is. */
type Bound = readonly [rule: string, holds: (params: Params) => boolean];

const BOUNDS: readonly Bound[] = [
  ['protocolVersion is at least 1', (p) => p.protocolVersion >= 1],
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

const HOUR = 3_600_000n;

/** What a public network starts from: epochs of six hours, three weeks to unbond. */
export const PUBLIC_PARAMS: Params = {
  protocolVersion: 1,
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
