/**
 * Every limit of the consensus core, in one place.
 *
 * Those above the line are rules: a vertex or message beyond them is refused by everyone. Those
 * below bound what one validator keeps; reaching one costs the peer that caused it.
 */

const KIB = 1_024;

export const MAX_MISBEHAVIOUR = 4;
export const MAX_LEADERS = 8;
/** Vertices in one commit: gcDepth rounds of the largest committee. */
export const MAX_COMMIT_VERTICES = 1 << 20;
/** Vertices in one answer to a fetch. */
export const MAX_FETCH_VERTICES = 32;
/** Commits in one answer of commit sync. */
export const MAX_SYNC_COMMITS = 128;
/** Vertices, and voters, in one answer of commit sync. */
export const MAX_SYNC_VERTICES = 1 << 17;
/** A vertex with its payload has at most this beyond `maxVertexBytes`: ancestors and fields. */
export const MAX_VERTEX_OVERHEAD_BYTES = 64 * KIB;
/** What a decoder takes before the committee's own `maxVertexBytes` is looked at. */
export const MAX_ENCODED_VERTEX_BYTES = 2 * KIB * KIB;
/** Times above 2^53 − 1 are refused, so that a time fits a safe integer. */
export const MAX_TIME_MILLIS = BigInt(Number.MAX_SAFE_INTEGER);

// ---------------------------------------------------------------------------------------------

/** Suspended vertices of one author, in multiples of gcDepth. */
export const SUSPENDED_DEPTHS = 2;
/** Rounds above the highest with a quorum that are looked at, in multiples of gcDepth. */
export const AHEAD_DEPTHS = 2;
/** Distinct missing ancestors that one author's suspended vertices may name, beyond 4 a member. */
export const MISSING_QUOTA_BASE = 256;
export const MISSING_QUOTA_PER_MEMBER = 4;
/** Vertices of one author that wait for their time. */
export const MAX_HELD_PER_AUTHOR = 8;
/** Requests under way with one peer, and with all of them per missing ancestor. */
export const MAX_FETCHES_PER_PEER = 4;
export const MAX_FETCHES_PER_REF = 2;
/** The same while the last one waits for its answer already for long. */
export const MAX_SLOW_FETCHES_PER_REF = 6;
/** Where more is missing, fetches are planned no more often than this. */
export const MUCH_MISSING = 64;
export const PLAN_INTERVAL_MILLIS = 20;
/** Waiting vertices looked at to find out who has a missing ancestor. */
export const MAX_WAITERS_LOOKED_AT = 64;
/** Ancestors pushed with an own vertex to one peer. */
export const MAX_PUSH_VERTICES = 64;
export const MAX_PUSH_BYTES = 64 * KIB;
/** Slim vertices of one author that wait for what they name, until when, and until when at last. */
export const MAX_SLIM_PER_AUTHOR = 16;
export const SLIM_WAIT_MILLIS = 60;
export const SLIM_KEEP_MILLIS = 2_000;
/** Overdue slots that one is asked for with its vertex. */
export const MAX_SLOTS_ASKED_AT_ONCE = 16;
/** Overdue slots of which it is remembered whom we asked, for each member. */
export const MAX_SLOTS_ASKED_PER_MEMBER = 64;
/** Own vertices sent when a peer subscribes. */
export const MAX_REPLAY_VERTICES = 32;
/** Between two such answers to one peer, and until what was sent is sent again. */
export const REPLAY_PAUSE_MILLIS = 1_000;
export const REPLAY_AGAIN_MILLIS = 10_000;
/** Evidence of vertices written in an epoch: one an author is enough to convict. */
export const MAX_EVIDENCE_PER_AUTHOR = 1;
/** Commit votes remembered of each author. */
export const MAX_VOTES_PER_AUTHOR = 64;
/** Sizes above the certified one for which cosignatures are kept. */
export const MAX_OPEN_SIZES = 128;
/** Roots at one size that one author may claim before it is ignored. */
export const MAX_ROOTS_PER_AUTHOR = 2;
/** Sizes for which the certifier still counts cosigners after the certificate. */
export const MAX_REPORT_SIZES = 256;
/** How long after a certificate its cosigners are counted. */
export const REPORT_DELAY_MILLIS = 10_000;
/** Commits that execution may be behind before payloads halve, and before they are empty. */
export const HALVE_BEHIND_COMMITS = 50;
export const EMPTY_BEHIND_COMMITS = 200;
/** Rounds proposed after an epoch's last commit, so that cosignatures can travel. */
export const MAX_DRAINING_ROUNDS = 120;
/** Messages of the next epoch that are kept for one peer until the handover is there. */
export const MAX_FUTURE_PER_PEER = 64;
export const MAX_FUTURE_BYTES_PER_PEER = 1_024 * KIB;
