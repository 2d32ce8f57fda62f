/**
 * Ways to spoil an answer: in its bytes, in its text, and in its fields.
 */
import { type Bytes, concat } from 'fanal/primitives/bytes.ts';
import { MAX_U64 } from 'fanal/primitives/units.ts';
import type { Chance } from './chance.ts';

/** Changes bytes somewhere; `others` are valid answers of the same type to take pieces from. */
export function mutateBytes(chance: Chance, bytes: Bytes, others: readonly Bytes[]): Bytes {
  const rounds = 1 + (chance.below(4) === 0 ? chance.below(4) : 0);
  let result = bytes;
  for (let i = 0; i < rounds; i++) result = mutateOnce(chance, result, others);
  return result;
}

function mutateOnce(chance: Chance, bytes: Bytes, others: readonly Bytes[]): Bytes {
  const at = chance.below(Math.max(bytes.length, 1));
  const length = 1 + chance.below(Math.min(64, Math.max(bytes.length - at, 1)));
  const copy = bytes.slice();
  switch (chance.below(11)) {
    case 0:
    case 1:
    case 2:
      copy[at] = (copy[at] as number) ^ (1 << chance.below(8));
      return copy;
    case 3:
      copy[at] = chance.pick([0, 1, 0x7f, 0x80, 0xff, chance.below(256)]);
      return copy;
    case 4:
      return concat(bytes.slice(0, at), bytes.slice(at + length));
    case 5:
      return concat(bytes.slice(0, at), chance.bytes(length), bytes.slice(at));
    case 6:
      return concat(bytes.slice(0, at + length), bytes.slice(at));
    case 7:
      return bytes.slice(0, at);
    case 8: {
      const from = chance.below(Math.max(bytes.length - length, 1));
      copy.set(bytes.subarray(from, from + Math.min(length, bytes.length - at)), at);
      return copy;
    }
    case 9: {
      const other = chance.pick(others);
      const from = chance.below(other.length);
      const piece = other.subarray(from, from + Math.min(length, bytes.length - at));
      copy.set(piece, at);
      return copy;
    }
    default: {
      const other = chance.pick(others);
      return concat(bytes.slice(0, at), other.slice(at));
    }
  }
}

const TEXT_PIECES = [
  '\n',
  '\n\n',
  ' ',
  '— ',
  '+',
  '=',
  '0',
  '-',
  '\r',
  '\u0000',
  '\u2028',
  'A',
  '/',
  '𝟘',
];

/** Changes a text somewhere. */
export function mutateText(chance: Chance, text: string, others: readonly string[]): string {
  const at = chance.below(text.length + 1);
  const length = 1 + chance.below(40);
  const head = text.slice(0, at);
  switch (chance.below(7)) {
    case 0:
      return head + text.slice(at + length);
    case 1:
      return head + chance.pick(TEXT_PIECES) + text.slice(at);
    case 2:
      return head + chance.pick(TEXT_PIECES) + text.slice(at + 1);
    case 3:
      return head + String.fromCharCode(32 + chance.below(95)) + text.slice(at + 1);
    case 4:
      return head + text.slice(Math.max(at - length, 0));
    case 5: {
      const lines = text.split('\n');
      const [a, b] = [chance.below(lines.length), chance.below(lines.length)];
      return lines
        .with(a, lines[b] as string)
        .with(b, lines[a] as string)
        .join('\n');
    }
    default: {
      const other = chance.pick(others);
      return head + other.slice(chance.below(other.length));
    }
  }
}

/** A place in a value, and how to put something else there. */
interface Place {
  readonly value: unknown;
  put(value: unknown): void;
}

/**
 * Changes a field of a decoded answer, anywhere in it, to another value of the same type. The value
 * given is changed itself: hand in one of your own.
 *
 * @param other a valid answer of the same type, to take values from
 */
export function mutateFields(chance: Chance, answer: unknown, other: unknown): void {
  const rounds = 1 + (chance.below(3) === 0 ? chance.below(3) : 0);
  for (let i = 0; i < rounds; i++) {
    const places = placesOf(answer);
    if (places.length === 0) return;
    const place = chance.pick(places);
    const donors = placesOf(other).filter(({ value }) => isAlike(value, place.value));
    place.put(changed(chance, place.value, donors));
  }
}

function changed(chance: Chance, value: unknown, donors: readonly Place[]): unknown {
  if (donors.length > 0 && chance.below(3) === 0) {
    return structuredClone(chance.pick(donors).value);
  }
  if (typeof value === 'bigint') {
    const choices = [
      value + 1n,
      value - 1n,
      0n,
      1n,
      MAX_U64,
      value * 2n,
      1n << BigInt(chance.below(63)),
    ];
    return bounded(chance.pick(choices));
  }
  if (typeof value === 'number') {
    return Math.max(0, chance.pick([value + 1, value - 1, 0, 65_535, chance.below(65_536)]));
  }
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') return mutateText(chance, value, [value]);
  if (value instanceof Uint8Array) {
    const copy = value.slice();
    if (copy.length === 0) return chance.bytes(1 + chance.below(40));
    if (chance.below(4) === 0) return chance.pick([copy.fill(0), chance.bytes(copy.length)]);
    const at = chance.below(copy.length);
    copy[at] = (copy[at] as number) ^ (1 << chance.below(8));
    return copy;
  }
  if (Array.isArray(value)) return changedList(chance, value);
  return value === null && donors.length > 0 ? structuredClone(chance.pick(donors).value) : null;
}

function changedList(chance: Chance, list: readonly unknown[]): unknown[] {
  if (list.length === 0) return [];
  const at = chance.below(list.length);
  const to = chance.below(list.length);
  switch (chance.below(5)) {
    case 0:
      return list.toSpliced(at, 1);
    case 1:
      return list.toSpliced(to, 0, structuredClone(list[at]));
    case 2:
      return list.with(at, list[to]).with(to, list[at]);
    case 3:
      return list.toReversed();
    default:
      return list.slice(0, at);
  }
}

/** Every place in a value, the whole lists and records in it too. */
function placesOf(root: unknown): Place[] {
  const places: Place[] = [];
  const visit = (holder: Record<string, unknown> | unknown[]): void => {
    for (const key of Object.keys(holder)) {
      const record = holder as Record<string, unknown>;
      places.push({
        value: record[key],
        put: (value) => {
          record[key] = value;
        },
      });
      const value = record[key];
      if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
        visit(value as Record<string, unknown>);
      }
    }
  };
  visit(root as Record<string, unknown>);
  return places;
}

function isAlike(a: unknown, b: unknown): boolean {
  if (b === null) return typeof a === 'object';
  if (a instanceof Uint8Array && b instanceof Uint8Array) return a.length === b.length;
  return typeof a === typeof b && Array.isArray(a) === Array.isArray(b) && a !== null;
}

function bounded(value: bigint): bigint {
  if (value < 0n) return 0n;
  return value > MAX_U64 ? MAX_U64 : value;
}
