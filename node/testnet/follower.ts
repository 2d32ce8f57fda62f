/**
 * A light client beside a test network: it follows the chain from genesis by updates alone, and
 * is handed damaged ones, which it must not believe.
 */
import type { Genesis } from 'fanal/chain/genesis.ts';
import { follow } from 'fanal/light/follow.ts';
import type { TrustState } from 'fanal/light/trust.ts';
import { trustGenesis } from 'fanal/light/trust-genesis.ts';
import { updateCodec } from 'fanal/light/update.ts';
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { verifyNatively } from '../runtime/native-verify.ts';
import type { SeededRandom } from './random.ts';
import { Samples } from './samples.ts';

/** Damaged copies of each update. */
const TAMPERINGS = 4;

export class LightFollower {
  readonly verifyMillis = new Samples();
  updates = 0;
  tampered = 0;
  refused = 0;
  harmless = 0;
  /** What went wrong that must not. */
  failure: string | null = null;
  readonly #random: SeededRandom;
  #state: TrustState;

  constructor(genesis: Genesis, random: SeededRandom) {
    this.#state = trustGenesis(genesis);
    this.#random = random;
  }

  get height(): bigint {
    return this.#state.header.height;
  }

  /** Follows to the newest certified header of a ledger. */
  async sync(ledger: Ledger): Promise<void> {
    const before = this.#state;
    if (ledger.certifiedTip().height <= before.header.height) return;
    const bytes = ledger.update(before.header.height + 1n);
    if (bytes === null) return;
    try {
      const start = performance.now();
      const { state, verdict } = await this.#follow(before, bytes);
      this.verifyMillis.add(performance.now() - start);
      if (verdict.kind === 'forked') throw new FanalError('testnet/fork', 'the update forks');
      this.updates++;
      for (let i = 0; i < TAMPERINGS; i++) await this.#tamper(before, bytes, state);
      this.#state = state;
    } catch (error) {
      this.failure ??= `at height ${before.header.height}: ${(error as Error).message}`;
    }
  }

  async #tamper(before: TrustState, bytes: Bytes, honest: TrustState): Promise<void> {
    const damaged = bytes.slice();
    const at = this.#random.below(damaged.length);
    damaged[at] = (damaged[at] as number) ^ (1 << this.#random.below(8));
    this.tampered++;
    try {
      const { state, verdict } = await this.#follow(before, damaged);
      const same = equalBytes(state.root, honest.root);
      if (verdict.kind !== 'forked' && same) this.harmless++;
      else this.failure ??= `an update with byte ${at} changed was believed`;
    } catch (error) {
      if (!(error instanceof FanalError)) throw error;
      this.refused++;
    }
  }

  #follow(state: TrustState, bytes: Bytes) {
    const now = BigInt(Date.now());
    return follow(state, updateCodec.decode(bytes), { now, verify: verifyNatively });
  }
}
