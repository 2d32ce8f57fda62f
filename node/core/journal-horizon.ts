/**
 * How much of an epoch the journal has to keep: everything above the horizon, all that execution
 * has not taken, and what it may have to take once more after a divergence (docs/consensus.md §10
 * and §11, rules K5 and R1).
 */

/** From where on vertices and commits are kept. */
export interface Kept {
  readonly round: number;
  readonly commit: bigint;
}

export class JournalHorizon {
  readonly #gcDepth: number;
  /**
   * The last commit in a block that the ledger knows to be certified: execution never goes back
   * behind it. What is certified and not written down there yet may have to be executed again.
   */
  #settledCommit = 0n;
  /** Executed blocks that are not settled, oldest first. */
  readonly #unsettled: { readonly height: bigint; readonly commit: bigint }[] = [];
  /** The horizon after each commit that is not known to be settled, oldest first. */
  #horizons: { readonly index: bigint; readonly round: number }[] = [];

  constructor(gcDepth: number) {
    this.#gcDepth = gcDepth;
  }

  /** A block is executed; `commit` is the last one in it, `certifiedSize` the ledger's own. */
  executed(height: bigint, commit: bigint, certifiedSize: bigint): void {
    this.#unsettled.push({ height, commit });
    for (;;) {
      const oldest = this.#unsettled[0];
      if (oldest === undefined || oldest.height >= certifiedSize) return;
      this.#settledCommit = oldest.commit;
      this.#unsettled.shift();
    }
  }

  /** Commit `index` moved the garbage-collection round to `round`. */
  moved(index: bigint, round: number): Kept {
    this.#horizons.push({ index, round });
    const settled = this.#settledCommit;
    while (this.#horizons.length > 0 && (this.#horizons[1]?.index ?? index + 1n) <= settled) {
      this.#horizons.shift();
    }
    const first = this.#horizons[0];
    const oldest = settled < index ? settled : index;
    const below = BigInt(2 * this.#gcDepth);
    return {
      round: first !== undefined && first.index <= settled ? first.round : 0,
      commit: oldest > below ? oldest - below : 0n,
    };
  }
}
