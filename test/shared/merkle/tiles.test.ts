import {
  consistencyProof,
  inclusionProof,
  leafHash,
  listRoot,
  nodeTable,
  rangeProof,
} from 'fanal/merkle/list.ts';
import { openTiles } from 'fanal/merkle/tile-reader.ts';
import {
  decodeEntries,
  decodeTile,
  encodeEntries,
  encodeTile,
  entriesPath,
  parseTilePath,
  type Tile,
  tilePath,
  tilesBetween,
  tileWidth,
} from 'fanal/merkle/tiles.ts';
import { type Bytes, utf8 } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { naiveRoot } from '../../support/naive-merkle.ts';

const code = (wanted: string) => expect.objectContaining({ code: wanted });
const entries = Array.from({ length: 70_000 }, (_, i) => utf8(`entry ${i}`));
const leaves = entries.map((entry) => leafHash(entry));
const nodeOf = nodeTable(leaves);

/** A tile of the first leaves, straight from the definition. */
function tileBytes({ level, index, width }: Tile): Bytes {
  const hashes = Array.from({ length: width }, (_, i) =>
    nodeOf({ level: 8 * level, index: index * 256n + BigInt(i) }),
  );
  return encodeTile(hashes);
}
const source = { tile: async (tile: Tile) => tileBytes(tile) };
const list = (size: number) => ({ size: BigInt(size), root: listRoot(leaves.slice(0, size)) });

describe('the path of a tile', () => {
  it('is that of C2SP tlog-tiles', () => {
    expect(tilePath({ level: 0, index: 0n, width: 256 })).toBe('tile/0/000');
    expect(tilePath({ level: 1, index: 1234067n, width: 256 })).toBe('tile/1/x001/x234/067');
    expect(tilePath({ level: 0, index: 273n, width: 112 })).toBe('tile/0/273.p/112');
    expect(entriesPath({ index: 1000n, width: 1 })).toBe('tile/entries/x001/000.p/1');
  });

  it('reads back to the same tile, with or without a slash in front', () => {
    fc.assert(
      fc.property(
        fc.nat(7),
        fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
        fc.integer({ min: 1, max: 256 }),
        fc.boolean(),
        (level, at, width, isEntries) => {
          const index = at >> BigInt(8 * (isEntries ? 1 : level + 1));
          const tile = { level, index, width };
          const path = isEntries ? entriesPath(tile) : tilePath(tile);
          const expected = isEntries
            ? { kind: 'entries', bundle: { index, width } }
            : { kind: 'hashes', tile };
          expect(parseTilePath(path)).toEqual(expected);
          expect(parseTilePath(`/${path}`)).toEqual(expected);
        },
      ),
    );
  });

  it('has one form: no other spelling is taken', () => {
    const wrong = [
      '',
      'tile',
      'tile/0',
      'tile/0/',
      'tile/0/0',
      'tile/0/00',
      'tile/0/0000',
      'tile/00/000',
      'tile/01/000',
      'tile/-1/000',
      'tile/8/000',
      'tile/63/000',
      'tile/0/x000/000',
      'tile/0/001/000',
      'tile/0/x001/x000',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/01',
      'tile/0/000.p/',
      'tile/0/000.p/1/',
      'tile/0/000/',
      'tile/entries',
      'tile/entries/',
      'tile/data/000',
      'tile/0/000 ',
      'tile/0/000\n',
      '//tile/0/000',
      'tile//000',
      'tile/0/٠٠٠',
      'TILE/0/000',
      'tile/7/001',
      `tile/0/${'x001/'.repeat(7)}000`,
      'tile/0/x001/x999/x999/x999/x999/x999/999',
      `tile/0/${'x001/'.repeat(100_000)}000`,
    ];
    for (const path of wrong) {
      expect(() => parseTilePath(path), path.slice(0, 60)).toThrow(code('tile/path'));
    }
  });
});

describe('the tiles of a list', () => {
  it('of 70,000 leaves are those of the specification’s example', () => {
    const tiles = tilesBetween(0n, 70_000n);
    const at = (level: number) => tiles.filter((tile) => tile.level === level);
    expect(at(0)).toHaveLength(274);
    expect(at(0).at(-1)?.width).toBe(112);
    expect(at(1).map(({ width }) => width)).toEqual([256, 17]);
    expect(at(2).map(({ width }) => width)).toEqual([1]);
    expect(tiles).toHaveLength(277);
  });

  it('of 256 leaves are a full one and a partial one above it', () => {
    expect(tilesBetween(0n, 256n)).toEqual([
      { level: 0, index: 0n, width: 256 },
      { level: 1, index: 0n, width: 1 },
    ]);
  });

  it('change, as it grows, exactly where their bytes do', () => {
    fc.assert(
      fc.property(fc.nat(70_000), fc.nat(2_000), (at, growth) => {
        const oldSize = BigInt(Math.min(at, 70_000 - growth));
        const newSize = oldSize + BigInt(growth);
        const changed = tilesBetween(oldSize, newSize).map(tilePath);
        for (const tile of tilesBetween(0n, newSize)) {
          const before = tileWidth(tile.level, tile.index, oldSize);
          expect(changed.includes(tilePath(tile))).toBe(before !== tile.width);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('a tile reader', () => {
  it('gives the proofs that the whole list gives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3_000 }), fc.nat(), fc.nat(), async (n, a, b) => {
        const size = n;
        const index = a % size;
        const [from, to] = [a % size, 1 + (b % size)].sort((x, y) => x - y) as [number, number];
        const part = leaves.slice(0, size);
        const reader = openTiles(list(size), source);
        expect(await reader.inclusion(BigInt(index))).toEqual(inclusionProof(part, BigInt(index)));
        expect(await reader.consistency(BigInt(to))).toEqual(consistencyProof(part, BigInt(to)));
        if (from === to) return;
        expect(await reader.range(BigInt(from), BigInt(to))).toEqual(
          rangeProof(part, BigInt(from), BigInt(to)),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('reads each tile once, and few of them', async () => {
    const read: string[] = [];
    const counting = {
      tile: async (tile: Tile) => {
        read.push(tilePath(tile));
        return tileBytes(tile);
      },
    };
    const reader = openTiles(list(70_000), counting);
    await Promise.all([reader.inclusion(5n), reader.inclusion(6n), reader.inclusion(69_999n)]);
    expect(read.sort()).toEqual([
      'tile/0/000',
      'tile/0/273.p/112',
      'tile/1/000',
      'tile/1/001.p/17',
      'tile/2/000.p/1',
    ]);
  });

  it('takes a full tile where it asked for a partial one', async () => {
    const full = {
      tile: async (tile: Tile) =>
        tile.level === 0 && tile.index < 273n
          ? tileBytes({ ...tile, width: 256 })
          : tileBytes(tile),
    };
    const reader = openTiles(list(300), full);
    expect(await reader.inclusion(299n)).toEqual(inclusionProof(leaves.slice(0, 300), 299n));
  });

  it('believes no tile with one bit changed, wherever it is', async () => {
    for (const size of [1, 200, 256, 300, 66_000]) {
      for (const target of tilesBetween(0n, BigInt(size)).slice(-6)) {
        const forging = {
          tile: async (tile: Tile) => {
            const bytes = tileBytes(tile);
            if (tilePath(tile) === tilePath(target)) bytes[0] = (bytes[0] as number) ^ 1;
            return bytes;
          },
        };
        const reader = openTiles(list(size), forging);
        await expect(reader.tile(target.level, target.index)).rejects.toEqual(
          code('proof/tile-mismatch'),
        );
      }
    }
  });

  it('tries again after a failure', async () => {
    let attempts = 0;
    const shaky = {
      tile: async (tile: Tile) => {
        if (++attempts === 1) throw new Error('the line was cut');
        return tileBytes(tile);
      },
    };
    const reader = openTiles(list(200), shaky);
    await expect(reader.inclusion(7n)).rejects.toThrow('the line was cut');
    expect(await reader.inclusion(7n)).toEqual(inclusionProof(leaves.slice(0, 200), 7n));
  });

  it('proves the entries of a bundle against their leaves', async () => {
    const reader = openTiles(list(300), source);
    const bundle = { index: 1n, width: 44 };
    const bytes = encodeEntries(entries.slice(256, 300));
    expect(await reader.entries(bundle, bytes)).toEqual(entries.slice(256, 300));
    const forged = encodeEntries(entries.slice(256, 300).with(3, utf8('another')));
    await expect(reader.entries(bundle, forged)).rejects.toEqual(code('proof/tile-mismatch'));
  });

  it('opens the empty list, and no other list with no leaves', async () => {
    const empty = { size: 0n, root: naiveRoot([]) };
    expect(await openTiles(empty, source).consistency(0n)).toEqual([]);
  });
});

describe('the bytes of a tile', () => {
  const hash = leaves[0] as Hash;

  it('are its hashes, and nothing shorter or longer', () => {
    expect(decodeTile(encodeTile([hash, hash]), 2)).toEqual([hash, hash]);
    expect(() => decodeTile(encodeTile([hash]), 2)).toThrow(code('tile/length'));
    expect(() => decodeTile(encodeTile([hash, hash, hash]), 2)).toThrow(code('tile/length'));
    expect(() => decodeTile(encodeTile([hash]).subarray(1), 1)).toThrow(code('tile/length'));
    expect(() => decodeTile(new Uint8Array(0), 1)).toThrow(code('tile/length'));
  });
});

describe('an entry bundle', () => {
  it('reads back to its entries', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 256 }),
        (list) => {
          expect(decodeEntries(encodeEntries(list), list.length)).toEqual(list);
        },
      ),
    );
    const longest = [new Uint8Array(65_535)];
    expect(decodeEntries(encodeEntries(longest), 1)).toEqual(longest);
  });

  it('is refused cut short, lengthened, or with another count', () => {
    const bytes = encodeEntries([utf8('a'), utf8('bc')]);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeEntries(bytes.subarray(0, length), 2)).toThrow(code('tile/entries'));
    }
    expect(() => decodeEntries(bytes, 1)).toThrow(code('tile/entries'));
    expect(() => decodeEntries(bytes, 3)).toThrow(code('tile/entries'));
    const many = encodeEntries(Array.from({ length: 257 }, () => utf8('x')));
    expect(() => decodeEntries(many, 256)).toThrow(code('tile/entries'));
    expect(decodeEntries(many.subarray(0, 256 * 3), 5)).toHaveLength(5);
  });
});
