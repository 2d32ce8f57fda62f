/**
 * Catches up by commits when far behind (docs/consensus.md §8).
 *
 * A commit is believed when validators with stake V voted for it, or for a later one of the same
 * chain: one of them is honest, and what an honest one commits, all do. A quorum would be too much
 * to ask, since whoever is behind cannot vote, and the faulty may not. The commit's vertices are
 * then named by digest and need no signature check.
 */
import { type Bytes32, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import type { Committee } from './committee.ts';
import { MAX_SYNC_COMMITS } from './limits.ts';
import type { StepOutput } from './output.ts';
import type { LocalParams } from './params.ts';
import type { Commit, CommitRef, SignedHeader, Verified, Vertex } from './types.ts';
import { payloadDigest, type TaggedHash } from './vertex.ts';

/** Batches behind what is believed at which commit sync starts. */
const START_BATCHES = 2n;
/** How long a peer whose answer was no use is passed over, in fetch intervals. */
const PENALTY_INTERVALS = 10;

/** Commits that are proved, with their vertices in commit order. */
export interface ProvedCommits {
  readonly commits: readonly Commit[];
  readonly vertexOf: (digest: Bytes32) => Vertex | undefined;
}

export class CommitSyncer {
  readonly #committee: Committee;
  readonly #self: number | null;
  readonly #local: LocalParams;
  readonly #output: StepOutput;
  readonly #hash: TaggedHash;
  readonly #nextId: () => number;
  /** The newest commit that each author voted for. */
  readonly #votes: (CommitRef | null)[];
  #highestVote = 0n;
  readonly #notBefore: Float64Array;
  #request: { readonly id: number; readonly to: number; readonly first: bigint } | null = null;
  #lastPeer = 0;
  /** Commits to ask for next. */
  #count: number;
  #isActive = false;

  constructor(
    committee: Committee,
    self: number | null,
    local: LocalParams,
    output: StepOutput,
    hash: TaggedHash,
    nextId: () => number,
  ) {
    this.#committee = committee;
    this.#self = self;
    this.#local = local;
    this.#output = output;
    this.#hash = hash;
    this.#nextId = nextId;
    this.#votes = committee.members.map(() => null);
    this.#notBefore = new Float64Array(committee.size);
    this.#count = local.commitSyncBatch;
  }

  get fetching(): number {
    return this.#request === null ? 0 : 1;
  }

  noteVote(author: number, vote: CommitRef | null): void {
    if (vote === null || vote.epoch !== this.#committee.epoch) return;
    const known = this.#votes[author];
    if (known === null || known === undefined || vote.index > known.index)
      this.#votes[author] = vote;
    if (vote.index > this.#highestVote) this.#highestVote = vote.index;
  }

  /** The highest index that some honest validator has surely reached. */
  #believedIndex(): bigint {
    const votes = this.#votes
      .map((vote, author) => ({ index: vote?.index ?? 0n, author }))
      .sort((a, b) => (a.index === b.index ? a.author - b.author : a.index > b.index ? -1 : 1));
    let stake = 0;
    for (const { index, author } of votes) {
      stake += this.#committee.stakes[author] as number;
      if (stake >= this.#committee.validity) return index;
    }
    return 0n;
  }

  /**
   * Asks for the next commits when far behind: by so many commits, or because others are at rounds
   * that are too far ahead to be looked at, and may have collected what lies between.
   *
   * @returns when to look again, or null
   */
  plan(tip: bigint, isLeftBehind: boolean, now: number): number | null {
    const batch = BigInt(this.#local.commitSyncBatch);
    const start = isLeftBehind ? tip : tip + START_BATCHES * batch;
    // Nobody at all is far ahead: the usual case, and no need to rank the votes.
    if (!this.#isActive && this.#highestVote <= start) return null;
    const goal = this.#believedIndex();
    if (goal > start) this.#isActive = true;
    else if (goal <= tip + batch / 2n) this.#isActive = false;
    if (!this.#isActive) return null;
    if (this.#request !== null) return null;
    const to = this.#choose(tip, now);
    if (to === null) return now + this.#local.fetchInterval;
    const id = this.#nextId();
    this.#request = { id, to, first: tip + 1n };
    this.#lastPeer = to;
    this.#output.run({
      kind: 'fetch',
      to,
      requestId: id,
      request: {
        kind: 'commits',
        epoch: this.#committee.epoch,
        first: tip + 1n,
        count: this.#count,
      },
      deadline: now + 2 * this.#local.fetchTimeout,
    });
    return null;
  }

  isWaitingFor(requestId: number): boolean {
    return this.#request?.id === requestId;
  }

  failed(requestId: number, now: number): void {
    if (this.#request?.id !== requestId) return;
    this.#notBefore[this.#request.to] = now + PENALTY_INTERVALS * this.#local.fetchInterval;
    this.#request = null;
  }

  /**
   * Checks an answer (rule Y3): a chain on from our tip, as far as it is believed, with the vertices
   * that it names.
   */
  accept(
    requestId: number,
    tip: CommitRef,
    commits: readonly Commit[],
    vertices: readonly Vertex[],
    voters: readonly Verified<SignedHeader>[],
    now: number,
  ): ProvedCommits | null {
    if (this.#request?.id !== requestId) return null;
    const first = commits.findIndex(({ index }) => index === tip.index + 1n);
    const chain = first < 0 ? [] : this.#chainOn(tip, commits.slice(first));
    const proved = this.#provedPart(chain, voters);
    if (chain.length > 0 && proved.length === 0) {
      // Of commits that were decided at once only the last was voted for: it has to be among them.
      this.#count = Math.min(2 * this.#count, MAX_SYNC_COMMITS);
      this.#request = null;
      return null;
    }
    const byDigest = new Map(vertices.map((vertex) => [toHex(vertex.ref.digest), vertex]));
    const vertexOf = (digest: Bytes32) => byDigest.get(toHex(digest));
    let whole = 0;
    while (whole < proved.length && this.#isWhole(proved[whole] as Commit, vertexOf)) whole += 1;
    if (whole === 0) {
      this.failed(requestId, now);
      return null;
    }
    this.#request = null;
    this.#count = this.#local.commitSyncBatch;
    return { commits: proved.slice(0, whole), vertexOf };
  }

  #chainOn(tip: CommitRef, commits: readonly Commit[]): Commit[] {
    const chain: Commit[] = [];
    let { index, digest } = tip;
    for (const commit of commits) {
      if (commit.epoch !== tip.epoch || commit.index !== index + 1n) break;
      if (!equalBytes(commit.previousDigest, digest)) break;
      chain.push(commit);
      ({ index, digest } = commit);
    }
    return chain;
  }

  #provedPart(
    chain: readonly Commit[],
    voters: readonly Verified<SignedHeader>[],
  ): readonly Commit[] {
    const base = chain[0]?.index ?? 0n;
    const at = (ref: CommitRef | null): number => {
      if (ref === null || ref.epoch !== this.#committee.epoch || ref.index < base) return -1;
      const commit = chain[Number(ref.index - base)];
      return commit !== undefined && equalBytes(commit.digest, ref.digest)
        ? Number(ref.index - base)
        : -1;
    };
    const best = new Map<number, number>();
    const consider = (author: number, vote: CommitRef | null) => {
      const place = at(vote);
      if (place >= 0 && place > (best.get(author) ?? -1)) best.set(author, place);
    };
    for (const voter of voters) consider(voter.ref.author, voter.header.commitVote);
    this.#votes.forEach((vote, author) => {
      consider(author, vote);
    });
    const places = [...best].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    let stake = 0;
    for (const [author, place] of places) {
      stake += this.#committee.stakes[author] as number;
      if (stake >= this.#committee.validity) return chain.slice(0, place + 1);
    }
    return [];
  }

  /** All vertices are there, each with the payload that its header binds. */
  #isWhole(commit: Commit, vertexOf: (digest: Bytes32) => Vertex | undefined): boolean {
    return commit.vertices.every((ref) => {
      const vertex = vertexOf(ref.digest);
      if (vertex === undefined) return false;
      if (vertex.ref.round !== ref.round || vertex.ref.author !== ref.author) return false;
      return equalBytes(payloadDigest(this.#hash, vertex.payload), vertex.header.payloadDigest);
    });
  }

  /** The next peer in turn that has voted beyond our tip. */
  #choose(tip: bigint, now: number): number | null {
    const { size } = this.#committee;
    for (let step = 1; step <= size; step++) {
      const peer = (this.#lastPeer + step) % size;
      if (peer === this.#self || (this.#notBefore[peer] as number) > now) continue;
      if ((this.#votes[peer]?.index ?? 0n) > tip) return peer;
    }
    return null;
  }
}
