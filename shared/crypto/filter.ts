/**
 * The byte filter in front of every Ed25519 verifier, and the port through which all of them are
 * called.
 *
 * Native verifiers disagree about odd signatures and change their minds between releases. After
 * this filter, every one that checks `encode([S]B − [k]A) == R` without cofactors gives the same
 * verdict (docs/protocol.md §1). No curve arithmetic happens here, so a client whose platform
 * verifies natively ships none.
 */
import type { Bytes } from '../primitives/bytes.ts';

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** A message, who is said to have signed it, and the signature. All three may come from anyone. */
export interface SignedItem {
  readonly message: Bytes;
  readonly signature: Bytes;
  readonly publicKey: Bytes;
}

/** Checks signatures: one verdict an item, in order, by the one rule. Never throws on bad input. */
export type VerifyBatch = (
  items: readonly SignedItem[],
) => readonly boolean[] | Promise<readonly boolean[]>;

/**
 * Says whether a signature is worth giving to a verifier: 64 and 32 bytes, S below the group
 * order, R and the key canonical and not of small order.
 */
export function passesFilter(signature: Bytes, publicKey: Bytes): boolean {
  return (
    signature.length === SIGNATURE_BYTES &&
    publicKey.length === PUBLIC_KEY_BYTES &&
    isBelowOrder(signature, 32) &&
    isAcceptablePoint(signature, 0) &&
    isAcceptablePoint(publicKey, 0)
  );
}

/** Says whether 32 bytes are the canonical y of a point and not one of the small-order points. */
export function isAcceptablePoint(bytes: Bytes, at: number): boolean {
  return isBelowPrime(bytes, at) && !isSmallOrder(bytes, at);
}

/** The group order L = 2^252 + 27742317777372353535851937790883648493, least byte first. */
const ORDER = Uint8Array.of(
  ...[0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde],
  ...[0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10],
);

/** The y coordinates of the eight small-order points; each stands for both signs of x. */
const SMALL_ORDER_Y: readonly Bytes[] = [
  // 0, order 4
  Uint8Array.of(...new Array<number>(32).fill(0)),
  // 1, the identity
  Uint8Array.of(1, ...new Array<number>(31).fill(0)),
  // p − 1, order 2
  Uint8Array.of(0xec, ...new Array<number>(30).fill(0xff), 0x7f),
  // the two of order 8
  Uint8Array.of(
    ...[0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98],
    ...[0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53],
    ...[0xfc, 0x05],
  ),
  Uint8Array.of(
    ...[0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67],
    ...[0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac],
    ...[0x03, 0x7a],
  ),
];

function isBelowOrder(bytes: Bytes, at: number): boolean {
  for (let i = 31; i >= 0; i--) {
    const byte = bytes[at + i] as number;
    const limit = ORDER[i] as number;
    if (byte !== limit) return byte < limit;
  }
  return false;
}

/** p = 2^255 − 19 is 0xed, then thirty 0xff, then 0x7f; the top bit is the sign of x. */
function isBelowPrime(bytes: Bytes, at: number): boolean {
  if (((bytes[at + 31] as number) & 0x7f) !== 0x7f) return true;
  for (let i = 30; i > 0; i--) if (bytes[at + i] !== 0xff) return true;
  return (bytes[at] as number) < 0xed;
}

function isSmallOrder(bytes: Bytes, at: number): boolean {
  return SMALL_ORDER_Y.some((y) => isSameY(bytes, at, y));
}

function isSameY(bytes: Bytes, at: number, y: Bytes): boolean {
  for (let i = 0; i < 31; i++) if (bytes[at + i] !== y[i]) return false;
  return ((bytes[at + 31] as number) & 0x7f) === y[31];
}
