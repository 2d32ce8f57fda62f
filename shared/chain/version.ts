/**
 * Versions of the protocol: the set of rules that blocks are executed by. It stands in the
 * parameters and in every header, and moves at the end of an epoch alone (docs/protocol.md §8.5).
 */

/** Every version from 1 to this one is known here. */
export const NEWEST_VERSION = 2;

/** From this version on a validator may change its network addresses. */
export const VERSION_WITH_MOVES = 2;
