/**
 * Limits of the follower and of what it asks nodes for.
 */

const MIB = 1024 * 1024;

// Following.
/** Between two looks at the nodes. */
export const FOLLOW_INTERVAL_MILLIS = 250;
/** Nodes whose checkpoints are compared with ours, and how often. */
export const CROSS_CHECK_NODES = 2;
export const CROSS_CHECK_INTERVAL_MILLIS = 5_000;
/** A tip further ahead than this is taken without filing the headers in between. */
export const MAX_FILED_HEADERS = 4_096n;
/** Headers kept in the database for streams that return. */
export const KEPT_HEADERS = 1_024n;
/** Evidence files kept; the first ones matter most. */
export const MAX_EVIDENCE_FILES = 16;
/** Tips a tile edge may hold: one partial tile a level. */
export const MAX_TILE_LEVELS = 5;

// Upstream nodes.
export const MAX_UPSTREAMS = 16;
/** Consecutive failures that open a breaker. */
export const BREAKER_FAILURES = 3;
/** A breaker tries again after this, doubling up to the greatest. */
export const BREAKER_OPEN_MILLIS = 1_000;
export const BREAKER_OPEN_MAX_MILLIS = 5_000;
/** How fast a failure is forgotten when nodes are put in order. */
export const TROUBLE_HALF_LIFE_MILLIS = 30_000;
/** A node that answered with something false is left alone this long, doubling up to the greatest. */
export const LIAR_OPEN_MILLIS = 30_000;
export const LIAR_OPEN_MAX_MILLIS = 600_000;
/** Where only such nodes are left, each is asked again after this: an answer is checked anyway. */
export const LIAR_TRIAL_MILLIS = 2_000;
/** Share of calls that may be hedges, and the least time before one starts. */
export const HEDGE_BUDGET = 0.05;
export const HEDGE_MIN_MILLIS = 30;
/** Retries of one load after every node has had its turn. */
export const MAX_RETRIES = 2;
export const RETRY_MIN_MILLIS = 25;
export const RETRY_MAX_MILLIS = 400;
/** Calls to all nodes that may be under way at once; the next one is refused. */
export const MAX_UPSTREAM_FLIGHTS = 256;
/** Nodes that a transaction is handed to at once. */
export const RELAY_NODES = 2;

// Answers, by what they may hold.
export const MAX_TILE_BYTES = 256 * 32;
export const MAX_BUNDLE_BYTES = 256 * (2 + 2048);
export const MAX_BLOCK_ANSWER_BYTES = 64 * MIB;
export const MAX_REPORTED_BYTES = 1 * MIB;
export const MAX_PROBLEM_BYTES = 4_096;

// Lists that are proved only as a whole.
/** Coins of one address that the gateway reads in order to prove a page of them. */
export const MAX_PROVED_COINS = 16_384;

// The alarm loop.
/** One alarm follows for this long; the next one is set before it begins. */
export const ALARM_ROUND_MILLIS = 5_000;
/** How often counts are handed on and shut-outs written down. */
export const SHUT_OUT_NOTE_MILLIS = 5_000;
/** A failure of following that goes on is told this often. */
export const SAME_FAILURE_MILLIS = 30_000;
