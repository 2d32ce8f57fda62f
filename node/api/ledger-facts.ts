/**
 * What a node says of its ledger when it is asked how it is.
 *
 * The ledger's thread may be busy with a block, and whoever asks after a node's health must not
 * wait for that: after a moment the answer of the time before is given.
 */
import type { AsyncLedger } from '../ledger/ledger.ts';

export interface Facts {
  readonly origin: string;
  readonly executedHeight: bigint;
  readonly databaseBytes: number;
}

/** How long anyone waits for newer facts. */
const WAIT_MILLIS = 15;

export class LedgerFacts {
  readonly #ledger: AsyncLedger;
  #known: Facts | null = null;
  #reading: Promise<Facts> | null = null;

  constructor(ledger: AsyncLedger) {
    this.#ledger = ledger;
  }

  /** The facts as of now, or those of the last look when the ledger does not answer at once. */
  async read(): Promise<Facts> {
    this.#reading ??= this.#look().finally(() => {
      this.#reading = null;
    });
    const reading = this.#reading;
    const known = this.#known;
    if (known === null) return reading;
    const { promise, resolve } = Promise.withResolvers<Facts>();
    const timer = setTimeout(() => resolve(known), WAIT_MILLIS);
    try {
      return await Promise.race([reading, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #look(): Promise<Facts> {
    const ledger = this.#ledger;
    const [info, tip, stats] = await Promise.all([ledger.info(), ledger.tip(), ledger.stats()]);
    const { databaseBytes } = stats;
    this.#known = { origin: info.origin, executedHeight: tip.height, databaseBytes };
    return this.#known;
  }
}
