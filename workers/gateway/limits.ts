/**
 * The gateway's own limits. What a wallet or a node must know too is in `shared/chain/limits.ts`.
 */

const MIB = 1024 * 1024;

// Memory of one isolate (128 MB on Cloudflare).
/** Answers kept in memory, by the bytes of body and key. */
export const MEMORY_CACHE_BYTES = 16 * MIB;
export const MEMORY_CACHE_ENTRIES = 20_000;
/** A larger answer goes to the outer caches alone. */
export const MEMORY_CACHE_ENTRY_BYTES = 2 * MIB;
/** How long "there is no such thing" is believed. */
export const NEGATIVE_MILLIS = 2_000;
/** Loads that may wait at once in one isolate or object; the next one is refused. */
export const MAX_LOADS = 512;
/** A follower of someone else's load gives up on it after this long and loads for itself. */
export const FOLLOWER_PATIENCE_MILLIS = 4_000;

// The tip.
/** How long an isolate believes the tip it read. */
export const TIP_MEMORY_MILLIS = 250;
/** Reported answers (fees, mempool, the board) are kept this long. */
export const REPORTED_MILLIS = 1_000;

// Limits on clients: requests in a window of ten seconds. The page with its wallet takes up to 75
// while others pay, 22 of them uncached, and some 24 uncached for each payment of its own: this is
// four visitors behind one address, or four payments in a row.
export const WINDOW_SECONDS = 10;
export const CACHED_PER_WINDOW = 300;
export const UNCACHED_PER_WINDOW = 100;
export const SUBMITTED_PER_WINDOW = 20;
/** Clients that one isolate remembers as having run out. */
export const MAX_REMEMBERED_CLIENTS = 10_000;
/** Tokens an isolate leases from a key's quota at a time, and for how long. */
export const LEASE_TOKENS = 50;
export const LEASE_MILLIS = 1_000;
export const MAX_API_KEY_BYTES = 128;

// Health.
export const HEALTH_WINDOW_MILLIS = 300_000;
export const HEALTH_BUCKET_MILLIS = 10_000;
export const HEALTH_MIN_REQUESTS = 20;
export const DEGRADED_ERROR_RATE = 0.05;
export const UNHEALTHY_ERROR_RATE = 0.1;

// Metrics.
/** How often an isolate hands its counts on. */
export const METRICS_FLUSH_MILLIS = 5_000;
/** Series beyond this are dropped: labels are closed sets, so it is never reached. */
export const MAX_SERIES = 5_000;

// Routing.
/** Request lines whose route an isolate remembers. */
export const MAX_REMEMBERED_TARGETS = 2_000;

/** Verified objects that an isolate keeps besides its answers: tiles, places, records. */
export const OBJECT_MEMORY_BYTES = 8 * MIB;
