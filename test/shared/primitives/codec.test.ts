import { type Codec, codec, Reader, Writer } from 'fanal/primitives/codec.ts';
import {
  bytes32,
  fixed,
  flag,
  listOf,
  optional,
  short,
  struct,
  u8,
  u16,
  u32,
  u64,
} from 'fanal/primitives/struct.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
};
const reading = (bytes: number[], read: (reader: Reader) => unknown) => () =>
  read(new Reader(Uint8Array.from(bytes), 'test'));

describe('writing', () => {
  it('puts integers the large end first', () => {
    const bytes = new Writer().u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0fn).finish();
    expect([...bytes]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  });

  it('grows with what is written', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 9 }), (parts) => {
        const writer = new Writer(1);
        for (const part of parts) writer.bytes(part, part.length);
        expect(writer.finish()).toEqual(new Uint8Array(Buffer.concat(parts)));
        expect(writer.length).toBe(writer.finish().length);
      }),
    );
  });

  it.each([
    ['256 as a u8', () => new Writer().u8(256)],
    ['a fraction', () => new Writer().u16(1.5)],
    ['−1', () => new Writer().u32(-1)],
    ['2^63', () => new Writer().u64(2n ** 63n)],
    ['not a number', () => new Writer().u8(Number.NaN)],
    ['bytes of another length', () => new Writer().bytes(new Uint8Array(3), 4)],
    ['too long a list', () => new Writer().list([1, 2], 1, (w, n) => w.u8(n))],
  ])('stops at %s: that is our own mistake', (_, action) => {
    expect(action).toThrow(expect.objectContaining({ name: 'AssertionError' }));
  });
});

describe('reading', () => {
  it.each([
    ['past the end', reading([0], (r) => r.u16()), 'decode/truncated'],
    ['a u64 of 2^63', reading([0x80, 0, 0, 0, 0, 0, 0, 0], (r) => r.u64()), 'decode/integer'],
    ['a flag of 2', reading([2], (r) => r.flag()), 'decode/flag'],
    ['more than the maximum', reading([0, 9], (r) => r.shortBytes(8)), 'decode/length'],
    [
      'a list above its maximum',
      reading([3, 1, 1, 1], (r) => r.list(2, 1, (i) => i.u8())),
      'decode/count',
    ],
    ['bytes that stay', reading([1, 2], (r) => r.bytes(1) && r.end()), 'decode/trailing'],
  ])('refuses %s', (_, action, code) => {
    expect(codeOf(action)).toBe(code);
  });

  it('refuses a count that cannot fit before it makes room for it', () => {
    const count = reading([0xff, 0xff, 0xff, 0xff], (r) =>
      r.list(0xffff_ffff, 1, () => {
        throw new Error('an item was read');
      }),
    );
    expect(codeOf(count)).toBe('decode/truncated');
  });

  it('copies what it gives', () => {
    const source = Uint8Array.of(1, 2, 3);
    const read = new Reader(source, 'test').bytes(3);
    source.fill(0);
    expect([...read]).toEqual([1, 2, 3]);
  });

  it('reads from the middle of a larger buffer', () => {
    const buffer = Uint8Array.of(9, 9, 0, 5, 9).subarray(2, 4);
    expect(new Reader(buffer, 'test').u16()).toBe(5);
  });
});

describe('the width of a count', () => {
  it.each([
    [255, 1],
    [256, 2],
    [65_535, 2],
    [65_536, 4],
  ])('with a maximum of %i is %i bytes', (max, width) => {
    const bytes = new Writer().list([], max, () => {}).finish();
    expect(bytes).toHaveLength(width);
  });
});

interface Record {
  readonly a: number;
  readonly b: bigint;
  readonly c: readonly number[];
  readonly d: boolean;
  readonly e: Uint8Array | null;
}

describe('a record', () => {
  const record: Codec<Record> = struct(
    'record',
    100,
    { a: u16, b: u64, c: listOf(9, 1, u8), d: flag, e: optional(short(4)) },
    7,
  );

  it('has its version, then its fields in order', () => {
    const bytes = record.encode({ a: 1, b: 2n, c: [3, 4], d: true, e: Uint8Array.of(5) });
    expect([...bytes]).toEqual([7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 2, 3, 4, 1, 1, 0, 1, 5]);
    expect(record.decode(bytes)).toEqual({ a: 1, b: 2n, c: [3, 4], d: true, e: Uint8Array.of(5) });
  });

  it('is refused in another version, and over its size', () => {
    const bytes = record.encode({ a: 1, b: 2n, c: [], d: false, e: null });
    bytes[0] = 8;
    expect(codeOf(() => record.decode(bytes))).toBe('decode/version');
    expect(codeOf(() => record.decode(new Uint8Array(101)))).toBe('decode/length');
  });

  it('may hold fixed bytes and other records', () => {
    const inner = struct('inner', 36, { id: bytes32, tag: fixed(4) });
    const outer = struct('outer', 40, { n: u32, inner });
    const value = { n: 9, inner: { id: new Uint8Array(32) as never, tag: new Uint8Array(4) } };
    expect(outer.decode(outer.encode(value))).toEqual(value);
  });
});

it('a codec says the name of its type in errors', () => {
  const pair = codec<number>(
    'pair',
    9,
    (w, n) => w.u16(n),
    (r) => r.u16(),
  );
  expect(() => pair.decode(new Uint8Array(1))).toThrow('pair: expected 2 more bytes');
});
