/**
 * Payouts: the coins that the protocol itself makes in the last block of an epoch, for rewards and
 * for stake set free (docs/protocol.md §8.4).
 */
import type { Bytes32 } from '../primitives/bytes.ts';
import { Writer } from '../primitives/codec.ts';
import { type Hash, taggedHash } from '../primitives/hash.ts';

/**
 * H(payout, genesis id ‖ epoch): stands where a coin names the transaction that made it. Payout
 * number i of the epoch is the coin with index i.
 */
export function payoutId(genesisId: Bytes32, epoch: number): Hash {
  return taggedHash('fanal/payout/v1', new Writer(36).bytes(genesisId, 32).u32(epoch).finish());
}
