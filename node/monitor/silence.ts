/**
 * Which validators have gone silent: by the progress of their rounds on the board, which anyone may
 * ask for, and by the links of a validator that is asked on its operations port.
 */

/** A validator without a new round is silent when the best one made so many meanwhile. */
const ROUNDS_BEHIND = 20;
/** Progress is looked at over about so long. */
const WINDOW_MILLIS = 15_000;

/** One look at the board. */
export interface RoundsSeen {
  readonly atMillis: number;
  readonly epoch: number;
  readonly rounds: ReadonlyMap<string, number>;
}

export class Silence {
  #seen: RoundsSeen[] = [];

  /** Names of those that stood still while others went on. */
  look(now: RoundsSeen): ReadonlySet<string> {
    // Rounds are counted anew in each epoch.
    this.#seen = this.#seen.filter(
      ({ epoch, atMillis }) => epoch === now.epoch && now.atMillis - atMillis <= WINDOW_MILLIS,
    );
    this.#seen.push(now);
    const silent = new Set<string>();
    // The newest look that is far enough back, so that silence is noticed soon and so is its end.
    for (const before of this.#seen.toReversed()) {
      const progress = [...now.rounds].flatMap(([name, rounds]) => {
        const then = before.rounds.get(name);
        return then === undefined ? [] : [{ name, made: rounds - then }];
      });
      if (Math.max(0, ...progress.map(({ made }) => made)) < ROUNDS_BEHIND) continue;
      for (const { name, made } of progress) if (made === 0) silent.add(name);
      break;
    }
    return silent;
  }
}
