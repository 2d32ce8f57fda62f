/**
 * The column types of our tables. SQLite hands every integer over as a `bigint`; a column says
 * whether the code wants it so (`u64`) or as a `number` (`u32`).
 */

import type { Bytes } from 'fanal/primitives/bytes.ts';
import { customType } from './drizzle.ts';

/** A protocol u64: at most 2^63 − 1, so it fits SQLite's signed integer. */
export const u64 = customType<{ data: bigint; driverData: bigint }>({
  dataType: () => 'integer',
});

/** A count, index, epoch or round: at most 2^53 − 1. */
export const u32 = customType<{ data: number; driverData: bigint | number }>({
  dataType: () => 'integer',
  fromDriver: (value) => Number(value),
});

/** Bytes, as a plain view of what SQLite returned. */
export const bytes = customType<{ data: Bytes; driverData: Uint8Array }>({
  dataType: () => 'blob',
  fromDriver: (value) => new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
});
