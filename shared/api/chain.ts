/**
 * What a server reports of its chain and of itself, as JSON.
 */
import { MAX_VALIDATORS } from '../chain/limits.ts';
import type { Params } from '../chain/params.ts';
import { ADDRESS_PREFIXES, type AddressPrefix } from '../crypto/address.ts';
import { addressShape } from './address-text.ts';
import {
  bytes32,
  flag,
  list,
  nullable,
  object,
  real,
  type Shape,
  text,
  u8,
  u16,
  u32,
  u64,
  type ValueOf,
  word,
} from './shape.ts';

export const paramsShape = object({
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
}) satisfies Shape<Params>;

/** The newest certified checkpoint that the server has. */
export const tipShape = object({
  height: u64,
  size: u64,
  root: bytes32,
  blockId: bytes32,
  epoch: u32,
  /** The header's time. */
  time: u64,
  /** When the server had it certified or verified, by its clock. */
  verifiedAt: u64,
  /** Sources that agreed on it; 1 for a node, which executed it itself. */
  sources: u32,
});
export type TipReport = ValueOf<typeof tipShape>;

/** `/v1/chain`. */
export const chainShape = object({
  origin: text(256),
  genesisId: bytes32,
  prefix: word(...ADDRESS_PREFIXES),
  params: paramsShape,
  validatorsHash: bytes32,
  tip: tipShape,
  /** Lowest height whose block is kept. */
  firstBlock: u64,
  /** Lowest size at which addresses can be proved. */
  firstProvableSize: u64,
  faucet: flag,
  software: object({ name: text(64), version: text(64), commit: text(64) }),
});
export type ChainReport = ValueOf<typeof chainShape>;

export { type FeesReport, feesShape } from './fees.ts';

/** `/v1/mempool`. */
export const mempoolShape = object({ transactions: u32, bytes: u32, limitBytes: u32 });

/** `/v1/validators`: the registry, the set in force, and the performance board of its epoch. */
export function validatorsShape(prefix: AddressPrefix) {
  return object({
    epoch: u32,
    height: u64,
    validatorsHash: bytes32,
    totalStake: u64,
    items: list(
      object({
        rank: u32,
        name: text(32),
        owner: addressShape(prefix),
        /** In the set that certifies now. */
        active: flag,
        stake: u64,
        pendingBond: u64,
        pendingUnbond: u64,
        retired: flag,
        jailedUntil: u32,
        /** The newest protocol version that it said it is ready for; 0 while it said nothing. */
        readyFor: u8,
        /** The checkpoint key as other log tools take it (C2SP `vkey`). */
        vkey: text(512),
        /** Checkpoints certified in the epoch, and of them cosigned within ten seconds. */
        checkpoints: u64,
        cosigned: u64,
        /** Own cosignatures of another root than the certified one. */
        mismatched: u64,
        /** Shares of 0 to 1; null before there is anything to count. */
        cosignedShare: nullable(real),
        accuracy: nullable(real),
        rounds: u64,
        rewards: u64,
      }),
      4 * MAX_VALIDATORS,
    ),
  });
}

/** `/status`. */
export const statusShape = object({
  status: word('healthy', 'degraded', 'unhealthy'),
  /** Why it is not healthy, or not ready. */
  reason: nullable(text(256)),
  ready: flag,
  version: text(64),
  origin: text(256),
  height: u64,
  certifiedHeight: u64,
  checkpointAgeMillis: u64,
  errorRate: real,
  p95Millis: real,
  peers: object({ inbound: u32, outbound: u32 }),
  validator: nullable(text(32)),
  sync: nullable(object({ mode: word('snapshot', 'blocks', 'commits'), height: u64, target: u64 })),
  mempool: mempoolShape,
  databaseBytes: u64,
});
export type StatusReport = ValueOf<typeof statusShape>;

/** The JSON body of `POST /v1/faucet`. */
export function faucetRequestShape(prefix: AddressPrefix) {
  return object({ address: addressShape(prefix) });
}

export const faucetGrantShape = object({ txid: bytes32, amount: u64 });

/** `/v1/snapshots`. */
export const snapshotsShape = object({
  items: list(
    object({ height: u64, chunks: u32, sizeBytes: u64, manifest: text(2 * 4_194_304) }),
    64,
  ),
});
