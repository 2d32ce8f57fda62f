/**
 * The right edge of the header log: the tile of each level that is still filling.
 *
 * It is all that is needed to add headers, to know the root, and to say which tiles have become
 * full; a few kilobytes, however long the log.
 */
import {
  EMPTY_ROOT,
  HASH_BYTES,
  listHasher,
  listRoot,
  type NodeCoordinate,
  nodeTable,
  peakNodes,
} from 'fanal/merkle/list.ts';
import { foldRight } from 'fanal/merkle/list-plan.ts';
import { encodeTile, TILE_HEIGHT, TILE_WIDTH, type Tile, tileWidth } from 'fanal/merkle/tiles.ts';
import { assert } from 'fanal/primitives/assert.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { MAX_TILE_LEVELS } from './limits.ts';

/** The hashes of the partial tile of each level; none where the level is even. */
export interface TileEdge {
  readonly size: bigint;
  readonly levels: readonly (readonly Hash[])[];
}

/** A tile that has become full. */
export interface FullTile {
  readonly tile: Tile;
  readonly bytes: Bytes;
}

export const EMPTY_EDGE: TileEdge = { size: 0n, levels: [] };

/** Adds leaves, and tells which tiles they filled, lowest level first. */
export function growEdge(
  edge: TileEdge,
  leaves: readonly Hash[],
): { edge: TileEdge; full: FullTile[] } {
  const levels = edge.levels.map((hashes) => hashes.slice());
  const full: FullTile[] = [];
  let size = edge.size;
  for (const leaf of leaves) {
    size++;
    let hash = leaf;
    for (let level = 0; ; level++) {
      const hashes = levels[level] ?? [];
      levels[level] = hashes;
      hashes.push(hash);
      if (hashes.length < TILE_WIDTH) break;
      const index = (size >> BigInt(TILE_HEIGHT * (level + 1))) - 1n;
      full.push({ tile: { level, index, width: TILE_WIDTH }, bytes: encodeTile(hashes) });
      hash = listRoot(hashes);
      levels[level] = [];
    }
  }
  return { edge: { size, levels }, full };
}

/** The root of the log that the edge belongs to. */
export function edgeRoot(edge: TileEdge): Hash {
  const peaks = peakNodes(edge.size);
  return peaks.length === 0 ? EMPTY_ROOT : foldRight(peaks.map(nodesOfEdge(edge)), listHasher);
}

/** Looks up complete subtrees within the edge's tiles. */
export function nodesOfEdge(edge: TileEdge): (node: NodeCoordinate) => Hash {
  const tables = edge.levels.map((hashes) => nodeTable(hashes));
  return ({ level, index }) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const inTile = level % TILE_HEIGHT;
    const table = tables[tileLevel];
    assert(table !== undefined, `the edge has no level ${tileLevel}`);
    // Hashes left of the edge's own tile are in full tiles, not here.
    const before = firstOfEdge(edge.size, tileLevel) >> BigInt(inTile);
    return table({ level: inTile, index: index - before });
  };
}

/** Whether a tile is one of the edge's, that is, still filling at the edge's size. */
export function isOnEdge(edge: TileEdge, { level, index }: Pick<Tile, 'level' | 'index'>): boolean {
  const width = tileWidth(level, index, edge.size);
  return width > 0 && width < TILE_WIDTH;
}

/** The edge's levels as bytes, and back. */
export function edgeToBytes(edge: TileEdge): Bytes[] {
  return edge.levels.map((hashes) => encodeTile(hashes));
}

export function edgeFromBytes(size: bigint, levels: readonly Bytes[]): TileEdge {
  assert(levels.length <= MAX_TILE_LEVELS, 'the edge has more levels than a log can have');
  return {
    size,
    levels: levels.map((bytes, level) => {
      const width = Number((size >> BigInt(TILE_HEIGHT * level)) & 255n);
      assert(bytes.length === width * HASH_BYTES, `level ${level} of the edge has another width`);
      const hashes: Hash[] = [];
      for (let i = 0; i < width; i++) {
        hashes.push(bytes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES) as Hash);
      }
      return hashes;
    }),
  };
}

/** Index, within its level, of the first hash of the level's partial tile. */
function firstOfEdge(size: bigint, tileLevel: number): bigint {
  const count = size >> BigInt(TILE_HEIGHT * tileLevel);
  return count - (count & 255n);
}
