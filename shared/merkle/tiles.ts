/**
 * A list as files: C2SP tlog-tiles. A tile holds up to 256 neighbouring hashes of one level; the
 * seven levels between a tile and the one above are hashed from it (c2sp.org/tlog-tiles).
 */
import { assert } from '../primitives/assert.ts';
import { type Bytes, concat } from '../primitives/bytes.ts';
import { DecodeError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { MAX_U16, MAX_U64 } from '../primitives/units.ts';
import { HASH_BYTES, type ListHasher, listHasher } from './list-hash.ts';
import type { NodeCoordinate } from './list-plan.ts';
import { listRoot } from './list-proof.ts';

/** How many levels of the tree a tile spans. */
export const TILE_HEIGHT = 8;
/** How many hashes, or entries, are in a full tile, or bundle. */
export const TILE_WIDTH = 256;
/** The highest tile level there can be: 2^63 leaves. */
export const MAX_TILE_LEVEL = 7;

/** Hashes `index` · 256 and on of tile level `level`; fewer than 256 when the tile is partial. */
export interface Tile {
  readonly level: number;
  readonly index: bigint;
  readonly width: number;
}

/** Leaves `index` · 256 and on, as the log's entries themselves. */
export interface EntryBundle {
  readonly index: bigint;
  readonly width: number;
}

/** What a path under `/tile/` asks for. */
export type TileResource =
  | { readonly kind: 'hashes'; readonly tile: Tile }
  | { readonly kind: 'entries'; readonly bundle: EntryBundle };

/** `tile/0/x001/234`, with `.p/17` after it when the tile is partial. */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${pathOf(index, width)}`;
}

/** `tile/entries/x001/234`, with `.p/17` after it when the bundle is partial. */
export function entriesPath({ index, width }: EntryBundle): string {
  return `tile/entries/${pathOf(index, width)}`;
}

const PATH =
  /^\/?tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,6}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/**
 * Reads a tile's or bundle's path in its one canonical form, with or without a leading slash.
 *
 * @throws {DecodeError} `tile/path`
 */
export function parseTilePath(path: string): TileResource {
  const match = PATH.exec(path);
  const [, kind, digits = '', partial] = match ?? [];
  const index = BigInt(digits.replaceAll(/[x/]/g, ''));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  const level = kind === 'entries' ? 0 : Number(kind);
  const refused =
    match === null ||
    digits.startsWith('x000/') ||
    (partial !== undefined && width >= TILE_WIDTH) ||
    level > MAX_TILE_LEVEL ||
    index > MAX_U64 >> BigInt(TILE_HEIGHT * (level + 1));
  if (refused) {
    throw new DecodeError(
      'tile/path',
      `expected tile/<L>/<N>[.p/<W>] or tile/entries/<N>[.p/<W>], found ${JSON.stringify(path.slice(0, 80))}`,
    );
  }
  return kind === 'entries'
    ? { kind: 'entries', bundle: { index, width } }
    : { kind: 'hashes', tile: { level, index, width } };
}

/** How wide tile `index` of a level is in a list of `size` leaves: 0 when there is none yet. */
export function tileWidth(level: number, index: bigint, size: bigint): number {
  const hashes = (size >> BigInt(TILE_HEIGHT * level)) - index * BigInt(TILE_WIDTH);
  return hashes <= 0n ? 0 : hashes >= BigInt(TILE_WIDTH) ? TILE_WIDTH : Number(hashes);
}

/** The tiles of a list of `newSize` leaves that differ from those of its first `oldSize`. */
export function tilesBetween(oldSize: bigint, newSize: bigint): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; level <= MAX_TILE_LEVEL; level++) {
    const shift = BigInt(TILE_HEIGHT * level);
    const from = oldSize >> shift;
    const to = newSize >> shift;
    if (from === to) break;
    for (let index = from / 256n; index * 256n < to; index++) {
      tiles.push({ level, index, width: tileWidth(level, index, newSize) });
    }
  }
  return tiles;
}

/** The tile of a list of `size` leaves that a complete subtree's hash is read from. */
export function tileOfNode(node: NodeCoordinate, size: bigint): Tile {
  const level = Math.floor(node.level / TILE_HEIGHT);
  const first = node.index << BigInt(node.level % TILE_HEIGHT);
  const index = first / BigInt(TILE_WIDTH);
  return { level, index, width: tileWidth(level, index, size) };
}

/** Reads the hash of a complete subtree out of the hashes of its tile. */
export function nodeInTile(
  node: NodeCoordinate,
  hashes: readonly Hash[],
  hasher: ListHasher = listHasher,
): Hash {
  const width = 2 ** (node.level % TILE_HEIGHT);
  const begin = Number((node.index * BigInt(width)) % BigInt(TILE_WIDTH));
  assert(begin + width <= hashes.length, 'the node is not in this tile');
  return listRoot(hashes.slice(begin, begin + width), hasher);
}

/**
 * Reads the hashes of a tile. A full tile will do where a partial one was asked for.
 *
 * @throws {DecodeError} `tile/length` when there are fewer than `width` hashes, or not 256 of them
 */
export function decodeTile(bytes: Bytes, width: number): Hash[] {
  if (bytes.length !== width * HASH_BYTES && bytes.length !== TILE_WIDTH * HASH_BYTES) {
    throw new DecodeError(
      'tile/length',
      `expected ${width} hashes of ${HASH_BYTES} bytes, found ${bytes.length} bytes`,
    );
  }
  const hashes: Hash[] = [];
  for (let i = 0; i < width; i++) {
    hashes.push(bytes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES) as Hash);
  }
  return hashes;
}

/** Writes a tile's hashes one after the other. */
export function encodeTile(hashes: readonly Hash[]): Bytes {
  return concat(...hashes);
}

/** Writes entries, each behind its u16 length. */
export function encodeEntries(entries: readonly Bytes[]): Bytes {
  const parts: Bytes[] = [];
  for (const entry of entries) {
    assert(entry.length <= MAX_U16, `an entry has at most ${MAX_U16} bytes`);
    parts.push(Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry);
  }
  return concat(...parts);
}

/**
 * Reads the first `width` entries of a bundle. A full bundle will do where a partial one was asked
 * for.
 *
 * @throws {DecodeError} `tile/entries` when the bundle is cut short or has other than `width` or
 *   256 entries
 */
export function decodeEntries(bytes: Bytes, width: number): Bytes[] {
  const entries: Bytes[] = [];
  let at = 0;
  while (at < bytes.length && entries.length < TILE_WIDTH) {
    const length = ((bytes[at] as number) << 8) | (bytes[at + 1] ?? 0);
    const end = at + 2 + length;
    if (end > bytes.length) {
      throw new DecodeError('tile/entries', `entry ${entries.length} is cut short`);
    }
    entries.push(bytes.slice(at + 2, end));
    at = end;
  }
  if (at < bytes.length || (entries.length !== width && entries.length !== TILE_WIDTH)) {
    const found = at < bytes.length ? `more than ${TILE_WIDTH}` : `${entries.length}`;
    throw new DecodeError('tile/entries', `expected ${width} entries, found ${found}`);
  }
  return entries.slice(0, width);
}

function pathOf(index: bigint, width: number): string {
  assert(width >= 1 && width <= TILE_WIDTH, `a tile of ${width} hashes`);
  let path = (index % 1000n).toString().padStart(3, '0');
  for (let rest = index / 1000n; rest > 0n; rest /= 1000n) {
    path = `x${(rest % 1000n).toString().padStart(3, '0')}/${path}`;
  }
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}
