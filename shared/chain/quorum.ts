/**
 * How much stake is enough.
 */

/**
 * Says whether `signed` stake is a quorum of `total`: strictly more than two thirds.
 *
 * @param signed stake of distinct signers, 0 ≤ signed ≤ total
 * @see docs/protocol.md §2.6
 */
export function isQuorum(signed: bigint, total: bigint): boolean {
  return 3n * signed > 2n * total;
}

/**
 * Says whether `signed` stake must include an honest validator: strictly more than one third.
 *
 * It holds while less than one third of the stake is faulty.
 */
export function includesHonest(signed: bigint, total: bigint): boolean {
  return 3n * signed > total;
}

/**
 * Says whether `ready` stake may move the protocol's version: strictly more than five sixths. It is
 * half-way between a quorum and all, so a network that has moved can still lose a sixth.
 */
export function isReadyShare(ready: bigint, total: bigint): boolean {
  return 6n * ready > 5n * total;
}

/** The least stake that is a quorum of `total`. */
export function quorumOf(total: bigint): bigint {
  return (2n * total) / 3n + 1n;
}

/** The least stake that must include an honest validator. */
export function honestOf(total: bigint): bigint {
  return total / 3n + 1n;
}
