/**
 * The checks that every tree's verifier makes, each with its typed refusal.
 */
import { type Bytes, equalBytes, toHex } from '../primitives/bytes.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { MAX_U64 } from '../primitives/units.ts';
import { HASH_BYTES } from './list-hash.ts';

/** Refuses what is not a hash, before anything is compared or hashed. */
export function checkHashes(step: string, hashes: readonly Bytes[]): void {
  for (const hash of hashes) {
    if (hash.length === HASH_BYTES) continue;
    throw new VerificationError(
      'proof/hash-length',
      step,
      `hashes of ${HASH_BYTES} bytes`,
      `one of ${hash.length}`,
    );
  }
}

export function checkSize(step: string, size: bigint): void {
  if (size >= 0n && size <= MAX_U64) return;
  throw new VerificationError('proof/size', step, 'a size from 0 to 2^63 − 1', `${size}`);
}

export function checkPathLength(step: string, path: readonly Hash[], expected: number): void {
  if (path.length === expected) return;
  throw new VerificationError(
    'proof/path-length',
    step,
    `a path of ${expected} hashes`,
    `${path.length}`,
  );
}

export function checkRoot(step: string, expected: Hash, found: Hash): void {
  if (equalBytes(expected, found)) return;
  throw new VerificationError('proof/root-mismatch', step, `root ${toHex(expected)}`, toHex(found));
}
