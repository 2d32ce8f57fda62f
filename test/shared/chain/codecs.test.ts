import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODECS } from '../../support/codecs.ts';

const SHARED = join(import.meta.dirname, '../../../shared');

describe.each(CODECS)('$name in canonical bytes', ({ codec, arbitrary }) => {
  it('comes back as it went in', () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(codec.decode(codec.encode(value))).toEqual(value);
      }),
      { numRuns: 40 },
    );
  });

  it('is refused one byte short, one byte long, and empty', () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const bytes = codec.encode(value);
        expect(() => codec.decode(bytes.slice(0, -1))).toThrow(FanalError);
        expect(() => codec.decode(Uint8Array.of(...bytes, 0))).toThrow(FanalError);
        expect(() => codec.decode(new Uint8Array(0))).toThrow(FanalError);
      }),
      { numRuns: 20 },
    );
  });

  it('has one encoding: other bytes are another value or none', () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, flip) => {
        const bytes = codec.encode(value);
        const place = at % bytes.length;
        const mutated = bytes.slice();
        mutated[place] = (mutated[place] as number) ^ flip;
        try {
          const again = codec.encode(codec.decode(mutated));
          expect(equalBytes(again, mutated)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(FanalError);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keeps no window into the bytes it was read from', () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const bytes = codec.encode(value);
        const read = codec.decode(bytes);
        bytes.fill(0xaa);
        expect(read).toEqual(value);
      }),
      { numRuns: 10 },
    );
  });
});

it('every exported codec of the library is in the list that these tests run over', () => {
  const known = new Set(CODECS.map(({ name }) => `${name}Codec`));
  const missing = ['chain', 'checkpoint', 'light', 'merkle'].flatMap((room) =>
    readdirSync(join(SHARED, room))
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => {
        const text = readFileSync(join(SHARED, room, file), 'utf8');
        return [...text.matchAll(/^export const (\w+Codec)\b/gm)].map(([, name]) => name as string);
      })
      .filter((name) => !known.has(name)),
  );
  expect(missing).toEqual([]);
});
