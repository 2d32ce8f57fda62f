/**
 * Limits of the running node's own queues and threads.
 */
export const RUNTIME_LIMITS = {
  /** Signatures in one piece of work for a thread: about four milliseconds. */
  verifyBatch: 64,
  /** Pieces that a thread has at hand, so that it never waits for the next. */
  verifyInFlight: 2,
  /** Signatures that the main thread checks by itself: at most a sixth of its time. */
  inlineVerifiesPerSecond: 2_500,
  inlineVerifyBurst: 100,
  inlineVerifyBatch: 16,
  /** Transaction signatures waiting to be checked; above it nodes and wallets hear "busy". */
  verifyWaiting: 20_000,

  /** Events waiting for the core at which messages from peers are no longer let in. */
  driverBusyEvents: 1_024,
  /** Events handled before timers and sockets get a turn. */
  driverTurnEvents: 256,
  driverTurnMillis: 8,

  /** How soon the inbox is looked at again when the core was busy. */
  busyMillis: 5,
  /** How often the wall clock is compared, and the jump that the core hears of. */
  clockMillis: 1_000,
  clockJumpMillis: 20,
  /** How long others may be in a later epoch before this node catches up by blocks. */
  behindMillis: 2_000,
  behindForMillis: 10_000,

  /** How long an answer with the full form of a slim vertex is waited for. */
  fullVertexMillis: 2_000,

  /** Writes that may wait for the journal before the driver pauses. */
  journalWaitingWrites: 20_000,
  journalLazyMillis: 50,

  /** Transactions that are admitted together, and batches on their way at a time. */
  admitBatch: 256,
  admitInFlight: 2,
  admitMillis: 8,
  /** Transactions that wait to be looked at; above it nodes and wallets hear "busy". */
  admitWaiting: 8_192,

  /** Transactions passed on to proposers in one message. */
  gossipBytes: 60 * 1024,
  gossipCount: 512,
  gossipMillis: 8,

  /** Peers that are asked for the same blocks before a sync attempt counts as failed. */
  syncPeers: 3,
  syncBlocks: 64,
  syncBytes: 16 * 1024 * 1024,
  syncRetryMillis: 500,
  /** How often others are asked for what lies between an old ledger and the journal. */
  gapRetryMillis: 1_000,
  /** How long a validator looks for any peer before it begins on its own. */
  peersMillis: 3_000,
  catchUpAttempts: 5,
  /** Peers that are asked to try where this node says it is. */
  reachPeers: 3,
  /** A follower looks for itself this often, news or not. */
  followMillis: 5_000,
  /** Blocks behind the certified tip at which a node counts as caught up. */
  syncedBlocks: 2n,

  certifiedEvents: 1_024,
  /** Addresses that a peer is told of. */
  sharedPeers: 32,
  /** How often the main thread's delays are looked at, and the one that is worth a warning. */
  lagMillis: 10_000,
  lagWarnMillis: 250,
  shutdownMillis: 10_000,
  /** How long a node that may not go on still serves what it has. */
  farewellMillis: 10_000,
  lastWordsMillis: 300,
  /**
   * The watch for a twin before signing: how often it looks, the part of it in which vertices from
   * before a loss may still come, and how many times as long it waits where no blocks are made.
   */
  watchLookMillis: 500,
  watchGraceParts: 3,
  watchPatience: 3,
} as const;
