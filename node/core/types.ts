/**
 * What goes into the consensus core and what comes out of it.
 *
 * The core is a synchronous state machine: the driver hands it one event at a time, carries out
 * the writes of the answer, and runs its effects. Nothing in this room reads a clock, a disk or a
 * socket (docs/consensus.md §2).
 */
import type { Header } from 'fanal/chain/header.ts';
import type { Branded } from 'fanal/primitives/brand.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { HashTag } from 'fanal/primitives/hash.ts';
import type { Member } from './committee.ts';
import type { ConsensusParams } from './params.ts';

/** The driver's clock in milliseconds. It never runs backwards and may start anywhere. */
export type Millis = number;

/** A validator's place in the committee of the epoch that the message or event names. */
export type Author = number;

/**
 * A value whose signature, and everything else that needs no state, has been checked by the
 * functions of `verify.ts`.
 */
export type Verified<T> = Branded<T, 'Verified'>;

// ---------------------------------------------------------------------------------------------
// The DAG

/** Names one vertex. Total order: round, author, digest bytewise. */
export interface VertexRef {
  readonly round: number;
  readonly author: Author;
  readonly digest: Bytes32;
}

/** Names one commit. The digest chains, so it names all earlier ones too. */
export interface CommitRef {
  readonly epoch: number;
  readonly index: bigint;
  readonly digest: Bytes32;
}

/** One validator's C2SP `cosignature/v1` on the checkpoint (origin, size, root). */
export interface Cosignature {
  readonly size: bigint;
  readonly root: Bytes32;
  /** Seconds since the Unix epoch. */
  readonly time: bigint;
  readonly signature: Bytes;
}

/** What the vertex key signs, by digest. */
export interface VertexHeader {
  readonly version: number;
  readonly genesisId: Bytes32;
  readonly epoch: number;
  readonly round: number;
  readonly author: Author;
  /** Milliseconds since the Unix epoch, by the author's wall clock. */
  readonly time: bigint;
  /** [0] is the author's previous vertex; then at most one of each other author, by author. */
  readonly ancestors: readonly VertexRef[];
  /** The least time that half the stake of the ancestors in the round before had reached. */
  readonly medianTime: bigint;
  readonly payloadDigest: Bytes32;
  readonly payloadBytes: number;
  readonly transactionCount: number;
  /** The author's newest commit. */
  readonly commitVote: CommitRef | null;
  /** The author's newest cosignature: a second way for it to travel. */
  readonly cosignature: Cosignature | null;
  /** Slots that the author has seen two vertices of. */
  readonly misbehaviour: readonly EvidenceRef[];
}

/** What an author signs of a vertex. `ref.digest` is computed from the header, never taken on trust. */
export interface SignedHeader {
  readonly ref: VertexRef;
  readonly header: VertexHeader;
  readonly signature: Bytes;
}

/** A vertex with all that its header binds. */
export interface Vertex extends SignedHeader {
  /** Canonical bytes of signed transactions. */
  readonly payload: readonly Bytes[];
  /**
   * The ids of the payload's transactions, as `verify.ts` found them. Empty in vertices that came
   * with a commit: they are ordered by digest alone.
   */
  readonly transactionIds: readonly Bytes32[];
}

/** Two different vertices of one slot, by digest. */
export interface EvidenceRef {
  readonly round: number;
  readonly author: Author;
  readonly first: Bytes32;
  readonly second: Bytes32;
}

/** One committed part of the DAG, in its final order. */
export interface Commit {
  readonly epoch: number;
  /** From 1, without a gap within the epoch. */
  readonly index: bigint;
  readonly previousDigest: Bytes32;
  readonly leader: VertexRef;
  readonly time: bigint;
  /**
   * In their final order. Where two of one slot are among them, or one was in an earlier commit,
   * only the first counts: the others are equivocation records.
   */
  readonly vertices: readonly VertexRef[];
  /** Computed, never on the wire or on disk. */
  readonly digest: Bytes32;
}

/** Proof that one validator signed two things where it may sign one. */
export type Evidence =
  | {
      readonly kind: 'vertex';
      readonly epoch: number;
      readonly vertices: readonly [Vertex, Vertex];
    }
  | {
      readonly kind: 'cosignature';
      readonly epoch: number;
      readonly author: Author;
      readonly cosignatures: readonly [Cosignature, Cosignature];
    };

// ---------------------------------------------------------------------------------------------
// Blocks and checkpoints

/** Two vertices of one slot in the committed history: a fact of the commit prefix. */
export interface Equivocation {
  readonly epoch: number;
  readonly author: Author;
  readonly round: number;
  /** The one that counted. */
  readonly first: VertexRef;
  readonly second: VertexRef;
}

/** One block as consensus cut it. Equal at every validator, byte for byte. */
export interface BlockInput {
  readonly epoch: number;
  /** The epoch's last block: execution makes the next validator set. */
  readonly lastOfEpoch: boolean;
  readonly height: bigint;
  /** Milliseconds since the Unix epoch; never less than the last header's. */
  readonly time: bigint;
  /** The last commit in the block. */
  readonly commitIndex: bigint;
  readonly commitDigest: Bytes32;
  readonly consensusSnapshotHash: Bytes32;
  /** Signed transactions in linearized order. A repeated one counts the first time only. */
  readonly transactions: readonly Bytes[];
  readonly equivocations: readonly Equivocation[];
  /** Committed vertices by author: what rewards are paid for. */
  readonly rewards: readonly number[];
}

/** Cosignatures by a quorum over one root. Signer sets differ from node to node. */
export interface CertifiedCheckpoint {
  readonly epoch: number;
  readonly size: bigint;
  readonly root: Bytes32;
  /** By author, ascending. */
  readonly cosignatures: readonly AuthoredCosignature[];
}

export interface AuthoredCosignature {
  readonly author: Author;
  readonly cosignature: Cosignature;
}

/**
 * Everything an epoch starts from: the certified last header of the one before, and the set that
 * it names. Epoch 0 starts from header 0.
 */
export interface EpochRecord {
  readonly epoch: number;
  readonly genesisId: Bytes32;
  /** The checkpoint origin. */
  readonly origin: string;
  /** Header, and its block id, that the epoch starts after. */
  readonly startHeight: bigint;
  readonly startBlockId: Bytes32;
  /** That header's time. */
  readonly startTime: bigint;
  readonly members: readonly Member[];
  readonly params: ConsensusParams;
}

// ---------------------------------------------------------------------------------------------
// What is on disk

/** The last own vertex that was signed. It is on disk before the vertex leaves. */
export interface Guard {
  readonly epoch: number;
  /** 0 before the first one of an epoch, then `digest` is 32 zero bytes. */
  readonly round: number;
  readonly digest: Bytes32;
}

/** The last checkpoint that was cosigned. Size 0 before the first. */
export interface CheckpointGuard {
  readonly epoch: number;
  readonly size: bigint;
  readonly root: Bytes32;
}

/** A commit as stored, with the leader schedule that holds after it. */
export interface StoredCommit {
  readonly commit: Commit;
  readonly schedule: ScheduleState;
}

/**
 * What a core starts from. The driver reads it from the journal, the guard file and the ledger.
 *
 * A first start has `guard` at round 0 and nothing else. `guard: null` says that the guard is
 * missing or that the two copies disagree: the core then resumes as after amnesia (rule R6).
 */
export interface StoredState {
  readonly epoch: EpochRecord;
  /** This validator's place in the epoch; null for a full node or a validator outside the set. */
  readonly author: Author | null;
  readonly guard: Guard | null;
  readonly checkpointGuard: CheckpointGuard;
  /**
   * The newest commits of the epoch, oldest first: all whose leader is above the
   * garbage-collection round, and all after the last executed one.
   */
  readonly commits: readonly StoredCommit[];
  /** All stored vertices of the epoch that are above the garbage-collection round, or unexecuted. */
  readonly vertices: readonly Vertex[];
  /** The last executed block. */
  readonly executed: ExecutedTip;
  /** Size of the newest certified checkpoint; 1 at genesis. */
  readonly certifiedSize: bigint;
  /** Set when a divergence was found and not yet cleared by the operator. */
  readonly divergence: string | null;
}

/** Where execution stands. */
export interface ExecutedTip {
  readonly height: bigint;
  readonly time: bigint;
  /** The last commit whose effects are in the state; 0 before an epoch's first. */
  readonly commitIndex: bigint;
  /** Root of the header log of `height + 1` headers. */
  readonly root: Bytes32;
  /** Set when the executed block ends its epoch: only its certificate is missing. */
  readonly next: NextEpoch | null;
}

/** The leader schedule and the scores that make the next one. Part of every commit's record. */
export interface ScheduleState {
  /** Slots of these authors go to others, pairwise. */
  readonly bad: readonly Author[];
  readonly good: readonly Author[];
  /** Since the last change of schedule. */
  readonly scores: readonly number[];
  /** Commits since the last change. */
  readonly commits: number;
  /** Authors that the linearizer caught at two vertices: score 0 for the rest of the epoch. */
  readonly caught: readonly Author[];
}

// ---------------------------------------------------------------------------------------------
// Events

/** A transaction of the mempool. The id covers no signature. */
export interface PendingTransaction {
  readonly id: Bytes32;
  readonly bytes: Bytes;
}

export type TimerId = 'propose' | 'sync' | 'held' | 'certify' | 'amnesia';

/**
 * What can happen to a core. An `epoch` that is not the core's own makes it ignore the event, so a
 * driver may have such events in its queue when the epoch turns.
 */
export type Event =
  /** The first event, and only the first. `wallOffset` + now = milliseconds since the Unix epoch. */
  | { readonly kind: 'boot'; readonly stored: StoredState; readonly wallOffset: number }
  /** The wall clock moved against the driver's. */
  | { readonly kind: 'clock'; readonly wallOffset: number }
  /** A stale generation is ignored. */
  | { readonly kind: 'timer'; readonly id: TimerId; readonly generation: number }
  | { readonly kind: 'peer'; readonly epoch: number; readonly peer: Author; readonly up: boolean }
  | {
      readonly kind: 'vertices';
      readonly epoch: number;
      readonly from: Author;
      readonly via: 'push' | 'fetch';
      /** Of the fetch that is answered. */
      readonly requestId: number | null;
      readonly vertices: readonly Verified<Vertex>[];
    }
  | {
      /** A fetch or a commit fetch failed: timeout, disconnect, or an answer that does not verify. */
      readonly kind: 'fetchFailed';
      readonly epoch: number;
      readonly requestId: number;
      readonly from: Author;
    }
  | {
      readonly kind: 'commits';
      readonly epoch: number;
      readonly from: Author;
      readonly requestId: number;
      readonly commits: readonly Commit[];
      /** Of those commits. Digests are checked against the commits, signatures need not be. */
      readonly vertices: readonly Vertex[];
      /** Headers whose commit votes prove the commits. */
      readonly voters: readonly Verified<SignedHeader>[];
    }
  | {
      /** A peer's answer to `askOwn`: its own newest vertex, null before its first. */
      readonly kind: 'ownReport';
      readonly epoch: number;
      readonly from: Author;
      readonly vertex: Verified<Vertex> | null;
    }
  | { readonly kind: 'askOwn'; readonly epoch: number; readonly from: Author }
  /** A peer has accepted our own vertices up to `round` and wants what follows. */
  | {
      readonly kind: 'subscribe';
      readonly epoch: number;
      readonly from: Author;
      readonly round: number;
    }
  | {
      readonly kind: 'request';
      readonly epoch: number;
      /** Null for a peer outside the committee. */
      readonly from: Author | null;
      readonly requestId: number;
      readonly request: PeerRequest;
    }
  /** The answer to `pullPayload`; it may be empty. */
  | {
      readonly kind: 'payload';
      readonly round: number;
      readonly transactions: readonly PendingTransaction[];
    }
  | {
      /** A block is executed and durable. */
      readonly kind: 'executed';
      readonly height: bigint;
      readonly header: Header;
      /** Root of the header log with this header in it. */
      readonly root: Bytes32;
      /** The certified size that the ledger had written down by then: it never goes back behind it. */
      readonly certifiedSize: bigint;
      /** After an epoch's last block: what the next epoch starts from. */
      readonly next: NextEpoch | null;
    }
  /** Unverified: the core asks for verification when it is worth it. */
  | {
      readonly kind: 'cosignature';
      readonly epoch: number;
      readonly from: Author;
      readonly cosignature: Cosignature;
    }
  | {
      readonly kind: 'cosignaturesVerified';
      readonly epoch: number;
      readonly size: bigint;
      readonly root: Bytes32;
      readonly good: readonly AuthoredCosignature[];
      readonly bad: readonly AuthoredCosignature[];
    }
  /** A peer or the ledger's sync has a certificate that was checked against the epoch's set. */
  | { readonly kind: 'certified'; readonly checkpoint: Verified<CertifiedCheckpoint> };

export interface NextEpoch {
  readonly record: EpochRecord;
  readonly author: Author | null;
}

// ---------------------------------------------------------------------------------------------
// Answers

/** One step's writes are one atomic transaction, in this order, after all earlier ones. */
export type Write =
  /** `vertex.ts` encodes it. */
  | { readonly kind: 'vertex'; readonly vertex: Vertex }
  | { readonly kind: 'guard'; readonly guard: Guard }
  | { readonly kind: 'checkpointGuard'; readonly guard: CheckpointGuard }
  | ({ readonly kind: 'commit' } & StoredCommit)
  | { readonly kind: 'certified'; readonly checkpoint: CertifiedCheckpoint }
  | { readonly kind: 'evidence'; readonly evidence: Evidence }
  | { readonly kind: 'epoch'; readonly record: EpochRecord }
  | { readonly kind: 'divergence'; readonly info: string }
  /**
   * Boot will need no vertex of `epoch` below `round` again, and no commit below `commit`. They may
   * still be kept to serve peers.
   */
  | {
      readonly kind: 'gc';
      readonly epoch: number;
      readonly round: number;
      readonly commit: bigint;
    };

/** The class of a message: what goes first, and what a full queue drops. */
export type SendQueue = 'vertex' | 'cosignature' | 'sync';

export type Effect =
  | {
      readonly kind: 'send';
      readonly to: Author | 'all';
      readonly message: PeerMessage;
      readonly queue: SendQueue;
    }
  /** Ask, and answer with `vertices` (via fetch), `commits`, or `fetchFailed` by the deadline. */
  | {
      readonly kind: 'fetch';
      readonly to: Author;
      readonly requestId: number;
      readonly request: PeerRequest;
      readonly deadline: Millis;
    }
  /** The answer to a peer's request. */
  | {
      readonly kind: 'respond';
      readonly requestId: number;
      readonly response: PeerResponse;
    }
  /** A peer's request that needs the disk: the driver answers it from the journal. */
  | {
      readonly kind: 'serve';
      readonly requestId: number;
      readonly request: PeerRequest;
    }
  | {
      readonly kind: 'timer';
      readonly id: TimerId;
      readonly generation: number;
      readonly at: Millis;
    }
  | { readonly kind: 'cancel'; readonly id: TimerId }
  /** Answer with `payload` for the same round, soon: the proposal waits for it. */
  | {
      readonly kind: 'pullPayload';
      readonly round: number;
      readonly maxBytes: number;
      readonly maxTransactions: number;
    }
  | {
      readonly kind: 'transactionStatus';
      readonly ids: readonly Bytes32[];
      /** `requeue`: an own vertex was collected uncommitted, these may be proposed again. */
      readonly status: 'proposed' | 'committed' | 'requeue';
    }
  /** In order, one height after the other. Answer with `executed`. */
  | { readonly kind: 'execute'; readonly block: BlockInput }
  | {
      readonly kind: 'verifyCosignatures';
      readonly epoch: number;
      readonly size: bigint;
      readonly root: Bytes32;
      readonly cosignatures: readonly AuthoredCosignature[];
    }
  | { readonly kind: 'certified'; readonly checkpoint: CertifiedCheckpoint }
  /** What the certifier saw for one certified size, when it is ten seconds old. */
  | {
      readonly kind: 'cosigningReport';
      readonly epoch: number;
      readonly size: bigint;
      readonly matched: readonly Author[];
      readonly mismatched: readonly Author[];
    }
  | { readonly kind: 'epochStart'; readonly record: EpochRecord; readonly author: Author | null }
  | {
      readonly kind: 'alarm';
      readonly alarm: Alarm;
      readonly info: string;
      readonly proof: readonly Bytes[];
    }
  /** The core has stopped for good; only a new process may go on. */
  | { readonly kind: 'halt'; readonly reason: Alarm; readonly info: string }
  /** How often something noteworthy happened; the simulator's must-hit counters. */
  | { readonly kind: 'mark'; readonly name: MarkName; readonly count: number };

export type Alarm =
  /** Another root than ours has the stake of at least one honest validator. */
  | 'divergence'
  /** A second vertex of ours in one slot: our key signs elsewhere. */
  | 'selfEquivocation'
  /** More than f validators broke the rules: nothing can be promised any more. */
  | 'assumptionBroken';

/** Things worth counting. */
export type MarkName =
  | 'directCommit'
  | 'directSkip'
  | 'indirectCommit'
  | 'indirectSkip'
  | 'equivocatingLeaderCertified'
  | 'equivocationCommitted'
  | 'vertexAccepted'
  | 'vertexSuspended'
  | 'vertexDuplicate'
  | 'vertexHeld'
  | 'vertexCollected'
  | 'ownVertexCollected'
  | 'equivocationSeen'
  | 'safeResume'
  | 'amnesiaResume'
  | 'commitSync'
  | 'scheduleSwap'
  | 'epochCutInFlight'
  | 'epochStart'
  | 'leaderTimeout'
  | 'voteTimeout'
  | 'catchUp'
  | 'quotaDrop'
  | 'aheadDrop'
  | 'fetch'
  | 'fetchRetry'
  | 'ancestorPush'
  | 'divergence'
  | 'executionPaused'
  | 'payloadHalved'
  | 'payloadEmptied'
  | 'cosignRefusedRoot'
  | 'cosignRefusedSize';

/**
 * - `none`: nothing to write.
 * - `lazy`: may be written later, but before anything of a later step is.
 * - `sync`: must be on stable storage before `afterSync` runs.
 */
export type Durability = 'none' | 'lazy' | 'sync';

export interface StepResult {
  readonly writes: readonly Write[];
  readonly durability: Durability;
  /** May run at once, in order. */
  readonly now: readonly Effect[];
  /** Once `writes` and all earlier ones are durable, in order. */
  readonly afterSync: readonly Effect[];
}

// ---------------------------------------------------------------------------------------------
// Between validators. `wire.ts` has the bytes.

/** One-way. Every message carries the genesis id and its epoch on the wire. */
export type PeerMessage =
  /** The sender's own new vertex last, before it ancestors that the receiver may miss. */
  | { readonly kind: 'vertices'; readonly epoch: number; readonly vertices: readonly Vertex[] }
  | { readonly kind: 'cosignature'; readonly epoch: number; readonly cosignature: Cosignature }
  | { readonly kind: 'certified'; readonly epoch: number; readonly checkpoint: CertifiedCheckpoint }
  /** "I have accepted your vertices up to this round; send me yours from there on." */
  | { readonly kind: 'subscribe'; readonly epoch: number; readonly round: number }
  | { readonly kind: 'askOwn'; readonly epoch: number }
  | { readonly kind: 'ownReport'; readonly epoch: number; readonly vertex: Vertex | null };

export type PeerRequest =
  | { readonly kind: 'vertices'; readonly epoch: number; readonly refs: readonly VertexRef[] }
  /** Commits from `first` on, about `count` of them. */
  | {
      readonly kind: 'commits';
      readonly epoch: number;
      readonly first: bigint;
      readonly count: number;
    }
  /** The certified checkpoint of a size, or of a larger one. */
  | { readonly kind: 'checkpoint'; readonly epoch: number; readonly size: bigint };

export type PeerResponse =
  | { readonly kind: 'vertices'; readonly epoch: number; readonly vertices: readonly Vertex[] }
  | {
      readonly kind: 'commits';
      readonly epoch: number;
      readonly commits: readonly Commit[];
      readonly vertices: readonly Vertex[];
      readonly voters: readonly SignedHeader[];
    }
  | {
      readonly kind: 'checkpoint';
      readonly epoch: number;
      readonly checkpoint: CertifiedCheckpoint | null;
    };

// ---------------------------------------------------------------------------------------------
// The core

/** Synchronous and deterministic. Two keys, none of them in the core. */
export interface CryptoPort {
  /** H(tag, parts joined): `taggedHash` of the protocol, or something cheaper in a simulation. */
  hash(tag: HashTag, ...parts: Bytes[]): Bytes32;
  /** By the vertex key. */
  signVertex(digest: Bytes32): Bytes;
  /** By the checkpoint key. */
  signCheckpoint(message: Bytes): Bytes;
}

export interface Core {
  /** `now` never falls from one call to the next. */
  step(now: Millis, event: Event): StepResult;
  /** A hash of everything that must be equal in two cores with the same history. */
  stateHash(): Bytes32;
  /** For metrics and checkers; never for decisions. */
  status(): CoreStatus;
}

/** A look inside, for metrics and the simulator's checkers. */
export interface CoreStatus {
  readonly epoch: number;
  readonly author: Author | null;
  readonly phase: 'booting' | 'running' | 'amnesia' | 'draining' | 'halted';
  /** The last own signed round. */
  readonly round: number;
  readonly clockRound: number;
  readonly gcRound: number;
  readonly commit: CommitRef;
  readonly leaderRound: number;
  readonly executedHeight: bigint;
  readonly certifiedSize: bigint;
  readonly suspended: number;
  readonly missing: number;
  readonly held: number;
  readonly fetching: number;
  readonly pendingBlocks: number;
  readonly pendingCosignatures: number;
  readonly divergence: string | null;
}
