/**
 * What an epoch of consensus starts from, read out of the ledger.
 */
import { type Params, paramsCodec } from 'fanal/chain/params.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import type { Member } from '../core/committee.ts';
import type { ConsensusParams } from '../core/params.ts';
import type { Author, EpochRecord, NextEpoch } from '../core/types.ts';
import type { AsyncLedger } from '../ledger/ledger.ts';

/** The validators of a set as members of a committee, in the same order. */
export function membersOf({ validators }: ValidatorSet): Member[] {
  return validators.map(({ name, stake, vertexKey, checkpointKey, networkKey }) => ({
    name,
    stake,
    vertexKey,
    checkpointKey,
    networkKey,
  }));
}

/** The parameters that consensus goes by. */
export function consensusParams(params: Params): ConsensusParams {
  return {
    leadersPerRound: params.leadersPerRound,
    gcDepth: params.gcDepth,
    scheduleInterval: params.scheduleInterval,
    badStakePercent: params.badStakePercent,
    maxVertexTransactions: params.maxVertexTransactions,
    maxVertexBytes: params.maxVertexBytes,
    blockIntervalMillis: params.blockIntervalMillis,
    heartbeatMillis: params.heartbeatMillis,
    maxBlockTransactions: params.maxBlockTransactions,
    maxBlockBytes: params.maxBlockBytes,
    epochDurationMillis: params.epochDurationMillis,
  };
}

/** The record of the epoch to which the ledger's next block belongs. */
export async function currentEpochRecord(ledger: AsyncLedger): Promise<EpochRecord> {
  const [info, epoch] = await Promise.all([ledger.info(), ledger.epoch()]);
  return {
    epoch: epoch.epoch,
    genesisId: info.genesisId,
    origin: info.origin,
    startHeight: epoch.start.height,
    startBlockId: epoch.startBlockId,
    startTime: epoch.start.time,
    members: membersOf(epoch.validators),
    params: consensusParams(paramsCodec.decode(info.params)),
  };
}

/**
 * The epoch that follows the one that the ledger's tip ends. Under rules that are not known here
 * this node takes no part in it, whatever the set says.
 */
export async function nextEpoch(
  ledger: AsyncLedger,
  authorIn: (record: EpochRecord) => Author | null,
): Promise<NextEpoch> {
  const [record, { knowsVersion }] = await Promise.all([currentEpochRecord(ledger), ledger.info()]);
  return { record, author: knowsVersion ? authorIn(record) : null };
}

/** The author index of the validator that holds a vertex key, or null. */
export function authorOf(record: EpochRecord, vertexKey: Uint8Array | null): number | null {
  if (vertexKey === null) return null;
  const text = vertexKey.join();
  const author = record.members.findIndex((member) => member.vertexKey.join() === text);
  return author < 0 ? null : author;
}
