/**
 * Every limit that both sides of the protocol share, in one place (docs/protocol.md §11).
 *
 * A number here is a rule: raising one is a change of protocol. Limits that only a node needs
 * (queues, connections) live in a `limits.ts` of its own rooms.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

// Money.
/** All units that can ever exist: 90 million coins, below 2^53 so that every sum of stake is. */
export const MAX_SUPPLY = 9_000_000_000_000_000n;

// Transactions.
export const MIN_TRANSACTION_BYTES = 100;
export const MAX_TRANSACTION_BYTES = 16 * KIB;
export const MAX_INPUTS = 64;
export const MAX_OUTPUTS = 64;
export const MAX_ACTIONS = 4;
export const MAX_NOTE_BYTES = 256;
export const MAX_MULTISIG_KEYS = 16;
/** How far ahead of the tip an expiry may lie when a transaction is admitted. */
export const MAX_EXPIRY_AHEAD = 65_536n;

// Validators and stake.
export const MAX_VALIDATORS = 1_000;
export const MAX_VALIDATOR_NAME_BYTES = 32;
export const MAX_VALIDATOR_ADDRESSES = 4;
export const MAX_VALIDATOR_ADDRESS_BYTES = 128;
/** Unbonding coins that one validator may have waiting. */
export const MAX_UNBONDINGS = 32;
/** Offences kept in a validator's record. */
export const MAX_OFFENCES = 32;
/** Coins that the end of an epoch makes: the index of a coin is a u16. */
export const MAX_PAYOUTS = 65_535;
/** A vertex header inside an evidence action. */
export const MAX_EVIDENCE_VERTEX_BYTES = 7 * KIB;

// Genesis.
export const MAX_DOMAIN_BYTES = 64;
export const MAX_NETWORK_BYTES = 32;
export const MAX_GENESIS_BALANCES = 65_535;
export const MAX_GENESIS_BYTES = 16 * MIB;

// Blocks and headers.
export const MAX_HEADER_BYTES = 2 * KIB;
export const MAX_BLOCK_TRANSACTIONS = 100_000;
export const MAX_BLOCK_BYTES = 64 * MIB;
export const MAX_BLOCK_EQUIVOCATIONS = 65_535;

// The header log and its proofs.
/** The largest list that has proofs: 2^32 leaves, so a path has at most 32 hashes. */
export const MAX_LOG_SIZE = 4_294_967_296n;
export const MAX_INCLUSION_HASHES = 32;
export const MAX_CONSISTENCY_HASHES = 64;
/** The two edges of a range of leaves: at most one path on each side. */
export const MAX_RANGE_HASHES = 64;
export const MAX_MAP_SIBLINGS = 256;

// Checkpoints.
/** `<domain>/<network>/<16 hex digits>`. */
export const MAX_ORIGIN_BYTES = MAX_DOMAIN_BYTES + MAX_NETWORK_BYTES + 18;
export const MAX_NOTE_SIGNATURES = 1_024;
export const MAX_CHECKPOINT_NOTE_BYTES = 512 * KIB;
/** Signature lines a trimmed note carries beyond a quorum. */
export const SPARE_COSIGNATURES = 2;

// What a light client takes in.
export const MAX_HANDOVERS = 400;
export const MAX_HANDOVER_BYTES = 512 * KIB;
export const MAX_UPDATE_BYTES = 16 * MIB;
export const MAX_PROOF_BYTES = 64 * KIB;
export const MAX_COINS_PER_PAGE = 1_000;
export const MAX_HISTORY_PER_PAGE = 1_000;
export const MAX_PAGE_BYTES = 256 * KIB;
/** Coins a client will hold while it checks that a list is complete. */
export const MAX_COINS_PER_ADDRESS = 1_000_000;
export const MAX_RECEIPT_BYTES = 1 * MIB;
export const MAX_EVIDENCE_BYTES = 16 * MIB;
export const MAX_TRUST_FILE_BYTES = 1 * MIB;

// Time.
/** A light client refuses a time further ahead of its clock than this. */
export const MAX_CLIENT_AHEAD_MILLIS = 60_000n;
/** A validator warns about a time further ahead than this. */
export const WARN_AHEAD_MILLIS = 10_000n;
/** A tip that more than one third of stake vouched for within this time is fresh. */
export const FRESH_MILLIS = 60_000n;

// HTTP, the same at a node and at a gateway.
export const MAX_URL_BYTES = 2 * KIB;
export const MAX_REQUEST_HEADER_BYTES = 8 * KIB;
export const MAX_POST_BYTES = 64 * KIB;
export const MAX_HEADER_RANGE = 256;
export const MAX_PROOF_BATCH = 32;
export const MAX_ADDRESS_QUERY = 100;
export const MAX_JSON_DEPTH = 16;
export const MAX_JSON_TOKENS = 10_000;
export const REQUEST_TIMEOUT_MILLIS = 10_000;
export const UPSTREAM_TIMEOUT_MILLIS = 3_000;
export const MAX_UPSTREAM_CALLS = 6;
/** Most items of a page, and those of a page that asks for no number. */
export const MAX_PAGE_ITEMS = 256;
export const DEFAULT_PAGE_ITEMS = 64;
/** `Prefer: wait=` in seconds; longer ones are shortened. */
export const MAX_WAIT_SECONDS = 30;
/** A checkpoint older than this is answered with 503. */
export const STALE_TIP_MILLIS = 60_000;

// Push.
export const MAX_SOCKET_MESSAGE_BYTES = 4 * KIB;
export const MAX_SOCKET_MESSAGES_PER_SECOND = 10;
export const MAX_SOCKET_BURST = 20;
export const MAX_SUBSCRIPTIONS = 16;
/** Heights replayed to a stream that returns; one further behind starts at the tip. */
export const MAX_EVENT_REPLAY = 256n;
export const MAX_SOCKETS_PER_ADDRESS = 5;
export const MAX_SOCKETS_PER_SHARD = 1_000;
export const MAX_SOCKET_QUEUE_MESSAGES = 64;
export const MAX_SOCKET_QUEUE_BYTES = 256 * KIB;
export const SOCKET_IDLE_MILLIS = 60_000;
export const SOCKET_LIFE_MILLIS = 86_400_000;

// Files, configuration and keys.
export const MAX_CONFIG_FILE_BYTES = 1 * MIB;
