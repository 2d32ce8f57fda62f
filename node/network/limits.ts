/**
 * Every limit of the peer-to-peer side, in one place. What the protocol itself bounds (vertices,
 * transactions, fetches) is in `fanal/chain/limits.ts`; these bound what a node lends to its peers.
 */
const KIB = 1024;
const MIB = 1024 * KIB;

export const NETWORK_LIMITS = {
  /** A frame on a validator stream: a full vertex and the ancestors pushed along with it. */
  consensusFrameBytes: 2 * MIB + 64 * KIB,
  /** A request of a follower, and one frame of an answer. */
  requestBytes: 64 * KIB,
  answerFrameBytes: 4 * MIB + 64 * KIB,
  answerFrames: 1_024,
  /** All that one request may bring: a server that goes on is cut off. */
  answerBytes: 64 * MIB,

  /** Bytes waiting to be sent to one validator, per queue. What does not fit is dropped. */
  outboxBytes: 16 * MIB,
  /** Bytes received from one validator and not yet taken by consensus: then the stream pauses. */
  inboxBytes: 8 * MIB,
  inboxFrames: 4_096,

  /** Connections that are not validators' of the set in force. */
  followerConnections: 64,
  connectionsPerPeer: 2,
  pendingConnections: 8,
  newConnectionsPerSecond: 5,
  handshakeMillis: 5_000,
  /** Main-thread time that all strangers together may cost. */
  strangerMillisPerSecond: 100,
  strangerMillisBurst: 200,
  negotiationMillis: 5_000,
  /** A follower's connection without a stream on it. */
  idleMillis: 30_000,
  /** Connections tried at a time for peers that ask whether they can be reached. */
  dialBacks: 4,
  dialMillis: 5_000,
  streamsPerProtocol: 4,
  streamBufferBytes: MIB,
  streamWindowBytes: MIB,

  /** Keep-alive: silence for three pings closes the link. */
  pingMillis: 3_000,
  silenceMillis: 10_000,
  helloMillis: 5_000,
  /** Longer than a hello may take: the peer may have to find out whether an older instance lives. */
  welcomeMillis: 12_000,
  /** How long an instance of a validator is asked for a sign of life before a newer one replaces it. */
  instanceProbeMillis: 3_000,

  /** Of two members the second to dial begins after this: time for the first one's dial and hello. */
  secondDialMillis: 100,
  /** Redialling: exponential, with jitter, forever for validators. */
  backoffFirstMillis: 100,
  backoffMaxMillis: 10_000,

  tipRepeatMillis: 3_000,
  tipListeners: 256,

  requestMillis: 15_000,
  requestsInFlightPerPeer: 4,

  /** What one follower may ask for. */
  followerRequestsPerSecond: 50,
  followerRequestBurst: 200,
  followerBytesPerSecond: 8 * MIB,
  followerByteBurst: 64 * MIB,
  /** Transactions that one peer that is no validator may submit. */
  followerTransactionsPerSecond: 200,
  followerTransactionBurst: 1_000,

  transactionBatchBytes: 256 * KIB,
  transactionBatchCount: 512,
  transactionBatchMillis: 10,

  /** Connections that a follower keeps up. */
  neighbours: 4,

  bookEntries: 1_024,
  exchangeEntries: 32,
  bannedPeers: 4_096,
  bannedAddresses: 4_096,
} as const;
