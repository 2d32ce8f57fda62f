/**
 * Values as vectors write them: bytes in lower-case hex, u64 in decimal strings, the rest as JSON
 * has it.
 */
import { type Bytes, toHex } from 'fanal/primitives/bytes.ts';

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

export function toJson(value: unknown): Json {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
  }
  return value as Json;
}

/** One case: its inputs, and either what comes out or the code of the refusal. */
export type VectorCase = { readonly name: string; readonly refused?: string } & {
  readonly [input: string]: Json | undefined;
};

export interface VectorFile {
  readonly schema: 'fanal.vectors/1';
  readonly origin: string;
  /** What a runner does with each case. */
  readonly about: string;
  readonly rule: string;
  readonly cases: readonly VectorCase[];
}

const ORIGIN = 'made by this project from fixed seeds (test/support/vectors/write.ts), Apache-2.0';

export function vectorFile(rule: string, about: string, cases: readonly VectorCase[]): VectorFile {
  return { schema: 'fanal.vectors/1', origin: ORIGIN, rule, about, cases };
}

/** Bytes with one of them changed. */
export function flipped(bytes: Bytes, at: number, mask = 1): Bytes {
  const copy = bytes.slice();
  const place = at < 0 ? bytes.length + at : at;
  copy[place] = (copy[place] as number) ^ mask;
  return copy;
}
