/**
 * How sure a client can be that what it holds is new (docs/protocol.md §9.3).
 *
 * Every cosignature says when it was made. The time that more than one third of the stake signed
 * at or after was seen by at least one honest validator, so no liar can make an old tip look young.
 */
import { FRESH_MILLIS } from '../chain/limits.ts';
import { includesHonest } from '../chain/quorum.ts';
import type { Validator, ValidatorSet } from '../chain/validators.ts';
import type { CertifiedCheckpoint } from '../checkpoint/certify.ts';
import { unreachable } from '../primitives/assert.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { ForkEvidence } from './evidence.ts';

/** What a client may say of its tip. Never a bare yes or no. */
export type Verdict =
  /** An honest validator stood behind the tip within the limit. Milliseconds since 1970. */
  | { readonly kind: 'fresh'; readonly sureAt: bigint }
  /** The tip is proved, and nobody vouched for it since. */
  | { readonly kind: 'stale'; readonly since: bigint }
  /** Two certified histories exist. Believe neither. */
  | { readonly kind: 'forked'; readonly evidence: ForkEvidence }
  /** What came does not prove what it claims. */
  | { readonly kind: 'unverified'; readonly reason: VerificationError };

/**
 * The time that more than one third of the stake vouches for, in milliseconds: the largest t such
 * that cosigners with more than a third signed at t or later.
 */
export function vouchedMillis(checkpoint: CertifiedCheckpoint, set: ValidatorSet): bigint {
  const latestFirst = checkpoint.cosignatures.toSorted((a, b) =>
    a.time === b.time ? 0 : a.time > b.time ? -1 : 1,
  );
  let stake = 0n;
  for (const { validator, time } of latestFirst) {
    stake += (set.validators[validator] as Validator).stake;
    if (includesHonest(stake, set.totalStake)) return time * 1_000n;
  }
  return unreachable(undefined as never);
}

/**
 * Says whether a tip that was sure at `sureAt` still counts as fresh.
 *
 * @param freshMillis how old a fresh tip may be
 */
export function freshness(sureAt: bigint, now: bigint, freshMillis = FRESH_MILLIS): Verdict {
  return now - sureAt <= freshMillis ? { kind: 'fresh', sureAt } : { kind: 'stale', since: sureAt };
}

/** Turns a refusal into a verdict. Any other error is not one, and is thrown again. */
export function unverified(error: unknown): Verdict {
  if (error instanceof VerificationError) return { kind: 'unverified', reason: error };
  throw error;
}
