/**
 * The ways in which a validator of the simulator breaks the rules.
 *
 * Each is one behaviour, so that a failing seed names its culprit; a plan gives several validators
 * different ones, and `collude` makes the network scheduler their accomplice.
 */
export const BYZANTINE_KINDS = [
  /** Says nothing at all. */
  'silent',
  /** Says everything late. */
  'slow',
  /** One vertex for one half of the validators, another for the other half. */
  'equivocateHalves',
  /** Another vertex for each peer. */
  'equivocatePerPeer',
  /** Two chains of vertices, each building on its own, each shown to one half. */
  'equivocateChains',
  /** Both vertices of a slot to everybody. */
  'equivocateOpenly',
  /** Sends vertices to f validators only. */
  'withholdFromQuorum',
  /** Sends vertices to f + 1 validators only, and answers nobody. */
  'withholdFromMost',
  /** Keeps vertices to itself and sends them all when they are almost collected. */
  'releaseLate',
  /** A header whose payload is missing or another one. */
  'wrongPayload',
  /** Leaves the leader's vertex out of its ancestors. */
  'neverVote',
  /** Votes for the leader, to one validator only. */
  'voteThenHide',
  /** Names ancestors that do not exist. */
  'ghostAncestors',
  /** Names only the oldest ancestors that are allowed, and collected ones. */
  'oldAncestors',
  /** Names one author twice, or ancestors out of order. */
  'malformedAncestors',
  /** Sends vertices slim, and says of them what is not so: to each peer something else. */
  'lieInSlim',
  /** Signs vertices of rounds far ahead. */
  'farRounds',
  /** Times at the very limit of the allowed drift, and beyond it. */
  'driftTimes',
  /** Carries a median time that is not the median. */
  'wrongMedian',
  /** Signatures that do not verify. */
  'badSignatures',
  /** More transactions or bytes than a vertex may carry. */
  'oversize',
  /** Answers to requests for vertices and commits are partial, in wrong order, wrong, or endless. */
  'lyingSync',
  /** Votes for commits that nobody made. */
  'falseCommitVotes',
  /** Cosigns another root at the same size too. */
  'doubleCosign',
  /** Cosignatures that do not verify, for sizes that do not exist. */
  'badCosign',
  /** Never cosigns. */
  'neverCosign',
  /** Sends again what was signed in other epochs. */
  'replayEpochs',
  /** A second machine runs the same keys, with an empty disk. */
  'amnesiacTwin',
  /** Fills vertices with duplicate, invalid and conflicting transactions. */
  'spam',
  /** Floods with valid requests and old vertices. */
  'flood',
  /** Never votes, and the network holds back what honest leaders send. */
  'collude',
] as const;

export type ByzantineKind = (typeof BYZANTINE_KINDS)[number];
