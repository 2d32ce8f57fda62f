/**
 * The simulated disk of a validator: the consensus journal, and the guard file beside it.
 *
 * Writes reach stable storage when a sync completes. A crash loses what was not synced, except for
 * a prefix that happened to be written; it never tears a transaction apart, because the database's
 * own checksums see to that. What the operator of a damaged disk is left with comes in `damage`.
 */
import { ZERO_32 } from 'fanal/primitives/bytes.ts';
import type {
  CertifiedCheckpoint,
  CheckpointGuard,
  Commit,
  Guard,
  StoredCommit,
  StoredState,
  Vertex,
  VertexRef,
  Write,
} from 'fanal-node/core/types.ts';
import { settleGuards } from 'fanal-node/store/sign-guard.ts';
import type { SignState } from 'fanal-node/store/sign-state.ts';
import { type Beginning, bytesKey } from './ledger.ts';
import type { DiskDamage } from './plan.ts';
import type { Random } from './random.ts';

/** What the journal holds. */
interface Journal {
  guard: Guard | null;
  checkpointGuard: CheckpointGuard | null;
  /** By epoch, then by reference. */
  vertices: Map<number, Map<string, Vertex>>;
  /** By epoch; index i is commit i + 1. */
  commits: Map<number, StoredCommit[]>;
  certified: Map<bigint, CertifiedCheckpoint>;
  certifiedSize: bigint;
  divergence: string | null;
  gc: { epoch: number; round: number; commit: bigint };
}

const NOTHING_SIGNED: Guard = { epoch: 0, round: 0, digest: ZERO_32 };
const NO_CHECKPOINT: CheckpointGuard = { epoch: 0, size: 0n, root: ZERO_32 };

type Undo = () => void;

interface Transaction {
  readonly writes: readonly Write[];
  /** Takes each write back, in the same order. */
  readonly undo: readonly Undo[];
}

/** What a run will ask of a disk; the rest need not be kept. */
export interface DiskNeeds {
  /** An old state may be put back. */
  readonly backups: boolean;
  /** Processes restart, or answer from it. */
  readonly vertices: boolean;
}

export class SimDisk {
  /** With writes that are not synced yet. */
  #journal = emptyJournal();
  /** Transactions not synced yet, oldest first. */
  #pending: Transaction[] = [];
  #file: SignState | null = null;
  /** The guards as they are on stable storage. */
  #guard: Guard | null = null;
  #checkpointGuard: CheckpointGuard | null = null;
  #commit: { epoch: number; index: bigint } = { epoch: 0, index: 0n };
  readonly #unsynced = new Set<string>();
  /** Synced transactions, kept only when a backup may be put back. */
  readonly #history: { readonly at: number; writes: readonly Write[] }[] = [];
  readonly #needs: DiskNeeds;

  constructor(needs: DiskNeeds) {
    this.#needs = needs;
  }

  /** What `fanal init` leaves: both guards at round 0, in both places. */
  format(): void {
    this.append([
      { kind: 'guard', guard: NOTHING_SIGNED },
      { kind: 'checkpointGuard', guard: NO_CHECKPOINT },
    ]);
    this.synced(1, 0);
    this.writeGuardFile();
  }

  /** Adds one transaction, not on stable storage yet. */
  append(given: readonly Write[]): void {
    const writes = this.#needs.vertices ? given : given.filter(({ kind }) => kind !== 'vertex');
    const undo = writes.map((write) => apply(this.#journal, write));
    for (const write of writes) {
      if (write.kind === 'vertex') this.#unsynced.add(refKey(write.vertex.ref));
    }
    this.#pending.push({ writes, undo });
  }

  /** How many transactions wait for a sync. */
  get pending(): number {
    return this.#pending.length;
  }

  /** The oldest `count` waiting transactions are on stable storage now. */
  synced(count: number, at: number): void {
    const done = this.#pending.splice(0, count);
    for (const { writes } of done) {
      for (const write of writes) this.#settle(write);
      if (this.#needs.backups) this.#history.push({ at, writes });
    }
  }

  /** Brings the guard file up to the synced journal. Always after the journal, before a send. */
  writeGuardFile(): void {
    const vertex = laterGuard(this.#guard, this.#file?.vertex ?? NOTHING_SIGNED);
    this.#file = { vertex, checkpoint: this.#checkpointGuard ?? NO_CHECKPOINT };
  }

  /** The machine stops: what was not synced is lost, but for a prefix. */
  crash(random: Random, keepUnsynced: number, at: number): void {
    const kept = random.chance(keepUnsynced) ? random.below(this.#pending.length + 1) : 0;
    this.synced(kept, at);
    for (const { undo } of this.#pending.toReversed()) for (const one of undo.toReversed()) one();
    this.#pending = [];
    this.#unsynced.clear();
  }

  /** Does to the journal what the operator finds after a worse crash. */
  damage(damage: DiskDamage, before: number): void {
    if (damage === 'none') return;
    this.#journal = emptyJournal();
    this.#guard = null;
    this.#checkpointGuard = null;
    this.#commit = { epoch: 0, index: 0n };
    const kept = this.#history.filter(({ at }) => damage === 'backup' && at <= before);
    this.#history.length = 0;
    for (const { at, writes } of kept) {
      this.append(writes);
      this.synced(1, at);
    }
  }

  /**
   * Compares the two guards, as the node does at every start. An amnesia outlives restarts: the
   * journal has no guard until the core, which then knows where it may go on, writes the next one.
   */
  settle(): void {
    const { guard, checkpointGuard } = settleGuards(
      { vertex: this.#journal.guard, checkpoint: this.#journal.checkpointGuard },
      this.#file,
    );
    this.#journal.guard = guard;
    this.#guard = guard;
    this.#journal.checkpointGuard = checkpointGuard;
    this.#checkpointGuard = checkpointGuard;
  }

  /** What a core starts from, once the guards are settled. */
  stored({ epoch, executed, certifiedSize }: Beginning, author: number | null): StoredState {
    const journal = this.#journal;
    const commits = journal.commits.get(epoch.epoch) ?? [];
    const gc = journal.gc.epoch === epoch.epoch ? journal.gc : { round: 0, commit: 0n };
    const vertices = [...this.vertices(epoch.epoch)].filter(({ ref }) => ref.round >= gc.round);
    return {
      epoch,
      author,
      guard: journal.guard,
      checkpointGuard: journal.checkpointGuard ?? NO_CHECKPOINT,
      commits: commits.filter(({ commit }) => commit.index >= gc.commit),
      vertices: vertices.sort((a, b) => a.ref.round - b.ref.round),
      executed,
      certifiedSize,
      divergence: journal.divergence,
    };
  }

  /** Syncs everything at once, as a process does that ends by itself. */
  flush(at: number): void {
    this.synced(this.#pending.length, at);
    this.writeGuardFile();
  }

  /** Everything stored of an epoch's commits, for peers that ask. */
  commits(epoch: number): readonly Commit[] {
    return (this.#journal.commits.get(epoch) ?? []).map(({ commit }) => commit);
  }

  vertex(epoch: number, ref: VertexRef): Vertex | undefined {
    return this.#journal.vertices.get(epoch)?.get(refKey(ref));
  }

  vertices(epoch: number): IterableIterator<Vertex> {
    return (this.#journal.vertices.get(epoch) ?? new Map<string, Vertex>()).values();
  }

  certified(size: bigint): CertifiedCheckpoint | undefined {
    return this.#journal.certified.get(size);
  }

  /** The newest certified checkpoint; undefined when only genesis is certified. */
  newestCertified(): CertifiedCheckpoint | undefined {
    return this.#journal.certified.get(this.#journal.certifiedSize);
  }

  /** What a checker asks before something leaves: is it on stable storage? */
  holdsVertex(epoch: number, ref: VertexRef): boolean {
    return this.vertex(epoch, ref) !== undefined && !this.#unsynced.has(refKey(ref));
  }

  /** The guards on stable storage, both copies. */
  durableGuards(): {
    readonly journal: Guard | null;
    readonly file: Guard | null;
    readonly checkpoint: CheckpointGuard;
    readonly checkpointFile: CheckpointGuard;
  } {
    return {
      journal: this.#guard,
      file: this.#file?.vertex ?? null,
      checkpoint: this.#checkpointGuard ?? NO_CHECKPOINT,
      checkpointFile: this.#file?.checkpoint ?? NO_CHECKPOINT,
    };
  }

  /** The newest commit on stable storage. */
  durableCommit(): { readonly epoch: number; readonly index: bigint } {
    return this.#commit;
  }

  /** Clears a divergence marker, in backups too, as the operator does after replacing the binary. */
  clearDivergence(): void {
    this.#journal.divergence = null;
    for (const one of this.#history) {
      one.writes = one.writes.filter(({ kind }) => kind !== 'divergence');
    }
  }

  #settle(write: Write): void {
    if (write.kind === 'guard') this.#guard = write.guard;
    else if (write.kind === 'checkpointGuard') this.#checkpointGuard = write.guard;
    else if (write.kind === 'vertex') this.#unsynced.delete(refKey(write.vertex.ref));
    else if (write.kind === 'commit') {
      this.#commit = { epoch: write.commit.epoch, index: write.commit.index };
    }
  }
}

function emptyJournal(): Journal {
  return {
    guard: null,
    checkpointGuard: null,
    vertices: new Map(),
    commits: new Map(),
    certified: new Map(),
    certifiedSize: 1n,
    divergence: null,
    gc: { epoch: 0, round: 0, commit: 0n },
  };
}

/** Does one write, and says how to take it back. */
function apply(journal: Journal, write: Write): Undo {
  switch (write.kind) {
    case 'vertex': {
      const { vertex } = write;
      const vertices = section(journal.vertices, vertex.header.epoch, () => new Map());
      const key = refKey(vertex.ref);
      if (vertices.has(key)) return () => {};
      vertices.set(key, vertex);
      return () => vertices.delete(key);
    }
    case 'guard': {
      const before = journal.guard;
      journal.guard = write.guard;
      return () => {
        journal.guard = before;
      };
    }
    case 'checkpointGuard': {
      const before = journal.checkpointGuard;
      journal.checkpointGuard = write.guard;
      return () => {
        journal.checkpointGuard = before;
      };
    }
    case 'commit': {
      const commits = section(journal.commits, write.commit.epoch, () => []);
      commits.push({ commit: write.commit, schedule: write.schedule });
      return () => commits.pop();
    }
    case 'certified': {
      const { size } = write.checkpoint;
      const before = journal.certifiedSize;
      const replaced = journal.certified.get(size);
      journal.certified.set(size, write.checkpoint);
      if (size > before) journal.certifiedSize = size;
      return () => {
        journal.certifiedSize = before;
        if (replaced === undefined) journal.certified.delete(size);
        else journal.certified.set(size, replaced);
      };
    }
    case 'divergence': {
      const before = journal.divergence;
      journal.divergence = write.info;
      return () => {
        journal.divergence = before;
      };
    }
    case 'gc': {
      const before = journal.gc;
      journal.gc = { epoch: write.epoch, round: write.round, commit: write.commit };
      return () => {
        journal.gc = before;
      };
    }
    case 'epoch':
    case 'evidence':
      return () => {};
  }
}

function section<V>(map: Map<number, V>, key: number, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function laterGuard(a: Guard | null, b: Guard): Guard {
  if (a === null) return b;
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.round >= b.round) ? a : b;
}

/** A reference as a map key. */
export function refKey(ref: VertexRef): string {
  return `${ref.round}/${ref.author}/${bytesKey(ref.digest)}`;
}
