/**
 * The consensus journal: carries out the writes of each step of the core, and gives back after a
 * restart what the core starts from.
 *
 * A step's writes are one transaction. Those that may be late wait in memory and go to disk, in
 * order, with the next ones that may not. What guards a key is written a second time, to the
 * sign-state file, before `write` returns.
 */
import { assert } from 'fanal/primitives/assert.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { decodeCommit, scheduleCodec } from '../core/commit.ts';
import type {
  CertifiedCheckpoint,
  Commit,
  EpochRecord,
  ExecutedTip,
  StoredState,
  VertexRef,
} from '../core/types.ts';
import { decodeVertex, type TaggedHash } from '../core/vertex.ts';
import { type Database, openDatabase } from './database.ts';
import { certificateCodec, epochRecordCodec, evidenceHalves } from './journal-records.ts';
import { type JournalStatements, prepareJournal } from './journal-statements.ts';
import { STORE_LIMITS } from './limits.ts';
import { type SigningStart, type StoredGuards, settleGuards } from './sign-guard.ts';
import {
  NOTHING_SIGNED,
  readSignState,
  type SignState,
  type SignStateOwner,
  writeSignState,
} from './sign-state.ts';
import { type JournalWrite, type StoredWrite, storedWrite } from './stored-write.ts';

export interface JournalOptions {
  readonly path: string;
  readonly hash: TaggedHash;
  /** The keys this node signs with, and their second guard. Null for a node that signs nothing. */
  readonly signing: { readonly path: string; readonly owner: SignStateOwner } | null;
}

/** What the rest of the node knows about where a boot starts. */
export interface BootFacts {
  readonly epoch: EpochRecord;
  readonly author: number | null;
  readonly executed: ExecutedTip;
  readonly certifiedSize: bigint;
}

/** What the core starts from, and whether it may sign. */
export interface Boot {
  readonly stored: StoredState;
  readonly signing: SigningStart;
}

/**
 * Opens the journal, making it first where there is none.
 *
 * @throws {StoreError}
 */
export function openJournal(options: JournalOptions): Journal {
  const { journalCacheMebibytes: cacheMebibytes } = STORE_LIMITS;
  const database = openDatabase({ path: options.path, kind: 'journal', cacheMebibytes });
  return new Journal(database, options);
}

/** One validator's journal. Every method throws `StoreError` when the disk fails. */
export class Journal {
  readonly #database: Database;
  readonly #hash: TaggedHash;
  readonly #signing: JournalOptions['signing'];
  readonly #statements: JournalStatements;
  #waiting: StoredWrite[] = [];
  #waitingBytes = 0;
  /** What the sign-state file holds, once it was read. */
  #file: SignState | null = null;

  constructor(database: Database, { hash, signing }: JournalOptions) {
    this.#database = database;
    this.#hash = hash;
    this.#signing = signing;
    this.#statements = prepareJournal(database);
  }

  /**
   * Carries out one step's writes. `sync`: they and all earlier ones are durable on return. `lazy`:
   * they are, at the latest, when the next `sync` is.
   */
  write(writes: readonly JournalWrite[], durability: 'none' | 'lazy' | 'sync'): void {
    for (const write of writes) {
      const stored = storedWrite(write);
      this.#waiting.push(stored);
      this.#waitingBytes += sizeOf(stored);
    }
    if (durability === 'sync' || this.#waitingBytes > STORE_LIMITS.lazyBytes) this.flush();
  }

  /** Writes what is still waiting. */
  flush(): void {
    const writes = this.#waiting;
    if (writes.length === 0) return;
    this.#database.transaction(() => {
      for (const write of writes) this.#carryOut(write);
    });
    this.#waiting = [];
    this.#waitingBytes = 0;
    // Dying here leaves the file behind the journal: the journal's guard counts then.
    const isGuarded = writes.some(({ kind }) => kind === 'guard' || kind === 'checkpointGuard');
    if (isGuarded && this.#signing !== null) this.#writeFile(this.#signing);
  }

  /** The newest epoch that was begun here; null in a new journal. */
  newestEpoch(): EpochRecord | null {
    const row = this.#database.read(() => this.#statements.newestEpoch.get());
    return row === undefined ? null : epochRecordCodec.decode(row.bytes);
  }

  load({ epoch, author, executed, certifiedSize }: BootFacts): Boot {
    this.flush();
    const signing = this.#settle();
    return this.#database.read(() => {
      const from = this.#statements.horizon.get({ epoch: epoch.epoch });
      const all = { epoch: epoch.epoch, limit: Number.MAX_SAFE_INTEGER };
      const commits = this.#statements.commitsFrom.all({ ...all, index: from?.commit ?? 0n });
      const vertices = this.#statements.verticesFrom.all({ ...all, round: from?.round ?? 0 });
      const stored: StoredState = {
        epoch,
        author,
        guard: signing.guard,
        checkpointGuard: signing.checkpointGuard,
        commits: commits.map((row) => ({
          commit: decodeCommit(row.bytes, this.#hash),
          schedule: scheduleCodec.decode(row.schedule),
        })),
        vertices: vertices.map((row) => decodeVertex(row.bytes, this.#hash)),
        executed,
        certifiedSize,
        divergence: this.divergence(),
      };
      return { stored, signing };
    });
  }

  /** Writes both guards at their start, for new keys. Does nothing where there is one already. */
  beginSigning(): void {
    const signing = this.#signing;
    assert(signing !== null, 'this node has keys');
    const { vertex, checkpoint } = this.#readGuards();
    if (vertex !== null || checkpoint !== null) return;
    if (readSignState(signing.path, signing.owner) !== null) return;
    this.#database.transaction(() => {
      this.#carryOut({ kind: 'guard', guard: NOTHING_SIGNED.vertex });
      this.#carryOut({ kind: 'checkpointGuard', guard: NOTHING_SIGNED.checkpoint });
    });
    this.#writeFile(signing);
  }

  /** Vertices in canonical bytes, for a peer; what is not here is left out. */
  vertices(epoch: number, refs: readonly VertexRef[]): Bytes[] {
    this.flush();
    return this.#database.read(() =>
      refs.flatMap(({ round, author, digest }) => {
        const row = this.#statements.vertex.get({ epoch, round, author, digest });
        return row === undefined ? [] : [row.bytes];
      }),
    );
  }

  /** Vertices of a round and above, lowest first: among them those that vote for a commit. */
  verticesFrom(epoch: number, round: number, limit: number): Bytes[] {
    this.flush();
    const rows = this.#database.read(() =>
      this.#statements.verticesFrom.all({ epoch, round, limit }),
    );
    return rows.map((row) => row.bytes);
  }

  /** Consecutive commits of an epoch. */
  commits(epoch: number, first: bigint, count: number): Commit[] {
    this.flush();
    const rows = this.#database.read(() =>
      this.#statements.commitsFrom.all({ epoch, index: first, limit: count }),
    );
    return rows.map((row) => decodeCommit(row.bytes, this.#hash));
  }

  /** The certificate of the least size that is at least `size`. */
  certificate(size: bigint): CertifiedCheckpoint | null {
    this.flush();
    const row = this.#database.read(() => this.#statements.certificateFrom.get({ size }));
    return row === undefined ? null : certificateCodec.decode(row.bytes);
  }

  divergence(): string | null {
    return this.#database.read(() => this.#statements.divergence.get())?.info ?? null;
  }

  /** The operator's word that the divergence is settled. */
  clearDivergence(): void {
    this.#database.transaction(() => this.#statements.clearDivergence.run());
  }

  sizeBytes(): number {
    return this.#database.sizeBytes();
  }

  close(): void {
    this.flush();
    this.#database.close();
  }

  /**
   * Compares the two guards and keeps the verdict. An amnesia outlives restarts: the journal has no
   * vertex guard until the core, which then knows where it may go on, writes the next one.
   */
  #settle(): SigningStart {
    const signing = this.#signing;
    this.#file = signing === null ? null : readSignState(signing.path, signing.owner);
    const start = settleGuards(this.#readGuards(), this.#file);
    if (signing === null) return start;
    this.#database.transaction(() => {
      this.#carryOut({ kind: 'checkpointGuard', guard: start.checkpointGuard });
      if (start.amnesia !== null) this.#statements.dropGuard.run({ key: 'vertex' });
    });
    return start;
  }

  #writeFile({ path, owner }: NonNullable<JournalOptions['signing']>): void {
    const { vertex, checkpoint } = this.#readGuards();
    assert(checkpoint !== null, 'a key that signs has a checkpoint guard');
    const state = { vertex: vertex ?? this.#file?.vertex ?? NOTHING_SIGNED.vertex, checkpoint };
    writeSignState(path, owner, state);
    this.#file = state;
  }

  #readGuards(): StoredGuards {
    const own = this.#statements.guard.get({ key: 'vertex' });
    const size = this.#statements.guard.get({ key: 'checkpoint' });
    return {
      vertex:
        own === undefined
          ? null
          : { epoch: own.epoch, round: Number(own.position), digest: own.digest as Bytes32 },
      checkpoint:
        size === undefined
          ? null
          : { epoch: size.epoch, size: size.position, root: size.digest as Bytes32 },
    };
  }

  /** One write. The caller holds the transaction; all of it is on disk or none. */
  #carryOut(write: StoredWrite): void {
    const statements = this.#statements;
    switch (write.kind) {
      case 'storedVertex': {
        const { epoch, ref, bytes } = write;
        const slot = { epoch, ...ref };
        if (statements.vertex.get(slot) === undefined) statements.addVertex.run({ ...slot, bytes });
        return;
      }
      case 'guard': {
        const { epoch, round, digest } = write.guard;
        statements.setGuard.run({ key: 'vertex', epoch, position: BigInt(round), digest });
        return;
      }
      case 'checkpointGuard': {
        const { epoch, size, root } = write.guard;
        statements.setGuard.run({ key: 'checkpoint', epoch, position: size, digest: root });
        return;
      }
      case 'storedCommit': {
        const { epoch, index, bytes, schedule } = write;
        statements.addCommit.run({ epoch, index, bytes, schedule });
        return;
      }
      case 'storedCertificate': {
        const { epoch, size, bytes } = write;
        statements.addCertificate.run({ size, epoch, bytes });
        statements.pruneCertificates.run({ size: size - STORE_LIMITS.certificates });
        return;
      }
      case 'evidence': {
        const [first, second] = evidenceHalves(write.evidence);
        const { epoch, kind } = write.evidence;
        statements.addEvidence.run({ epoch, kind, first, second });
        return;
      }
      case 'epoch': {
        const { record } = write;
        statements.addEpoch.run({ epoch: record.epoch, bytes: epochRecordCodec.encode(record) });
        return;
      }
      case 'divergence':
        statements.setDivergence.run({ info: write.info });
        return;
      case 'gc': {
        const { epoch, round, commit } = write;
        statements.setHorizon.run({ epoch, round, commit });
        this.#prune(epoch, round, commit);
      }
    }
  }

  /** Drops, a bounded number at a time, what no peer is served from here any more. */
  #prune(epoch: number, round: number, commit: bigint): void {
    const { prunePastVertices, prunePastCommits, pruneVertices, pruneCommits } = this.#statements;
    prunePastVertices.run({ epoch: epoch - 1 });
    prunePastCommits.run({ epoch: epoch - 1 });
    pruneVertices.run({ epoch, round: round - STORE_LIMITS.servedRounds });
    pruneCommits.run({ epoch, index: commit - BigInt(STORE_LIMITS.servedRounds) });
  }
}

/** Roughly what a write takes in memory. */
function sizeOf(write: StoredWrite): number {
  return 'bytes' in write ? write.bytes.length : 512;
}
