/**
 * The accepted vertices of one epoch, as one validator has them (docs/consensus.md §4).
 *
 * The set is causally complete above the garbage-collection round: whoever is in it has all its
 * ancestors in it (rule A1).
 */
import { type AuthorSet, addAuthor, emptySet, forEachMissing, hasAuthor } from './author-set.ts';
import type { Committee } from './committee.ts';
import type { Entry, EntryTable } from './entry.ts';

/** What is known of one round. */
export interface Round {
  readonly number: number;
  /** Authors whose variant-0 vertex is accepted. */
  readonly accepted: AuthorSet;
  /** Other accepted vertices; null while there is none. */
  odd: Set<Entry> | null;
  /** Authors with an accepted vertex, and their stake. */
  readonly authors: AuthorSet;
  stake: number;
  count: number;
  /** The first accepted vertex of each author: the one that stands for it. */
  readonly first: (Entry | undefined)[];
  /** Authors whose variant-0 vertex is committed; others in `oddCommitted`. */
  readonly committed: AuthorSet;
  oddCommitted: Set<Entry> | null;
  /** Authors of whom a commit already counted a vertex of this round. */
  readonly emitted: AuthorSet;
  /** The counted vertex, by author, where it is not the variant-0 one. */
  emittedOdd: Map<number, Entry> | null;
  /** When a quorum of this round was here, by the driver's clock; null before. */
  quorumTime: number | null;
}

export class Dag {
  readonly committee: Committee;
  readonly table: EntryTable;
  /** Rounds up to this one are decided and forgotten. */
  gcRound = 0;
  /** The highest round whose stake is a quorum. The clock round is one more. */
  quorumRound = 0;
  highestRound = 0;
  readonly #rounds = new Map<number, Round>();
  readonly #nobody: AuthorSet;
  /** The newest accepted round of each author. */
  readonly newestRounds: Int32Array;

  constructor(committee: Committee, table: EntryTable, now: number) {
    this.committee = committee;
    this.table = table;
    this.newestRounds = new Int32Array(committee.size);
    this.#nobody = emptySet(committee);
    const genesis = this.#create(0);
    for (const entry of table.genesis) {
      addAuthor(genesis.accepted, entry.author);
      addAuthor(genesis.authors, entry.author);
      addAuthor(genesis.committed, entry.author);
      genesis.first[entry.author] = entry;
    }
    genesis.stake = committee.total;
    genesis.count = committee.size;
    genesis.quorumTime = now;
  }

  round(number: number): Round | undefined {
    return this.#rounds.get(number);
  }

  /** Says whether this very vertex is accepted. False for what was collected. */
  isAccepted(entry: Entry): boolean {
    const round = this.#rounds.get(entry.round);
    if (round === undefined) return false;
    if (entry.variant === 0) return hasAuthor(round.accepted, entry.author);
    return round.odd?.has(entry) ?? false;
  }

  isCommitted(entry: Entry): boolean {
    const round = this.#rounds.get(entry.round);
    if (round === undefined) return false;
    if (entry.variant === 0) return hasAuthor(round.committed, entry.author);
    return round.oddCommitted?.has(entry) ?? false;
  }

  /**
   * Ancestors that acceptance has to wait for (rule A1). Round 0 is never among them: `verify.ts`
   * has compared those ancestors with the genesis vertices.
   */
  unmetAncestors(entry: Entry): Entry[] {
    const unmet: Entry[] = [];
    const before = entry.round - 1;
    if (before > this.gcRound) {
      const accepted = this.#rounds.get(before)?.accepted ?? this.#nobody;
      forEachMissing(entry.parents as AuthorSet, accepted, (author) => {
        unmet.push(this.table.first(before, author) as Entry);
      });
      for (const parent of entry.oddParents) if (!this.isAccepted(parent)) unmet.push(parent);
    }
    for (const ancestor of entry.older) {
      if (ancestor.round > this.gcRound && !this.isAccepted(ancestor)) unmet.push(ancestor);
    }
    return unmet;
  }

  /** Takes a vertex whose ancestors are all met. Says whether its slot was empty. */
  insert(entry: Entry, now: number): boolean {
    const round = this.#rounds.get(entry.round) ?? this.#create(entry.round);
    if (entry.variant === 0) addAuthor(round.accepted, entry.author);
    else {
      round.odd ??= new Set();
      round.odd.add(entry);
    }
    round.count += 1;
    if (entry.round > this.highestRound) this.highestRound = entry.round;
    if (!addAuthor(round.authors, entry.author)) return false;
    round.first[entry.author] = entry;
    round.stake += this.committee.stakes[entry.author] as number;
    if (entry.round > (this.newestRounds[entry.author] as number)) {
      this.newestRounds[entry.author] = entry.round;
    }
    if (round.quorumTime === null && round.stake >= this.committee.quorum) {
      round.quorumTime = now;
      if (entry.round > this.quorumRound) this.quorumRound = entry.round;
    }
    return true;
  }

  /** Counts a committed vertex whose body is not here as an ancestor that is met. */
  insertGhost(entry: Entry): void {
    const round = this.#rounds.get(entry.round) ?? this.#create(entry.round);
    if (entry.variant === 0) addAuthor(round.accepted, entry.author);
    else {
      round.odd ??= new Set();
      round.odd.add(entry);
    }
  }

  /**
   * Marks a vertex committed (rule L4). Returns null when it is the first of its slot to be, else
   * the one that was.
   */
  commit(entry: Entry): Entry | null {
    const round = this.#rounds.get(entry.round) ?? this.#create(entry.round);
    if (entry.variant === 0) addAuthor(round.committed, entry.author);
    else {
      round.oddCommitted ??= new Set();
      round.oddCommitted.add(entry);
    }
    if (addAuthor(round.emitted, entry.author)) {
      if (entry.variant !== 0) {
        round.emittedOdd ??= new Map();
        round.emittedOdd.set(entry.author, entry);
      }
      return null;
    }
    const odd = round.emittedOdd?.get(entry.author);
    return odd ?? (this.table.first(entry.round, entry.author) as Entry);
  }

  /** Every accepted vertex of a slot. */
  verticesOf(round: number, author: number): Entry[] {
    const known = this.#rounds.get(round);
    const first = known?.first[author];
    if (known === undefined || first === undefined) return [];
    if (known.odd === null) return [first];
    const found = [first];
    const even = this.table.first(round, author);
    if (even !== undefined && even !== first && this.isAccepted(even)) found.push(even);
    for (const entry of known.odd) {
      if (entry.author === author && entry !== first) found.push(entry);
    }
    return found;
  }

  /** Every accepted vertex of a round, by author, the first of each slot first. */
  verticesIn(round: number): Entry[] {
    const known = this.#rounds.get(round);
    if (known === undefined) return [];
    const found: Entry[] = [];
    for (let author = 0; author < this.committee.size; author++) {
      const first = known.first[author];
      if (first === undefined) continue;
      if (known.odd === null) found.push(first);
      else found.push(...this.verticesOf(round, author));
    }
    return found;
  }

  /** The newest accepted vertex of an author in a round of (above, below), if any. */
  newestBelow(author: number, below: number, above: number): Entry | undefined {
    const newest = Math.min(below - 1, this.newestRounds[author] as number);
    for (let number = newest; number > above; number--) {
      const entry = this.#rounds.get(number)?.first[author];
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** Forgets rounds up to and including `round`, and says which, ascending (rule G1). */
  collect(round: number): Round[] {
    const gone: Round[] = [];
    for (let number = this.gcRound; number <= round; number++) {
      const known = this.#rounds.get(number);
      if (known === undefined) continue;
      gone.push(known);
      this.#rounds.delete(number);
    }
    this.gcRound = Math.max(this.gcRound, round);
    return gone;
  }

  /** Rounds that are kept, ascending. */
  roundNumbers(): number[] {
    return [...this.#rounds.keys()].sort((a, b) => a - b);
  }

  #create(number: number): Round {
    const round: Round = {
      number,
      accepted: emptySet(this.committee),
      odd: null,
      authors: emptySet(this.committee),
      stake: 0,
      count: 0,
      first: new Array(this.committee.size),
      committed: emptySet(this.committee),
      oddCommitted: null,
      emitted: emptySet(this.committee),
      emittedOdd: null,
      quorumTime: null,
    };
    this.#rounds.set(number, round);
    return round;
  }
}
