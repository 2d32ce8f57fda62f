/**
 * How validators cosign, counted from what the certifier reports. It is reported, never proved, so
 * it may wait in memory for a while.
 */
import type { CosigningReport } from './ledger.ts';
import { LEDGER_LIMITS } from './limits.ts';
import type { Tables } from './tables.ts';

interface Counts {
  cosigned: bigint;
  mismatched: bigint;
}

export class CosigningBoard {
  readonly #tables: Tables;
  #epoch = 0;
  #checkpoints = 0n;
  /** By index in the epoch's set. */
  readonly #counts = new Map<number, Counts>();

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  add({ epoch, matched, mismatched }: CosigningReport): void {
    if (epoch !== this.#epoch) this.flush();
    this.#epoch = epoch;
    this.#checkpoints += 1n;
    for (const index of matched) this.#countsOf(index).cosigned += 1n;
    for (const index of mismatched) this.#countsOf(index).mismatched += 1n;
    if (this.#checkpoints >= LEDGER_LIMITS.cosigningReports) this.flush();
  }

  flush(): void {
    const checkpoints = this.#checkpoints;
    if (checkpoints === 0n) return;
    const { database, epochs } = this.#tables;
    const set = epochs.setOf(this.#epoch);
    database.transaction(() => {
      set.validators.forEach(({ name }, index) => {
        const before = epochs.performance(this.#epoch, name);
        const { cosigned, mismatched } = this.#countsOf(index);
        epochs.setPerformance(this.#epoch, name, {
          ...before,
          checkpoints: before.checkpoints + checkpoints,
          cosigned: before.cosigned + cosigned,
          mismatched: before.mismatched + mismatched,
        });
      });
    });
    this.#checkpoints = 0n;
    this.#counts.clear();
  }

  #countsOf(index: number): Counts {
    const counts = this.#counts.get(index) ?? { cosigned: 0n, mismatched: 0n };
    this.#counts.set(index, counts);
    return counts;
  }
}
