/**
 * Keys that come again and again, such as the validators', with tables that make checking their
 * signatures three times as fast in plain JavaScript.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { type Bytes, toHex } from '../primitives/bytes.ts';

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;

/** How many keys are remembered; a table takes about 250 kB, so all of them take 25 MB. */
export const MAX_KNOWN_KEYS = 100;
/** A table costs as much as five checks without one: it is made for a key that was seen before. */
const USES_BEFORE_TABLE = 3;
const WINDOW_BITS = 5;

interface KnownKey {
  /** The key's point, negated; null for bytes that are no point. */
  readonly negated: Point | null;
  uses: number;
}

export class KnownKeys {
  readonly #keys = new Map<string, KnownKey>();

  /** The negated point of a public key, or null where the bytes are no point. */
  negated(publicKey: Bytes): Point | null {
    const name = toHex(publicKey);
    const known = this.#keys.get(name) ?? { negated: decodeNegated(publicKey), uses: 0 };
    known.uses++;
    if (known.uses === USES_BEFORE_TABLE) known.negated?.precompute(WINDOW_BITS);
    // Last in the map is last to go.
    this.#keys.delete(name);
    this.#keys.set(name, known);
    if (this.#keys.size > MAX_KNOWN_KEYS) this.#keys.delete(this.#keys.keys().next().value ?? '');
    return known.negated;
  }
}

function decodeNegated(publicKey: Bytes): Point | null {
  try {
    return Point.fromBytes(publicKey).negate();
  } catch {
    return null;
  }
}
