/**
 * Which protocol version each validator of the running set says that its software knows, and what
 * follows from that at the end of an epoch (docs/protocol.md §8.5).
 */
import type { Codec } from '../primitives/codec.ts';
import { listOf, struct, u8 } from '../primitives/struct.ts';
import { MAX_VALIDATORS } from './limits.ts';
import { isReadyShare } from './quorum.ts';
import type { ValidatorSet } from './validators.ts';

export interface Readiness {
  /** By index: the newest version that the validator is ready for; 0 while it said nothing. */
  readonly versions: readonly number[];
}

export const readinessCodec: Codec<Readiness> = /* @__PURE__ */ struct(
  'readiness',
  2 + MAX_VALIDATORS,
  { versions: /* @__PURE__ */ listOf(MAX_VALIDATORS, 1, u8) },
);

/** What the members of the running set said, by index of the next one; whoever is new, nothing. */
export function carriedReadiness(
  { versions }: Readiness,
  running: ValidatorSet,
  next: ValidatorSet,
): Readiness {
  const said = new Map(running.validators.map(({ name }, i) => [name, versions[i] ?? 0]));
  return { versions: next.validators.map(({ name }) => said.get(name) ?? 0) };
}

/**
 * The version for the next epoch: the highest above the one in force that members of the set with
 * more than five sixths of its stake are ready for, or the one in force. It never falls.
 */
export function nextVersion(inForce: number, { versions }: Readiness, next: ValidatorSet): number {
  const candidates = [...new Set(versions)].filter((version) => version > inForce);
  for (const version of candidates.sort((a, b) => b - a)) {
    const ready = next.validators.reduce(
      (sum, { stake }, i) => ((versions[i] ?? 0) >= version ? sum + stake : sum),
      0n,
    );
    if (isReadyShare(ready, next.totalStake)) return version;
  }
  return inForce;
}
