/**
 * From committed leaders to one order of vertices (docs/consensus.md §6).
 *
 * A commit takes everything in its leader's history that no earlier commit took, down to a round
 * that the previous commit fixes, in an order that nobody can choose and that has no ties.
 */
import { assert } from 'fanal/primitives/assert.ts';
import { type Bytes32, compareBytes, equalBytes } from 'fanal/primitives/bytes.ts';
import { type AuthorSet, addAll, addAuthor, emptySet, forEachAuthor } from './author-set.ts';
import { sealCommit } from './commit.ts';
import type { Dag } from './dag.ts';
import { type Entry, names } from './entry.ts';
import type { LeaderSchedule } from './leader-schedule.ts';
import type { Commit, CommitRef, Equivocation, ScheduleState, Vertex, VertexRef } from './types.ts';
import type { TaggedHash } from './vertex.ts';

/** The last commit, as far as the next one depends on it. */
export interface CommitTip {
  readonly index: bigint;
  readonly digest: Bytes32;
  readonly time: bigint;
  /** Round of its leader; 0 before the first. */
  readonly leaderRound: number;
  readonly leader: VertexRef | null;
}

/** A commit with what its vertices carry. */
export interface CommitOutput {
  readonly commit: Commit;
  /** The vertices that count, in order. */
  readonly vertices: readonly Vertex[];
  readonly equivocations: readonly Equivocation[];
  /** The leader schedule after this commit. */
  readonly schedule: ScheduleState;
  /** This commit changed the schedule. */
  readonly swapped: boolean;
}

export class Linearizer {
  readonly #dag: Dag;
  readonly #schedule: LeaderSchedule;
  readonly #hash: TaggedHash;
  readonly #epoch: number;
  /** Committed leaders by round, above the garbage-collection round. */
  readonly #leaders = new Map<number, Entry[]>();
  tip: CommitTip;

  constructor(dag: Dag, schedule: LeaderSchedule, hash: TaggedHash, epoch: number, tip: CommitTip) {
    this.#dag = dag;
    this.#schedule = schedule;
    this.#hash = hash;
    this.#epoch = epoch;
    this.tip = tip;
  }

  get lastCommit(): CommitRef {
    return { epoch: this.#epoch, index: this.tip.index, digest: this.tip.digest };
  }

  /** Makes the next commit of a decided leader (rules L1 to L3). It is not installed yet. */
  linearize(leader: Entry): { commit: Commit; entries: readonly Entry[] } {
    const entries = this.#walk(leader);
    for (const entry of entries) this.#computeOrderKey(entry);
    entries.sort(
      (a, b) =>
        a.round - b.round || compareBytes(a.orderKey as Uint8Array, b.orderKey as Uint8Array),
    );
    let time = (leader.vertex as Vertex).header.medianTime;
    if (time < this.tip.time) time = this.tip.time;
    const commit = sealCommit(this.#hash, {
      epoch: this.#epoch,
      index: this.tip.index + 1n,
      previousDigest: this.tip.digest,
      leader: leader.ref,
      time,
      vertices: entries.map((entry) => entry.ref),
    });
    return { commit, entries };
  }

  /**
   * Takes the next commit, own or proved by a quorum of votes, as the new tip (rules L4, S2 to S4).
   *
   * @param entries the commit's vertices, in its order, with their bodies
   */
  install(commit: Commit, entries: readonly Entry[]): CommitOutput {
    assert(commit.index === this.tip.index + 1n, `commit ${commit.index} after ${this.tip.index}`);
    assert(equalBytes(commit.previousDigest, this.tip.digest), 'a commit of another chain');
    const vertices: Vertex[] = [];
    const equivocations: Equivocation[] = [];
    for (const entry of entries) {
      const counted = this.#dag.commit(entry);
      if (counted === null) {
        vertices.push(entry.vertex as Vertex);
        this.#score(entry);
      } else {
        this.#schedule.addCaught(entry.author);
        equivocations.push({
          epoch: this.#epoch,
          author: entry.author,
          round: entry.round,
          first: counted.ref,
          second: entry.ref,
        });
      }
    }
    this.#addLeader(this.#dag.table.intern(commit.leader));
    this.#advance(commit);
    const swapped = this.#schedule.addCommit();
    return { commit, vertices, equivocations, schedule: this.#schedule.state, swapped };
  }

  /** Takes a stored commit as the tip; its vertices' bodies need not be here. */
  restore(commit: Commit): void {
    for (const ref of commit.vertices) {
      if (ref.round <= this.#dag.gcRound) continue;
      const entry = this.#dag.table.intern(ref);
      if (!this.#dag.isAccepted(entry)) this.#dag.insertGhost(entry);
      this.#dag.commit(entry);
    }
    this.#addLeader(this.#dag.table.intern(commit.leader));
    this.#advance(commit);
  }

  collect(round: number): void {
    for (const known of this.#leaders.keys()) if (known <= round) this.#leaders.delete(known);
  }

  #advance(commit: Commit): void {
    this.tip = {
      index: commit.index,
      digest: commit.digest,
      time: commit.time,
      leaderRound: commit.leader.round,
      leader: commit.leader,
    };
  }

  #addLeader(leader: Entry): void {
    const known = this.#leaders.get(leader.round);
    if (known === undefined) this.#leaders.set(leader.round, [leader]);
    else known.push(leader);
  }

  /** Rule S2: one point for a committed vote for an earlier commit's leader. */
  #score(entry: Entry): void {
    for (const leader of this.#leaders.get(entry.round - 1) ?? []) {
      if (names(entry, leader)) this.#schedule.addScore(entry.author);
    }
  }

  /** Rule L1: uncommitted vertices of the leader's history above the garbage-collection round. */
  #walk(leader: Entry): Entry[] {
    const dag = this.#dag;
    const found: Entry[] = [];
    const even = new Map<number, AuthorSet>([[leader.round, emptySet(dag.committee)]]);
    const odd = new Map<number, Set<Entry>>();
    const add = (entry: Entry) => {
      if (entry.variant === 0) addAuthor(layerOf(entry.round), entry.author);
      else {
        const layer = odd.get(entry.round);
        if (layer === undefined) odd.set(entry.round, new Set([entry]));
        else layer.add(entry);
      }
    };
    const layerOf = (round: number): AuthorSet => {
      let layer = even.get(round);
      if (layer === undefined) {
        layer = emptySet(dag.committee);
        even.set(round, layer);
      }
      return layer;
    };
    const visit = (entry: Entry) => {
      if (dag.isCommitted(entry)) return;
      assert(entry.parents !== null, `round ${entry.round} of author ${entry.author} has no body`);
      found.push(entry);
      if (entry.round - 1 > dag.gcRound) {
        addAll(layerOf(entry.round - 1), entry.parents);
        for (const parent of entry.oddParents) add(parent);
      }
      for (const ancestor of entry.older) if (ancestor.round > dag.gcRound) add(ancestor);
    };
    add(leader);
    for (let round = leader.round; round > dag.gcRound; round--) {
      const layer = even.get(round);
      if (layer !== undefined) {
        forEachAuthor(layer, (author) => visit(dag.table.first(round, author) as Entry));
      }
      for (const entry of odd.get(round) ?? []) visit(entry);
    }
    return found;
  }

  /** Rule L2: H(order, previous commit ‖ vertex), which nobody knows before that commit. */
  #computeOrderKey(entry: Entry): void {
    const after = this.tip.digest;
    if (entry.orderAfter !== null && equalBytes(entry.orderAfter, after)) return;
    entry.orderKey = this.#hash('fanal/order/v1', after, entry.ref.digest);
    entry.orderAfter = after;
  }
}
