/**
 * The rules a chain sets for itself in its genesis file (docs/protocol.md §5.5).
 *
 * They stand in the state, so every node and every proof can see which ones are in force.
 */
import type { Codec } from '../primitives/codec.ts';
import { struct, u8, u16, u32, u64 } from '../primitives/struct.ts';

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

export const paramsCodec: Codec<Params> = /* @__PURE__ */ struct('parameters', 256, {
  protocolVersion: u16,
  feePerByte: u64,
  dust: u64,
  minStake: u64,
  maxValidators: u16,
  unbondingEpochs: u16,
  jailEpochs: u16,
  slashPermille: u16,
  epochReward: u64,
  epochDurationMillis: u64,
  trustingPeriodMillis: u64,
  blockIntervalMillis: u64,
  heartbeatMillis: u64,
  maxBlockTransactions: u32,
  maxBlockBytes: u32,
  leadersPerRound: u8,
  gcDepth: u16,
  scheduleInterval: u16,
  badStakePercent: u8,
  maxVertexTransactions: u16,
  maxVertexBytes: u32,
});
