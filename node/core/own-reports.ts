/**
 * What the others report of themselves to a validator that lost its memory (docs/consensus.md §11,
 * rule R6).
 */
import type { Committee } from './committee.ts';
import type { Entry } from './entry.ts';

export class OwnReports {
  readonly #committee: Committee;
  /** The highest own round of each author that has reported; 0 for none. */
  readonly #rounds = new Map<number, number>();
  /** Reports whose vertex is not accepted yet: until then they may be lies. */
  readonly #open = new Map<number, Entry>();

  constructor(committee: Committee) {
    this.#committee = committee;
  }

  /** An author has made no vertex, as far as it says now. */
  nothing(author: number): void {
    if (!this.#rounds.has(author)) this.#rounds.set(author, 0);
  }

  reported(author: number, round: number): void {
    this.#rounds.set(author, round);
  }

  /** Counts once the vertex is accepted. */
  waitFor(author: number, entry: Entry): void {
    this.#open.set(author, entry);
  }

  accepted(entry: Entry): void {
    if (this.#open.get(entry.author) !== entry) return;
    this.#open.delete(entry.author);
    this.#rounds.set(entry.author, entry.round);
  }

  /** The highest round that others with a quorum of stake have reported; null while there is none. */
  highest(): number | null {
    let stake = 0;
    let highest = 0;
    for (const [author, round] of this.#rounds) {
      stake += this.#committee.stakes[author] as number;
      if (round > highest) highest = round;
    }
    return stake < this.#committee.quorum ? null : highest;
  }
}
