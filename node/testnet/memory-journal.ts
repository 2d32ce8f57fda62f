/**
 * A validator's journal in memory: what a core writes, what it boots from after a kill, and what
 * peers that fell behind are served from. It outlives the core, as a disk would.
 */

import { equalBytes, ZERO_32 } from 'fanal/primitives/bytes.ts';
import type {
  CertifiedCheckpoint,
  CheckpointGuard,
  Commit,
  EpochRecord,
  ExecutedTip,
  Guard,
  PeerRequest,
  PeerResponse,
  StoredCommit,
  StoredState,
  Vertex,
  VertexRef,
  Write,
} from '../core/types.ts';
import type { DriverJournal } from '../runtime/driver.ts';

/** Rounds that are kept below the garbage-collection round, for peers that fell behind. */
const KEPT_ROUNDS = 60;
const MAX_COMMITS = 16;
const MAX_VERTICES = 32;
const VOTE_ROUNDS = 8;

export class MemoryJournal implements DriverJournal {
  readonly isBehind = false;
  #epoch = 0;
  #guard: Guard = { epoch: 0, round: 0, digest: ZERO_32 };
  #checkpointGuard: CheckpointGuard = { epoch: 0, size: 0n, root: ZERO_32 };
  /** Of the running epoch. */
  #rounds = new Map<number, Vertex[]>();
  #commits: StoredCommit[] = [];
  #certified: CertifiedCheckpoint | null = null;
  #gc = { round: 0, commit: 0n };
  #divergence: string | null = null;
  readonly #onCommit: (commit: Commit, leader: Vertex | undefined) => void;

  constructor(onCommit: (commit: Commit, leader: Vertex | undefined) => void) {
    this.#onCommit = onCommit;
  }

  write(writes: readonly Write[]): void {
    for (const write of writes) this.#write(write);
  }

  /** Memory is as durable as it gets at once, but the callback never runs inside the step. */
  afterSync(callback: () => void): void {
    setImmediate(callback);
  }

  stored(epoch: EpochRecord, author: number, executed: ExecutedTip, size: bigint): StoredState {
    const current = this.#epoch === epoch.epoch;
    return {
      ...{ epoch, author, executed },
      guard:
        this.#guard.epoch === epoch.epoch
          ? this.#guard
          : { epoch: epoch.epoch, round: 0, digest: ZERO_32 },
      checkpointGuard: this.#checkpointGuard,
      commits: current ? this.#commits.filter(({ commit }) => commit.index >= this.#gc.commit) : [],
      vertices: current
        ? [...this.#rounds]
            .flatMap(([round, all]) => (round >= this.#gc.round ? all : []))
            .sort((a, b) => a.ref.round - b.ref.round)
        : [],
      certifiedSize: size,
      divergence: this.#divergence,
    };
  }

  /** What a peer asks for and the core has forgotten; null when it is not here either. */
  answer(request: PeerRequest): PeerResponse | null {
    const { epoch } = request;
    if (epoch !== this.#epoch) return null;
    switch (request.kind) {
      case 'vertices': {
        const vertices = this.#find(request.refs.slice(0, MAX_VERTICES));
        return vertices.length === 0 ? null : { kind: 'vertices', epoch, vertices };
      }
      case 'commits':
        return this.#answerCommits(epoch, request.first, request.count);
      case 'checkpoint': {
        const fits = this.#certified !== null && this.#certified.size >= request.size;
        return { kind: 'checkpoint', epoch, checkpoint: fits ? this.#certified : null };
      }
    }
  }

  #answerCommits(epoch: number, first: bigint, count: number): PeerResponse | null {
    const commits: Commit[] = [];
    const vertices: Vertex[] = [];
    for (const { commit } of this.#commits) {
      if (commit.index < first) continue;
      if (commit.index !== first + BigInt(commits.length)) break;
      if (commits.length === Math.min(count, MAX_COMMITS)) break;
      const found = this.#find(commit.vertices);
      if (found.length < commit.vertices.length) break;
      commits.push(commit);
      vertices.push(...found);
    }
    const last = commits.at(-1);
    if (last === undefined) return null;
    return { kind: 'commits', epoch, commits, vertices, voters: this.#voters(first, last) };
  }

  /** Of each author the vertex that votes for the latest of these commits. */
  #voters(first: bigint, last: Commit): Vertex[] {
    const best = new Map<number, Vertex>();
    for (let round = last.leader.round + 1; round <= last.leader.round + VOTE_ROUNDS; round++) {
      for (const vertex of this.#rounds.get(round) ?? []) {
        const vote = vertex.header.commitVote;
        if (vote === null || vote.index < first || vote.index > last.index) continue;
        const known = best.get(vertex.ref.author)?.header.commitVote?.index ?? 0n;
        if (vote.index > known) best.set(vertex.ref.author, vertex);
      }
    }
    return [...best.values()];
  }

  #find(refs: readonly VertexRef[]): Vertex[] {
    return refs.flatMap((ref) => this.#vertex(ref) ?? []);
  }

  #vertex(ref: VertexRef): Vertex | undefined {
    return this.#rounds
      .get(ref.round)
      ?.find((one) => one.ref.author === ref.author && equalBytes(one.ref.digest, ref.digest));
  }

  #write(write: Write): void {
    switch (write.kind) {
      case 'vertex': {
        const { vertex } = write;
        const all = this.#rounds.get(vertex.ref.round);
        if (all === undefined) this.#rounds.set(vertex.ref.round, [vertex]);
        else if (this.#vertex(vertex.ref) === undefined) all.push(vertex);
        return;
      }
      case 'guard':
        this.#guard = write.guard;
        return;
      case 'checkpointGuard':
        this.#checkpointGuard = write.guard;
        return;
      case 'commit':
        this.#commits.push({ commit: write.commit, schedule: write.schedule });
        this.#onCommit(write.commit, this.#vertex(write.commit.leader));
        return;
      case 'certified':
        if (write.checkpoint.size > (this.#certified?.size ?? 0n)) {
          this.#certified = write.checkpoint;
        }
        return;
      case 'divergence':
        this.#divergence = write.info;
        return;
      case 'gc':
        this.#collect(write.round, write.commit);
        return;
      case 'epoch':
        this.#epoch = write.record.epoch;
        this.#rounds = new Map();
        this.#commits = [];
        this.#gc = { round: 0, commit: 0n };
        return;
      case 'evidence':
        return;
    }
  }

  #collect(round: number, commit: bigint): void {
    this.#gc = { round, commit };
    for (const known of this.#rounds.keys()) {
      if (known < round - KEPT_ROUNDS) this.#rounds.delete(known);
    }
    const floor = round - KEPT_ROUNDS;
    const keep = this.#commits.findIndex(
      (one) => one.commit.leader.round >= floor || one.commit.index >= commit,
    );
    if (keep > 0) this.#commits.splice(0, keep);
  }
}
