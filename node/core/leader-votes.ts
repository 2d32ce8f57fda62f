/**
 * Votes, blames and certificates for leader slots, counted as vertices are accepted
 * (docs/consensus.md §5).
 *
 * A vote and a certificate depend on the vertex alone, so each is computed once; a direct decision
 * is then a comparison.
 */
import { type AuthorSet, addAuthor, commonStake, emptySet } from './author-set.ts';
import type { Committee } from './committee.ts';
import type { Dag } from './dag.ts';
import { type Entry, names } from './entry.ts';
import { medianIsRight } from './median-time.ts';

/** A vertex that stands in a leader slot, and who is for it. */
export interface Candidate {
  readonly entry: Entry;
  /** Authors whose variant-0 vertex votes. */
  readonly votes: AuthorSet;
  /** Voting vertices of other variants. */
  readonly oddVotes: Entry[];
  readonly voters: AuthorSet;
  voteStake: number;
  readonly certifiers: AuthorSet;
  certStake: number;
}

/** One leader slot with all that is counted for it. */
export interface LeaderSlot {
  readonly round: number;
  readonly author: number;
  /** Vertices of the slot whose median time is right (rule C2). Almost always one. */
  readonly candidates: Candidate[];
  readonly blamers: AuthorSet;
  blameStake: number;
}

export class LeaderVotes {
  readonly #dag: Dag;
  readonly #committee: Committee;
  readonly #leadersOf: (round: number) => readonly number[];
  readonly #slots = new Map<number, LeaderSlot[]>();
  /** True once a direct decision may have changed. */
  changed = false;
  /** Slots of rounds below this one are decided and no longer counted. */
  floor = 1;

  constructor(dag: Dag, leadersOf: (round: number) => readonly number[]) {
    this.#dag = dag;
    this.#committee = dag.committee;
    this.#leadersOf = leadersOf;
  }

  /** The leader slots of a round, in order. */
  slotsOf(round: number): readonly LeaderSlot[] {
    let slots = this.#slots.get(round);
    if (slots === undefined) {
      slots = this.#leadersOf(round).map((author) => this.#createSlot(round, author));
      this.#slots.set(round, slots);
    }
    return slots;
  }

  /** Counts a vertex that was just accepted. */
  onAccepted(entry: Entry): void {
    if (entry.round < this.floor) return;
    for (const slot of this.slotsOf(entry.round)) {
      if (slot.author === entry.author) this.#addCandidate(slot, entry);
    }
    if (entry.round - 1 >= this.floor) {
      for (const slot of this.slotsOf(entry.round - 1)) this.#countVote(slot, entry);
    }
    if (entry.round - 2 >= this.floor) {
      for (const slot of this.slotsOf(entry.round - 2)) {
        for (const candidate of slot.candidates) this.#countCertificate(candidate, entry);
      }
    }
  }

  /** Counts again from `round` on: where the schedule has changed, or after a commit came whole. */
  rebuild(round: number): void {
    this.#slots.clear();
    this.floor = round;
    for (let at = round; at <= this.#dag.highestRound; at++) {
      for (const slot of this.slotsOf(at)) {
        for (const entry of this.#dag.verticesOf(at, slot.author)) this.#addCandidate(slot, entry);
      }
      const votes = at > round ? this.slotsOf(at - 1) : [];
      const certificates = at > round + 1 ? this.slotsOf(at - 2) : [];
      for (const entry of this.#dag.verticesIn(at)) {
        for (const slot of votes) this.#countVote(slot, entry);
        for (const slot of certificates) {
          for (const candidate of slot.candidates) this.#countCertificate(candidate, entry);
        }
      }
    }
    this.changed = true;
  }

  /** Slots below `round` are decided. */
  raiseFloor(round: number): void {
    this.floor = Math.max(this.floor, round);
    for (const known of this.#slots.keys()) if (known < this.floor) this.#slots.delete(known);
  }

  #createSlot(round: number, author: number): LeaderSlot {
    return { round, author, candidates: [], blamers: emptySet(this.#committee), blameStake: 0 };
  }

  /** Rule C2: a vertex with a wrong median time is no candidate, so naming it is a blame. */
  #addCandidate(slot: LeaderSlot, entry: Entry): void {
    if (!medianIsRight(this.#dag.table, entry)) return;
    slot.candidates.push({
      entry,
      votes: emptySet(this.#committee),
      oddVotes: [],
      voters: emptySet(this.#committee),
      voteStake: 0,
      certifiers: emptySet(this.#committee),
      certStake: 0,
    });
  }

  /** Rule C1: naming a leader's vertex is a vote; naming none of its slot is a blame. */
  #countVote(slot: LeaderSlot, voter: Entry): void {
    const stake = this.#committee.stakes[voter.author] as number;
    for (const candidate of slot.candidates) {
      if (!names(voter, candidate.entry)) continue;
      if (voter.variant === 0) addAuthor(candidate.votes, voter.author);
      else candidate.oddVotes.push(voter);
      if (addAuthor(candidate.voters, voter.author)) candidate.voteStake += stake;
      return;
    }
    if (!addAuthor(slot.blamers, voter.author)) return;
    slot.blameStake += stake;
    if (slot.blameStake >= this.#committee.quorum) this.changed = true;
  }

  #countCertificate(candidate: Candidate, entry: Entry): void {
    if (!isCertificate(this.#committee, candidate, entry)) return;
    if (!addAuthor(candidate.certifiers, entry.author)) return;
    candidate.certStake += this.#committee.stakes[entry.author] as number;
    if (candidate.certStake >= this.#committee.quorum) this.changed = true;
  }
}

/** Rule C3: a vertex two rounds above certifies a leader when a quorum of its ancestors voted. */
export function isCertificate(committee: Committee, candidate: Candidate, entry: Entry): boolean {
  if (candidate.voteStake < committee.quorum) return false;
  let stake = commonStake(committee, entry.parents as AuthorSet, candidate.votes);
  for (const odd of entry.oddParents) {
    if (candidate.oddVotes.includes(odd)) stake += committee.stakes[odd.author] as number;
  }
  return stake >= committee.quorum;
}
