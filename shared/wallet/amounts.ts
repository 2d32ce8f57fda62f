/**
 * Amounts as people write them: coins with up to eight decimals. Inside, everything is units.
 */
import { DecodeError } from '../primitives/errors.ts';
import { MAX_U64, UNITS_PER_COIN } from '../primitives/units.ts';

const COINS = /^(0|[1-9][0-9]{0,10})(?:\.([0-9]{1,8}))?$/;

/**
 * Reads an amount in coins, such as `12.5`.
 *
 * @returns units
 * @throws {DecodeError} `amount/text` for anything but plain decimal digits
 */
export function parseCoins(text: string): bigint {
  const match = COINS.exec(text);
  if (match === null) {
    throw new DecodeError(
      'amount/text',
      `expected coins such as 12.5, with at most 8 decimals, found "${text.slice(0, 32)}"`,
    );
  }
  const units =
    BigInt(match[1] as string) * UNITS_PER_COIN + BigInt((match[2] ?? '').padEnd(8, '0'));
  if (units > MAX_U64) throw new DecodeError('amount/text', 'there are not that many coins');
  return units;
}

/** Writes units as coins, without trailing zeros: `12.5`. */
export function formatCoins(units: bigint): string {
  const sign = units < 0n ? '-' : '';
  const size = units < 0n ? -units : units;
  const decimals = (size % UNITS_PER_COIN).toString().padStart(8, '0').replace(/0+$/, '');
  return `${sign}${size / UNITS_PER_COIN}${decimals === '' ? '' : `.${decimals}`}`;
}
