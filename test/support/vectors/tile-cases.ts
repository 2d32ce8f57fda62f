/**
 * Vectors of tiles: their paths, and what may be in them.
 */
import {
  encodeEntries,
  encodeTile,
  entriesPath,
  TILE_WIDTH,
  tilePath,
} from 'fanal/merkle/tiles.ts';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import { type VectorCase, type VectorFile, vectorFile } from './vector-json.ts';

const INDICES = [0n, 1n, 999n, 1_000n, 1_234_067n];
const REFUSED_PATHS: Readonly<Record<string, string>> = {
  'level with a zero in front': 'tile/00/000',
  'level 8': 'tile/8/000',
  'level below none': 'tile/-1/000',
  'an index of two digits': 'tile/0/12',
  'an index of four digits': 'tile/0/1234',
  'an index with groups of zeros in front': 'tile/0/x000/001',
  'a group without its x': 'tile/0/001/234',
  'the last group with an x': 'tile/0/x001/x234',
  'width 0': 'tile/0/000.p/0',
  'width 256': 'tile/0/000.p/256',
  'a width with a zero in front': 'tile/0/000.p/01',
  'an index past the end of all lists': 'tile/7/001',
  'entries of a level': 'tile/entries/0/000',
  'two slashes': 'tile//0/000',
  'a way up': 'tile/0/../0/000',
  'something behind': 'tile/0/000/',
  'a question': 'tile/0/000?',
};

export function tileVectors(): VectorFile {
  const hashes = Array.from({ length: TILE_WIDTH }, (_, i) => sha256(utf8(`leaf ${i}`)));
  const entries = [utf8('one'), utf8(''), utf8('three')];
  const full = Array.from({ length: TILE_WIDTH }, (_, i) => Uint8Array.of(i));
  const bundle = toHex(encodeEntries(entries));
  const three = toHex(encodeTile(hashes.slice(0, 3)));
  const cases: VectorCase[] = [
    ...[0, 3].flatMap((level) =>
      INDICES.flatMap((index) =>
        [1, 255, TILE_WIDTH].map((width) => {
          const path = tilePath({ level, index, width });
          return { name: path, kind: 'path', path, level, index: String(index), width };
        }),
      ),
    ),
    ...INDICES.map((index) => {
      const path = entriesPath({ index, width: 17 });
      return { name: path, kind: 'path', path, level: 'entries', index: String(index), width: 17 };
    }),
    ...Object.entries(REFUSED_PATHS).map(([name, path]) => ({
      name,
      kind: 'path',
      path,
      refused: 'tile/path',
    })),
    { name: 'three hashes', kind: 'hashes', bytes: three, width: 3 },
    {
      name: 'a full tile where a part was asked for',
      kind: 'hashes',
      bytes: toHex(encodeTile(hashes)),
      width: 3,
    },
    ...[2, 4].map((width) => ({
      name: `three hashes, not ${width}`,
      kind: 'hashes',
      bytes: three,
      width,
      refused: 'tile/length',
    })),
    {
      name: 'part of a hash',
      kind: 'hashes',
      bytes: three.slice(2),
      width: 3,
      refused: 'tile/length',
    },
    {
      name: 'three entries',
      kind: 'entries',
      bytes: bundle,
      width: 3,
      entries: entries.map(toHex),
    },
    {
      name: 'a full bundle where a part was asked for',
      kind: 'entries',
      bytes: toHex(encodeEntries(full)),
      width: 2,
      entries: ['00', '01'],
    },
    ...[2, 4].map((width) => ({
      name: `three entries, not ${width}`,
      kind: 'entries',
      bytes: bundle,
      width,
      refused: 'tile/entries',
    })),
    {
      name: 'an entry that is cut short',
      kind: 'entries',
      bytes: bundle.slice(0, -2),
      width: 3,
      refused: 'tile/entries',
    },
    {
      name: 'half of a length',
      kind: 'entries',
      bytes: `${bundle}00`,
      width: 3,
      refused: 'tile/entries',
    },
    {
      name: 'more than a bundle holds',
      kind: 'entries',
      bytes: toHex(encodeEntries([...full, utf8('one more')])),
      width: TILE_WIDTH,
      refused: 'tile/entries',
    },
  ];
  return vectorFile(
    'docs/protocol.md §7.6',
    'Read a path and write it again; read so many hashes or entries out of a tile or bundle.',
    cases,
  );
}
