/**
 * How much of an epoch the journal has to keep: everything above the horizon, all that execution
 * has not taken, and what it may have to take once more after a divergence (docs/consensus.md §10
 * and §11, rules K5 and R1).
 */
import { REPAIR_MARGIN_BLOCKS } from './limits.ts';

/** From where on vertices and commits are kept. */
export interface Kept {
  readonly round: number;
  readonly commit: bigint;
}

export class JournalHorizon {
  readonly #gcDepth: number;
  /** The last commit in a block that is executed and certified: execution never goes back behind it. */
  #settledCommit = 0n;
  #executedHeight = 0n;
  /** The largest certified size whose blocks are all executed. */
  #settledSize = 0n;
  /** Executed blocks that are not settled, oldest first. */
  readonly #unsettled: { readonly height: bigint; readonly commit: bigint }[] = [];
  /** The horizon after each commit that is not known to be settled, oldest first. */
  #horizons: { readonly index: bigint; readonly round: number }[] = [];

  constructor(gcDepth: number) {
    this.#gcDepth = gcDepth;
  }

  /** A block is executed; `commit` is the last one in it. */
  executed(height: bigint, commit: bigint): void {
    this.#executedHeight = height;
    this.#unsettled.push({ height, commit });
  }

  /** Commit `index` moved the garbage-collection round to `round`. */
  moved(index: bigint, round: number, certifiedSize: bigint): Kept {
    this.#horizons.push({ index, round });
    this.#settle(certifiedSize);
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

  /** A certificate ahead of execution says nothing yet of what was executed here. */
  #settle(certifiedSize: bigint): void {
    if (certifiedSize <= this.#executedHeight + 1n) this.#settledSize = certifiedSize;
    for (;;) {
      const oldest = this.#unsettled[0];
      if (oldest === undefined || oldest.height + REPAIR_MARGIN_BLOCKS >= this.#settledSize) return;
      this.#settledCommit = oldest.commit;
      this.#unsettled.shift();
    }
  }
}
