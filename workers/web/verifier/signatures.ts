/**
 * Shows signature checks as they happen: every check the light client asks for passes through here.
 */
import type { Validator, ValidatorSet } from 'fanal/chain/validators.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import type { SignaturesView, SignatureView } from '../model.ts';

/** Wraps a verifier and remembers the outcome of each key's last check. */
export class SignatureWatch {
  readonly #verify: VerifyBatch;
  readonly #outcomes = new Map<string, boolean>();
  readonly #onCheck: () => void;

  constructor(verify: VerifyBatch, onCheck: () => void) {
    this.#verify = verify;
    this.#onCheck = onCheck;
  }

  /** The same verdicts, one check after the other, each told. */
  readonly verify: VerifyBatch = async (items) => {
    const verdicts: boolean[] = [];
    for (const item of items) {
      const [verdict = false] = await this.#verify([item]);
      this.#outcomes.set(toHex(item.publicKey), verdict);
      verdicts.push(verdict);
      this.#onCheck();
    }
    return verdicts;
  };

  /** Something was checked since the last `clear`. */
  get hasChecks(): boolean {
    return this.#outcomes.size > 0;
  }

  /** A new checkpoint is about to be checked. */
  clear(): void {
    this.#outcomes.clear();
  }

  /**
   * The outcomes so far against a validator set.
   *
   * @param certified the light client accepted the checkpoint
   */
  view(height: bigint, set: ValidatorSet, certified: boolean): SignaturesView {
    const signatures = set.validators.map(
      (validator): SignatureView => ({
        name: validator.name,
        share: shareOf(validator.stake, set),
        state: this.#stateOf(validator, certified),
      }),
    );
    const checkedShare = signatures
      .filter(({ state }) => state === 'checked')
      .reduce((sum, { share }) => sum + share, 0);
    return { height: height.toString(), signatures, checkedShare, certified };
  }

  #stateOf({ checkpointKey }: Validator, certified: boolean): SignatureView['state'] {
    const outcome = this.#outcomes.get(toHex(checkpointKey));
    if (outcome === undefined) return certified ? 'spare' : 'waiting';
    return outcome ? 'checked' : 'refused';
  }
}

/** A stake's share of the whole, 0 to 1. */
export function shareOf(stake: bigint, { totalStake }: ValidatorSet): number {
  return Number((stake * 1_000_000n) / totalStake) / 1_000_000;
}
