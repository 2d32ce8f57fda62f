/**
 * Certifying: a checkpoint counts once members with more than two thirds of the stake cosigned it
 * (docs/protocol.md §7.5).
 *
 * Signatures are checked heaviest stake first and only until the quorum stands; one bad signature
 * among those refuses the whole. `certify` does it all. A caller that checks signatures elsewhere,
 * or as they come in, takes the pure halves: `planCertification` and `judgeCertification`, or
 * `certifyChecked`.
 */
import { isQuorum } from '../chain/quorum.ts';
import type { Validator, ValidatorSet } from '../chain/validators.ts';
import type { SignedItem, VerifyBatch } from '../crypto/filter.ts';
import { assert } from '../primitives/assert.ts';
import type { Branded } from '../primitives/brand.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Cosignature, cosignatureItem } from './cosignature.ts';
import { type CosignedCheckpoint, parseCheckpointNote } from './cosigned.ts';

/** A checkpoint that a quorum cosigned. The only way to hold one is to have certified it. */
export type CertifiedCheckpoint = Branded<QuorumCheckpoint, 'CertifiedCheckpoint'>;

interface QuorumCheckpoint extends Checkpoint {
  /** A quorum whose signatures were checked, ascending by validator. */
  readonly cosignatures: readonly Cosignature[];
  /** The set whose quorum it is. */
  readonly validatorsHash: Hash;
}

/** Which signatures have to be checked for a checkpoint to be certified. */
export interface CertificationPlan {
  readonly checkpoint: Checkpoint;
  readonly set: ValidatorSet;
  /** A quorum, heaviest first. */
  readonly chosen: readonly Cosignature[];
  /** Their signatures, in the same order. */
  readonly items: readonly SignedItem[];
}

/**
 * Certifies a checkpoint of the log `origin` by the set of its epoch.
 *
 * @throws {VerificationError} `checkpoint/unknown-cosigner`, `checkpoint/no-quorum`,
 *   `checkpoint/bad-cosignature`
 */
export async function certify(
  cosigned: CosignedCheckpoint,
  origin: string,
  set: ValidatorSet,
  verify: VerifyBatch,
): Promise<CertifiedCheckpoint> {
  const plan = planCertification(cosigned, origin, set);
  return judgeCertification(plan, await verify(plan.items));
}

/** Reads a note and certifies it. Throws what `parseCheckpointNote` and `certify` throw. */
export async function certifyNote(
  note: string,
  origin: string,
  set: ValidatorSet,
  verify: VerifyBatch,
): Promise<CertifiedCheckpoint> {
  return certify(parseCheckpointNote(note, origin, set), origin, set, verify);
}

/**
 * Chooses the signatures to check: heaviest stake first, until they would make a quorum.
 *
 * @throws {VerificationError} `checkpoint/unknown-cosigner`, `checkpoint/no-quorum`
 */
export function planCertification(
  { size, root, cosignatures }: CosignedCheckpoint,
  origin: string,
  set: ValidatorSet,
): CertificationPlan {
  const checkpoint = { origin, size, root };
  const seen = new Set<number>();
  for (const { validator } of cosignatures) {
    if (set.validators[validator] === undefined || seen.has(validator)) {
      throw new VerificationError(
        'checkpoint/unknown-cosigner',
        'checkpoint cosigners',
        `distinct indexes below ${set.validators.length}`,
        String(validator),
      );
    }
    seen.add(validator);
  }
  const chosen = heaviestQuorum(cosignatures, set);
  return {
    checkpoint,
    set,
    chosen,
    items: chosen.map((cosignature) => cosignatureItem(checkpoint, cosignature, set)),
  };
}

/**
 * Draws the conclusion from the checked signatures of a plan, one verdict each, in order.
 *
 * @throws {VerificationError} `checkpoint/bad-cosignature`
 */
export function judgeCertification(
  { checkpoint, set, chosen }: CertificationPlan,
  verdicts: readonly boolean[],
): CertifiedCheckpoint {
  assert(verdicts.length === chosen.length, 'one verdict for each signature');
  const bad = chosen.find((_, i) => verdicts[i] !== true);
  if (bad !== undefined) {
    const { name } = set.validators[bad.validator] as Validator;
    throw new VerificationError(
      'checkpoint/bad-cosignature',
      `cosignature of ${name}`,
      `a valid signature of size ${checkpoint.size}`,
      'one that does not verify',
    );
  }
  return certified(checkpoint, chosen, set);
}

/**
 * Certifies by cosignatures of distinct members that the caller has checked one by one.
 *
 * @throws {VerificationError} `checkpoint/no-quorum`
 */
export function certifyChecked(
  checkpoint: Checkpoint,
  cosignatures: readonly Cosignature[],
  set: ValidatorSet,
): CertifiedCheckpoint {
  return certified(checkpoint, heaviestQuorum(cosignatures, set), set);
}

/** The sum of the stake of cosigners, which must be distinct members. */
export function cosignedStake(cosignatures: readonly Cosignature[], set: ValidatorSet): bigint {
  return cosignatures.reduce((sum, { validator }) => sum + stakeOf(validator, set), 0n);
}

/**
 * What of a checkpoint's cosignatures is worth sending on: a quorum, and `spare` more for readers
 * that know fewer keys. Other tools refuse notes with too many lines.
 */
export function trimCosignatures(
  cosignatures: readonly Cosignature[],
  set: ValidatorSet,
  spare: number,
): Cosignature[] {
  const quorum = heaviestQuorum(cosignatures, set);
  return inOrder(byWeight(cosignatures, set).slice(0, quorum.length + spare));
}

/** The fewest cosignatures that make a quorum, heaviest first. */
function heaviestQuorum(cosignatures: readonly Cosignature[], set: ValidatorSet): Cosignature[] {
  const chosen: Cosignature[] = [];
  let stake = 0n;
  for (const cosignature of byWeight(cosignatures, set)) {
    chosen.push(cosignature);
    stake += stakeOf(cosignature.validator, set);
    if (isQuorum(stake, set.totalStake)) return chosen;
  }
  throw new VerificationError(
    'checkpoint/no-quorum',
    'checkpoint quorum',
    `more than two thirds of ${set.totalStake} staked units`,
    `${stake} by ${cosignatures.length} of ${set.validators.length} validators`,
  );
}

function certified(
  { origin, size, root }: Checkpoint,
  cosignatures: readonly Cosignature[],
  set: ValidatorSet,
): CertifiedCheckpoint {
  const checkpoint: QuorumCheckpoint = {
    origin,
    size,
    root,
    cosignatures: inOrder(cosignatures),
    validatorsHash: set.hash,
  };
  return checkpoint as CertifiedCheckpoint;
}

function byWeight(cosignatures: readonly Cosignature[], set: ValidatorSet): Cosignature[] {
  return cosignatures.toSorted((a, b) => {
    const difference = stakeOf(b.validator, set) - stakeOf(a.validator, set);
    return difference === 0n ? a.validator - b.validator : difference < 0n ? -1 : 1;
  });
}

function inOrder(cosignatures: readonly Cosignature[]): Cosignature[] {
  return cosignatures.toSorted((a, b) => a.validator - b.validator);
}

function stakeOf(validator: number, set: ValidatorSet): bigint {
  return (set.validators[validator] as Validator).stake;
}
