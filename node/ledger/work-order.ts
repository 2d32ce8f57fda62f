/**
 * A block as execution takes it, from consensus or from a peer.
 */
import { blockCodec, type EquivocationRecord } from 'fanal/chain/block.ts';
import { endsEpoch, type Header } from 'fanal/chain/header.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { BlockInput } from '../core/types.ts';
import type { Encoded } from './ledger.ts';

export interface WorkOrder {
  readonly epoch: number;
  readonly lastOfEpoch: boolean;
  readonly height: bigint;
  readonly time: bigint;
  readonly commitIndex: bigint;
  readonly commitDigest: Bytes32;
  readonly consensusSnapshotHash: Bytes32;
  readonly transactions: readonly Bytes[];
  readonly equivocations: readonly EquivocationRecord[];
  /** Committed vertices by index in the set. */
  readonly committed: readonly number[];
}

/** What consensus cut. */
export function orderOfInput({ rewards, equivocations, ...input }: BlockInput): WorkOrder {
  return {
    ...input,
    committed: rewards,
    equivocations: equivocations.map(({ author, round }) => ({ author, round })),
  };
}

/**
 * What another node cut and executed, and the header that it must give.
 *
 * @throws {DecodeError}
 */
export function orderOfBlock(bytes: Encoded<'Block'>): { order: WorkOrder; header: Header } {
  const { header, transactions, committed, equivocations } = blockCodec.decode(bytes);
  const { epoch, height, time, commitIndex, commitDigest, consensusSnapshotHash } = header;
  const order = {
    ...{ epoch, height, time, commitIndex, commitDigest, consensusSnapshotHash },
    lastOfEpoch: endsEpoch(header),
    ...{ transactions, committed, equivocations },
  };
  return { order, header };
}
