/**
 * A validator of the baseline: a certified DAG (as in Narwhal) under Bullshark's partially
 * synchronous commit rule (arXiv 2201.05677), to compare with on the same network and processors.
 *
 * A round is: header to all, votes back, certificate to all. Anchors stand in even rounds; one is
 * committed when certificates of the next round with more than a third of the validators link to
 * it, and brings along the earlier anchors it reaches. Equal stakes and no equivocation: the
 * baseline is measured, not attacked.
 */
import type { Micros } from '../queue.ts';

/** A set of validators as bits. */
export type Bits = Uint32Array;

export interface CertifiedVertex {
  readonly round: number;
  readonly author: number;
  /** Authors of the certificates of the round before that it builds on. */
  readonly parents: Bits;
  readonly createdAt: Micros;
  /** Set once the first validator commits it: all others commit it in the same place. */
  committedBy: CertifiedVertex | undefined;
}

export type BullsharkMessage =
  | { readonly kind: 'header'; readonly vertex: CertifiedVertex }
  | { readonly kind: 'vote'; readonly vertex: CertifiedVertex }
  | { readonly kind: 'certificate'; readonly vertex: CertifiedVertex };

/** What a validator asks of the world around it. */
export interface BullsharkPort {
  now(): Micros;
  send(to: number | 'all', message: BullsharkMessage): void;
  wakeAt(at: Micros): void;
  committed(anchor: CertifiedVertex): void;
}

export interface BullsharkOptions {
  readonly validators: number;
  readonly leaderTimeout: Micros;
  readonly minRoundDelay: Micros;
  /** Leaves the anchor out of its parents. */
  readonly neverVotes: boolean;
}

interface Round {
  count: number;
  readonly authors: Bits;
  readonly byAuthor: (CertifiedVertex | undefined)[];
  /** Certificates of this round that link to the anchor of the round before. */
  anchorVotes: number;
  quorumAt: Micros;
}

export class BullsharkValidator {
  readonly #me: number;
  readonly #options: BullsharkOptions;
  readonly #port: BullsharkPort;
  readonly #quorum: number;
  readonly #validity: number;
  readonly #rounds: Round[] = [];
  /** Headers that wait for certificates of their parents. */
  readonly #waiting: CertifiedVertex[][] = [];
  #own: CertifiedVertex | undefined;
  #ownVotes = 0;
  #proposedAt: Micros = 0;
  #lastAnchorRound = 0;

  constructor(me: number, options: BullsharkOptions, port: BullsharkPort) {
    this.#me = me;
    this.#options = options;
    this.#port = port;
    const faulty = Math.floor((options.validators - 1) / 3);
    this.#quorum = options.validators - faulty;
    this.#validity = faulty + 1;
  }

  start(): void {
    this.#propose(1, newBits(this.#options.validators));
  }

  /** Signature checks that taking in a message costs. */
  static checks(message: BullsharkMessage, quorum: number): number {
    return message.kind === 'certificate' ? quorum : 1;
  }

  receive(from: number, message: BullsharkMessage): void {
    switch (message.kind) {
      case 'header':
        this.#vote(message.vertex);
        return;
      case 'vote':
        if (message.vertex !== this.#own || from === this.#me) return;
        this.#ownVotes++;
        if (this.#ownVotes === this.#quorum) {
          this.#port.send('all', { kind: 'certificate', vertex: message.vertex });
          this.#accept(message.vertex);
        }
        return;
      case 'certificate':
        this.#accept(message.vertex);
        return;
    }
  }

  /** Goes on to the next round if it may: after a quorum, the anchor or its votes, or a timeout. */
  wake(): void {
    const own = this.#own;
    if (own === undefined) return;
    const round = this.#round(own.round);
    if (round.count < this.#quorum) return;
    const now = this.#port.now();
    const earliest = this.#proposedAt + this.#options.minRoundDelay;
    if (now < earliest) {
      this.#port.wakeAt(earliest);
      return;
    }
    const timeout = round.quorumAt + this.#options.leaderTimeout;
    if (now < timeout && !this.#anchorSettled(own.round, round)) {
      this.#port.wakeAt(timeout);
      return;
    }
    const parents = round.authors.slice();
    if (this.#options.neverVotes && own.round % 2 === 0) clearBit(parents, this.#leader(own.round));
    this.#propose(own.round + 1, parents);
  }

  #anchorSettled(number: number, round: Round): boolean {
    if (number % 2 === 0) return round.byAuthor[this.#leader(number)] !== undefined;
    if (number < 3) return true;
    return round.anchorVotes >= this.#validity || round.count - round.anchorVotes >= this.#quorum;
  }

  #propose(round: number, parents: Bits): void {
    const vertex: CertifiedVertex = {
      round,
      author: this.#me,
      parents,
      createdAt: this.#port.now(),
      committedBy: undefined,
    };
    this.#own = vertex;
    this.#ownVotes = 1;
    this.#proposedAt = vertex.createdAt;
    this.#port.send('all', { kind: 'header', vertex });
    if (this.#quorum === 1) this.#accept(vertex);
  }

  #vote(vertex: CertifiedVertex): void {
    if (vertex.round > 1 && !contains(this.#round(vertex.round - 1).authors, vertex.parents)) {
      this.#waitingFor(vertex.round - 1).push(vertex);
      return;
    }
    this.#port.send(vertex.author, { kind: 'vote', vertex });
  }

  #accept(vertex: CertifiedVertex): void {
    const round = this.#round(vertex.round);
    if (round.byAuthor[vertex.author] !== undefined) return;
    round.byAuthor[vertex.author] = vertex;
    setBit(round.authors, vertex.author);
    round.count++;
    if (round.count === this.#quorum) round.quorumAt = this.#port.now();
    if (vertex.round % 2 === 1 && vertex.round > 1) {
      if (hasBit(vertex.parents, this.#leader(vertex.round - 1))) round.anchorVotes++;
      this.#tryCommit(vertex.round - 1);
    } else if (vertex.author === this.#leader(vertex.round)) {
      this.#tryCommit(vertex.round);
    }
    const waiting = this.#waiting[vertex.round];
    if (waiting !== undefined && waiting.length > 0) {
      this.#waiting[vertex.round] = [];
      for (const header of waiting) this.#vote(header);
    }
    this.wake();
  }

  #tryCommit(number: number): void {
    if (number <= this.#lastAnchorRound) return;
    const anchor = this.#anchor(number);
    if (anchor === undefined || this.#round(number + 1).anchorVotes < this.#validity) return;
    // Earlier anchors that this one reaches come first.
    const chain = [anchor];
    for (let earlier = number - 2; earlier > this.#lastAnchorRound; earlier -= 2) {
      const candidate = this.#anchor(earlier);
      const latest = chain.at(-1) as CertifiedVertex;
      if (candidate !== undefined && this.#reaches(latest, candidate)) chain.push(candidate);
    }
    this.#lastAnchorRound = number;
    for (const one of chain.reverse()) this.#port.committed(one);
  }

  #reaches(from: CertifiedVertex, to: CertifiedVertex): boolean {
    let reached = from.parents;
    for (let number = from.round - 1; number > to.round; number--) {
      const next = newBits(this.#options.validators);
      for (const vertex of this.#round(number).byAuthor) {
        if (vertex !== undefined && hasBit(reached, vertex.author)) addBits(next, vertex.parents);
      }
      reached = next;
    }
    return hasBit(reached, to.author);
  }

  /** The vertices an anchor commits: its history that no earlier anchor has. */
  history(anchor: CertifiedVertex): CertifiedVertex[] {
    const vertices: CertifiedVertex[] = [anchor];
    anchor.committedBy = anchor;
    for (let at = 0; at < vertices.length; at++) {
      const vertex = vertices[at] as CertifiedVertex;
      if (vertex.round === 1) continue;
      for (const parent of this.#round(vertex.round - 1).byAuthor) {
        if (parent?.committedBy === undefined && parent && hasBit(vertex.parents, parent.author)) {
          parent.committedBy = anchor;
          vertices.push(parent);
        }
      }
    }
    return vertices;
  }

  #anchor(number: number): CertifiedVertex | undefined {
    return this.#round(number).byAuthor[this.#leader(number)];
  }

  /** Round robin in a scattered order, so that neighbours in the list do not lead in turn. */
  #leader(number: number): number {
    return ((number / 2) * 7_919 + 13) % this.#options.validators;
  }

  #round(number: number): Round {
    let round = this.#rounds[number];
    if (round === undefined) {
      round = {
        count: 0,
        authors: newBits(this.#options.validators),
        byAuthor: [],
        anchorVotes: 0,
        quorumAt: 0,
      };
      this.#rounds[number] = round;
    }
    return round;
  }

  #waitingFor(number: number): CertifiedVertex[] {
    let list = this.#waiting[number];
    if (list === undefined) {
      list = [];
      this.#waiting[number] = list;
    }
    return list;
  }
}

function newBits(count: number): Bits {
  return new Uint32Array((count + 31) >>> 5);
}

function setBit(bits: Bits, at: number): void {
  bits[at >>> 5] = (bits[at >>> 5] as number) | (1 << (at & 31));
}

function clearBit(bits: Bits, at: number): void {
  bits[at >>> 5] = (bits[at >>> 5] as number) & ~(1 << (at & 31));
}

function hasBit(bits: Bits, at: number): boolean {
  return (((bits[at >>> 5] as number) >>> (at & 31)) & 1) === 1;
}

function addBits(into: Bits, bits: Bits): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) | (bits[i] as number);
}

/** Says whether `all` has every member of `some`. */
function contains(all: Bits, some: Bits): boolean {
  for (let i = 0; i < all.length; i++) {
    if (((some[i] as number) & ~(all[i] as number)) !== 0) return false;
  }
  return true;
}
