/**
 * Notices validators that have stopped signing, from the counts that a server reports.
 */

/** Checkpoints that a validator may miss in a row before it is called silent. */
const MISSED = 2n;

export interface BoardLine {
  readonly name: string;
  readonly active: boolean;
  readonly checkpoints: bigint;
  readonly cosigned: bigint;
}

interface Seen {
  readonly cosigned: bigint;
  /** Checkpoints there had been when it was last seen to sign. */
  readonly at: bigint;
}

/** Compares each board with those before it. */
export class SilenceWatch {
  #seen = new Map<string, Seen>();
  #checkpoints = 0n;
  #told = '';

  /** The silent ones' names when they have changed since the last call, else null. */
  look(board: readonly BoardLine[]): readonly string[] | null {
    const active = board.filter((line) => line.active);
    const checkpoints = active[0]?.checkpoints ?? 0n;
    // A new epoch counts from nought, and so does a node that was started again.
    if (checkpoints < this.#checkpoints) this.#seen = new Map();
    this.#checkpoints = checkpoints;
    const silent: string[] = [];
    for (const { name, cosigned } of active) {
      const seen = this.#seen.get(name);
      if (seen === undefined || cosigned > seen.cosigned) {
        this.#seen.set(name, { cosigned, at: checkpoints });
      } else if (checkpoints - seen.at >= MISSED) silent.push(name);
    }
    const told = silent.join(' ');
    if (told === this.#told) return null;
    this.#told = told;
    return silent;
  }
}
