/**
 * Who decides in an epoch, and with how much stake.
 *
 * A committee is fixed for its epoch. Stakes are whole units whose checked sum is below 2^53, so
 * counting them needs no big integers (docs/consensus.md §1).
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';

/** One validator of an epoch. Its place in the list is its author index. */
export interface Member {
  /** Also the cosigner's name in checkpoints, after the origin. */
  readonly name: string;
  readonly stake: bigint;
  /** Signs DAG vertices. */
  readonly vertexKey: Bytes;
  /** Cosigns checkpoints. */
  readonly checkpointKey: Bytes;
  /** Identifies it to its peers. */
  readonly networkKey: Bytes;
}

/** The stakes of an epoch and the sums that decide. */
export interface Committee {
  readonly epoch: number;
  readonly members: readonly Member[];
  readonly size: number;
  /** Stake by author. */
  readonly stakes: readonly number[];
  readonly total: number;
  /** Q: the least stake above two thirds; any two such sets share an honest validator. */
  readonly quorum: number;
  /** V: the least stake that must include an honest validator. */
  readonly validity: number;
  /** The stake of every author when all have the same, else 0. */
  readonly uniformStake: number;
  /** 32-bit words that a set of authors takes. */
  readonly words: number;
}

/** Author indexes are u16 on the wire; one value is kept for "nobody". */
export const MAX_COMMITTEE = 0xffff;

/**
 * Makes the committee of an epoch.
 *
 * f = ⌊(T − 1) / 3⌋, Q = T − f, V = f + 1.
 *
 * @throws {FanalError} `consensus/committee` when it is empty, has a member without stake, or the
 *   stakes add up to 2^53 or more
 */
export function createCommittee(epoch: number, members: readonly Member[]): Committee {
  const refuse = (message: string) => new FanalError('consensus/committee', message);
  if (members.length === 0 || members.length > MAX_COMMITTEE) {
    throw refuse(`expected 1 to ${MAX_COMMITTEE} members, found ${members.length}`);
  }
  let sum = 0n;
  for (const member of members) {
    if (member.stake <= 0n) throw refuse(`${member.name} has no stake`);
    sum += member.stake;
  }
  if (sum > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse(`stake adds up to ${sum}, 2^53 or more`);
  const stakes = members.map((member) => Number(member.stake));
  const total = Number(sum);
  const faulty = Number((sum - 1n) / 3n);
  const first = stakes[0] as number;
  return {
    epoch,
    members,
    size: members.length,
    stakes,
    total,
    quorum: total - faulty,
    validity: faulty + 1,
    uniformStake: stakes.every((stake) => stake === first) ? first : 0,
    words: (members.length + 31) >>> 5,
  };
}
