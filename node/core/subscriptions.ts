/**
 * Whose vertices are asked for anew (docs/consensus.md §8, rule Y2).
 *
 * A vertex may be lost with a connection, or come so early that it is not looked at; what nobody
 * builds on is not fetched as an ancestor either. So its author is asked, until it has come.
 */
export class Subscriptions {
  readonly #self: number | null;
  /** The lowest round of each author that was not looked at, being too far ahead (rule A4). */
  readonly #leftAhead = new Map<number, number>();
  #lookedAtRound = -1;

  constructor(self: number | null) {
    this.#self = self;
  }

  /** A vertex was too far ahead to be looked at. */
  leftAhead(author: number, round: number): void {
    this.#leftAhead.set(author, Math.min(round, this.#leftAhead.get(author) ?? round));
  }

  /** Authors whose vertices were too far ahead, and still are. */
  get ahead(): Iterable<number> {
    return this.#leftAhead.keys();
  }

  /**
   * Says whom to ask now: everybody when no round was completed since the last look, else those
   * whose vertices are no longer too far ahead.
   */
  due(
    quorumRound: number,
    peers: Iterable<number>,
    isAhead: (round: number) => boolean,
  ): readonly number[] {
    const isStill = quorumRound === this.#lookedAtRound;
    this.#lookedAtRound = quorumRound;
    const due: number[] = [];
    for (const peer of peers) {
      if (peer === this.#self) continue;
      const left = this.#leftAhead.get(peer);
      const isNear = left !== undefined && !isAhead(left);
      if (isNear) this.#leftAhead.delete(peer);
      if (isNear || isStill) due.push(peer);
    }
    return due;
  }
}
