/**
 * Makes own vertices: which ancestors they name, what they carry, and what is pushed with them
 * (docs/consensus.md §4).
 */
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { type AuthorSet, hasAuthor } from './author-set.ts';
import type { Dag } from './dag.ts';
import type { Entry } from './entry.ts';
import { MAX_PUSH_BYTES, MAX_PUSH_VERTICES } from './limits.ts';
import { medianTimeOf } from './median-time.ts';
import type { LocalParams } from './params.ts';
import type {
  CommitRef,
  Cosignature,
  CryptoPort,
  EpochRecord,
  EvidenceRef,
  Guard,
  PendingTransaction,
  Vertex,
  VertexHeader,
  VertexRef,
} from './types.ts';
import { payloadDigest, payloadSize, VERTEX_VERSION, vertexDigest, vertexSize } from './vertex.ts';

/** What a vertex says besides its ancestors and payload. */
export interface Statement {
  readonly commitVote: CommitRef | null;
  readonly cosignature: Cosignature | null;
  readonly misbehaviour: readonly EvidenceRef[];
}

export class Proposer {
  readonly #record: EpochRecord;
  readonly #dag: Dag;
  readonly #crypto: CryptoPort;
  readonly #local: LocalParams;
  readonly self: number;
  /** The last own vertex; its round is the last one signed. */
  previous: VertexRef;
  #previousTime = 0n;
  /** Newest round of each author that an own vertex named. */
  readonly #included: Int32Array;
  /** When the last own vertex was made, by the driver's clock. */
  lastProposal = Number.NEGATIVE_INFINITY;
  /** The round whose payload was asked for. */
  pulling: number | null = null;
  /** After amnesia: no own vertex below this round. */
  resumeFrom = 0;

  constructor(
    record: EpochRecord,
    dag: Dag,
    crypto: CryptoPort,
    local: LocalParams,
    self: number,
    guard: Guard | null,
  ) {
    this.#record = record;
    this.#dag = dag;
    this.#crypto = crypto;
    this.#local = local;
    this.self = self;
    this.#included = new Int32Array(record.members.length);
    const genesis = dag.table.genesis[self] as Entry;
    const signed = guard !== null && guard.epoch === record.epoch && guard.round > 0;
    this.previous = signed
      ? { round: guard.round, author: self, digest: guard.digest }
      : genesis.ref;
  }

  /** Rule P1: one more than the last own round, or past what is collected. */
  target(): number {
    const { gcRound } = this.#dag;
    const next = Math.max(this.previous.round + 1, this.resumeFrom);
    return gcRound > 0 && next <= gcRound + 1 ? gcRound + 2 : next;
  }

  /** An own vertex that was made before: what it named need not be named again. */
  noteOwn(entry: Entry): void {
    if (entry.round < this.previous.round) return;
    this.previous = entry.ref;
    const { header } = entry.vertex as Vertex;
    if (header.time > this.#previousTime) this.#previousTime = header.time;
    for (const { author, round } of header.ancestors) {
      if (round > (this.#included[author] as number)) this.#included[author] = round;
    }
  }

  /** Signs the next vertex. It is not in the DAG yet. */
  build(
    round: number,
    wallTime: bigint,
    transactions: readonly PendingTransaction[],
    statement: Statement,
  ): Vertex {
    const ancestors = this.#ancestors(round);
    const parents = ancestors.filter((entry) => entry.round === round - 1);
    const payload = transactions.map(({ bytes }) => bytes);
    const hash = this.#crypto.hash.bind(this.#crypto);
    const time = wallTime > this.#previousTime ? wallTime : this.#previousTime + 1n;
    const header: VertexHeader = {
      version: VERTEX_VERSION,
      genesisId: this.#record.genesisId,
      epoch: this.#record.epoch,
      round,
      author: this.self,
      time,
      ancestors: [
        this.previous,
        ...ancestors.filter((e) => e.author !== this.self).map((e) => e.ref),
      ],
      medianTime: medianTimeOf(this.#dag.committee, parents),
      payloadDigest: payloadDigest(hash, payload),
      payloadBytes: payloadSize(payload),
      transactionCount: payload.length,
      ...statement,
    };
    const digest = vertexDigest(hash, header);
    return {
      ref: { round, author: this.self, digest },
      header,
      payload,
      signature: this.#crypto.signVertex(digest),
      transactionIds: transactions.map(({ id }) => id),
    };
  }

  /** Rule P6: of every author the newest accepted vertex that no own vertex named, by author. */
  #ancestors(round: number): Entry[] {
    const found: Entry[] = [];
    for (let author = 0; author < this.#record.members.length; author++) {
      if (author === this.self) {
        const own = this.#dag.round(this.previous.round)?.first[author];
        if (own !== undefined) found.push(own);
        continue;
      }
      const above =
        round === 1 ? -1 : Math.max(this.#dag.gcRound, this.#included[author] as number);
      const newest = this.#dag.newestBelow(author, round, above);
      if (newest !== undefined) found.push(newest);
    }
    return found;
  }

  /**
   * Rule P7: vertices that a peer seems not to get from their authors, for us to push.
   *
   * A peer whose vertex left out an author that everybody had two rounds before does not hear it;
   * a few validators, the next ones after peer and author, help out.
   */
  pushFor(peer: number, round: number): Vertex[] {
    const size = this.#record.members.length;
    const seenAt = round - 2;
    if (seenAt <= this.#dag.gcRound || peer === this.self) return [];
    const present = this.#dag.round(seenAt);
    const peerVertex = this.#dag.round(seenAt + 1)?.first[peer];
    if (present === undefined || peerVertex === undefined) return [];
    const pushed: Vertex[] = [];
    let bytes = 0;
    for (let author = 0; author < size; author++) {
      if (author === peer || !hasAuthor(present.authors, author)) continue;
      if (hasAuthor(peerVertex.parents as AuthorSet, author)) continue;
      const distance = (this.self - author - 1 - peer + 2 * size) % size;
      if (author !== this.self && distance >= this.#local.pushFanout) continue;
      for (let at = seenAt; at < round; at++) {
        const vertex = this.#dag.round(at)?.first[author]?.vertex;
        if (vertex === undefined || vertex === null) continue;
        bytes += vertexSize(vertex);
        if (pushed.length >= MAX_PUSH_VERTICES || bytes > MAX_PUSH_BYTES) return pushed;
        pushed.push(vertex);
      }
    }
    return pushed;
  }
}

/** Rule T2: transactions that vertices of the DAG carry and no commit has taken, not to be carried again. */
export class CarriedTransactions {
  readonly #counts = new Map<string, number>();

  add(ids: readonly Bytes32[]): void {
    for (const id of ids) {
      const name = nameOf(id);
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    }
  }

  remove(ids: readonly Bytes32[]): void {
    for (const id of ids) {
      const name = nameOf(id);
      const count = this.#counts.get(name) ?? 0;
      if (count <= 1) this.#counts.delete(name);
      else this.#counts.set(name, count - 1);
    }
  }

  has(id: Bytes32): boolean {
    return this.#counts.has(nameOf(id));
  }
}

/** A txid is uniform: sixteen bytes of it, as eight characters, name it among those at hand. */
function nameOf(id: Bytes): string {
  const unit = (at: number) => ((id[at] as number) << 8) | (id[at + 1] as number);
  return String.fromCharCode(
    unit(0),
    unit(2),
    unit(4),
    unit(6),
    unit(8),
    unit(10),
    unit(12),
    unit(14),
  );
}
