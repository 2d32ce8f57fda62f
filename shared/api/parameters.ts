/**
 * Parameters of paths and queries: one name means one thing on every route.
 *
 * Each has one canonical spelling, so that one resource has one URL and one cache key. Nothing is
 * percent-decoded: no canonical spelling needs it.
 */
import { MAX_PAGE_ITEMS } from '../chain/limits.ts';
import { parseTilePath } from '../merkle/tiles.ts';
import { type Bytes32, bytes32FromHex, fromHex } from '../primitives/bytes.ts';
import { MAX_U32 } from '../primitives/units.ts';

const HEIGHT = /^(?:0|[1-9][0-9]{0,15})$/;
const HASH = /^[0-9a-f]{64}$/;
const SMALL = /^(?:0|[1-9][0-9]{0,9})$/;
/** Bech32m in lower case; whether its checksum and prefix are right is for `addressFromText`. */
const ADDRESS = /^[a-z]{1,16}1[02-9ac-hj-np-z]{30,100}$/;
const CURSOR = /^[0-9a-z-]{1,96}$/;

/** What a client may hear about on the event stream. */
export const EVENT_TOPICS = ['tip', 'address'] as const;
export type EventTopic = (typeof EVENT_TOPICS)[number];

type Parse<T> = (text: string) => T | null;

const height: Parse<bigint> = (text) => (HEIGHT.test(text) ? BigInt(text) : null);
const hash: Parse<Bytes32> = (text) => (HASH.test(text) ? bytes32FromHex(text) : null);
const small: Parse<number> = (text) =>
  SMALL.test(text) && Number(text) <= MAX_U32 ? Number(text) : null;
const positive: Parse<bigint> = (text) => (text === '0' ? null : height(text));

/** What each name stands for, and what a refusal says. */
export const PARAMETERS = {
  height: { parse: height, expected: 'a height in decimal digits' },
  txid: { parse: hash, expected: '64 lower-case hex digits' },
  hash: { parse: hash, expected: '64 lower-case hex digits' },
  /** A key of the state map. */
  key: { parse: hash, expected: '64 lower-case hex digits' },
  epoch: { parse: small, expected: 'an epoch in decimal digits' },
  chunk: { parse: small, expected: 'a chunk number in decimal digits' },
  address: {
    parse: (text: string) => (ADDRESS.test(text) ? text : null),
    expected: 'an address in lower-case bech32m',
  },
  tile: {
    parse: (text: string) => (isTilePath(text) ? text : null),
    expected: 'a tile path as C2SP tlog-tiles has it',
  },
  /** Size of the header log that an answer is proved against. */
  at: { parse: positive, expected: 'a size of at least 1 in decimal digits' },
  from: { parse: height, expected: 'a size, height or index in decimal digits' },
  limit: {
    parse: (text: string) => {
      const value = small(text);
      return value === null || value < 1 || value > MAX_PAGE_ITEMS ? null : value;
    },
    expected: `a number from 1 to ${MAX_PAGE_ITEMS}`,
  },
  cursor: {
    parse: (text: string) => (CURSOR.test(text) ? text : null),
    expected: 'the cursor of the page before, unchanged',
  },
  format: {
    parse: (text: string) => (text === 'bytes' ? ('bytes' as const) : null),
    expected: 'bytes',
  },
  topics: {
    parse: (text: string): readonly EventTopic[] | null => {
      const topics = text.split(',');
      const known = topics.every((topic) => (EVENT_TOPICS as readonly string[]).includes(topic));
      return known && new Set(topics).size === topics.length ? (topics as EventTopic[]) : null;
    },
    expected: `distinct names among ${EVENT_TOPICS.join(', ')}, separated by commas`,
  },
} as const satisfies Record<string, { parse: Parse<unknown>; expected: string }>;

export type ParameterName = keyof typeof PARAMETERS;
export type ParameterValue<Name extends ParameterName> = NonNullable<
  ReturnType<(typeof PARAMETERS)[Name]['parse']>
>;

function isTilePath(text: string): boolean {
  try {
    parseTilePath(`tile/${text}`);
    return true;
  } catch {
    return false;
  }
}

/** Writes a page's cursor: the size that pins the list, and where the next page begins. */
export function writeCursor(cursor: Cursor): string {
  return `${cursor.at}-${cursor.after}`;
}

/** Where a page of a list goes on. */
export interface Cursor {
  /** Size of the header log at which the list was read. */
  readonly at: bigint;
  /** An index in decimal, or a key in hex. */
  readonly after: string;
}

/** Reads a cursor; null unless it has the form that `writeCursor` gives. */
export function readCursor(text: string): Cursor | null {
  const [at, after, ...rest] = text.split('-');
  if (at === undefined || after === undefined || rest.length > 0) return null;
  const size = positive(at);
  if (size === null || !(HEIGHT.test(after) || HASH.test(after))) return null;
  return { at: size, after };
}

/** The key in a cursor of a list that is ordered by key. */
export function cursorKey(cursor: Cursor): Bytes32 | null {
  return HASH.test(cursor.after) ? (fromHex(cursor.after) as Bytes32) : null;
}
