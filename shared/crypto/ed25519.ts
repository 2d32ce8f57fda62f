/**
 * Ed25519 in plain JavaScript: signing, keys, and verification by the one rule where the platform
 * has no verifier of its own (docs/protocol.md §1).
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { assert } from '../primitives/assert.ts';
import { type Bytes, concat, equalBytes } from '../primitives/bytes.ts';
import {
  isAcceptablePoint,
  PUBLIC_KEY_BYTES,
  passesFilter,
  SIGNATURE_BYTES,
  type VerifyBatch,
} from './filter.ts';
import { KnownKeys } from './known-keys.ts';

export const SEED_BYTES = 32;

const { Point } = ed25519;
const { Fn } = Point;
const knownKeys = new KnownKeys();

/** Signs a message with a 32-byte seed (RFC 8032). The same message gives the same signature. */
export function sign(message: Bytes, seed: Bytes): Bytes {
  assert(seed.length === SEED_BYTES, 'a seed has 32 bytes');
  return ed25519.sign(message, seed);
}

/** The public key of a 32-byte seed. */
export function publicKeyFromSeed(seed: Bytes): Bytes {
  assert(seed.length === SEED_BYTES, 'a seed has 32 bytes');
  return ed25519.getPublicKey(seed);
}

/**
 * Says whether a signature is valid: the byte filter, then `encode([S]B − [k]A) == R`, without
 * cofactors. Deliberately not the library's own `verify`, whose rule is another.
 */
export function verify(message: Bytes, signature: Bytes, publicKey: Bytes): boolean {
  if (!passesFilter(signature, publicKey)) return false;
  const negated = knownKeys.negated(publicKey);
  if (negated === null) return false;
  const r = signature.subarray(0, SIGNATURE_BYTES / 2);
  const s = scalarOf(signature.subarray(SIGNATURE_BYTES / 2));
  const k = scalarOf(sha512(concat(r, publicKey, message)));
  const expected = Point.BASE.multiplyUnsafe(s).add(negated.multiplyUnsafe(k));
  return equalBytes(expected.toBytes(), r);
}

/**
 * Verifies on the calling thread: on a small machine about 1,000 signatures a second, and 3,000
 * under keys that come again.
 */
export const verifyInJavaScript: VerifyBatch = (items) =>
  items.map(({ message, signature, publicKey }) => verify(message, signature, publicKey));

/**
 * Says whether a key may enter for good, at genesis or registration: a canonical point in the
 * prime-order group. Keys of mixed order verify some signatures but are refused here.
 */
export function isRegistrableKey(publicKey: Bytes): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || !isAcceptablePoint(publicKey, 0)) return false;
  try {
    return Point.fromBytes(publicKey).isTorsionFree();
  } catch {
    return false;
  }
}

/** Reads a little-endian number modulo the group order. */
function scalarOf(bytes: Bytes): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return Fn.create(value);
}
