/**
 * The protocol's integers: every u64 is a `bigint` of at most 2^63 − 1, smaller ones are numbers.
 */
import { DecodeError } from './errors.ts';

/** The greatest value of a protocol u64: it must fit SQLite's signed 64 bits. */
export const MAX_U64 = 2n ** 63n - 1n;
export const MAX_U32 = 0xffff_ffff;
export const MAX_U16 = 0xffff;
export const MAX_U8 = 0xff;

/** Units of one coin: amounts on the wire are units, people read coins. */
export const UNITS_PER_COIN = 100_000_000n;

const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;

/**
 * Reads a u64 from decimal digits, the form amounts and heights have in JSON.
 *
 * @throws {DecodeError} `encoding/integer` on signs, leading zeros, or more than 2^63 − 1
 */
export function u64FromText(text: string): bigint {
  if (typeof text !== 'string' || !DECIMAL.test(text)) {
    throw new DecodeError('encoding/integer', `expected decimal digits, found ${describe(text)}`);
  }
  const value = BigInt(text);
  if (value > MAX_U64) {
    throw new DecodeError('encoding/integer', `expected at most ${MAX_U64}, found ${text}`);
  }
  return value;
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 32)) : typeof value;
}
