/**
 * Proofs out of tiles: reads what a plan needs from wherever tiles are kept, and believes no tile
 * that does not lead to the root.
 */
import { assert } from '../primitives/assert.ts';
import { type Bytes, equalBytes, toHex } from '../primitives/bytes.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { EMPTY_ROOT, type ListHasher, listHasher } from './list-hash.ts';
import {
  consistencyNodes,
  foldRight,
  inclusionNodes,
  type NodeCoordinate,
  type ProofPlan,
  peakNodes,
  rangeNodes,
} from './list-plan.ts';
import { listRoot } from './list-proof.ts';
import {
  decodeEntries,
  decodeTile,
  type EntryBundle,
  entriesPath,
  nodeInTile,
  TILE_WIDTH,
  type Tile,
  tileOfNode,
  tilePath,
  tileWidth,
} from './tiles.ts';

/** Where tiles come from: a store, a cache, an HTTP client. May answer with the full tile. */
export interface TileSource {
  tile(tile: Tile): Promise<Bytes>;
}

/** A list whose root is trusted and whose tiles are not. */
export interface TileReader {
  /** The hash of a complete subtree. */
  node(node: NodeCoordinate): Promise<Hash>;
  /** The path for `verifyInclusion`. */
  inclusion(index: bigint): Promise<Hash[]>;
  /** The path for `verifyConsistency` from an older size to this one. */
  consistency(oldSize: bigint): Promise<Hash[]>;
  /** The path for `verifyRange`. */
  range(from: bigint, to: bigint): Promise<Hash[]>;
  /** The hashes of one tile of this list, proved. */
  tile(level: number, index: bigint): Promise<Hash[]>;
  /** The entries in a bundle's bytes, each checked against its leaf hash. */
  entries(bundle: EntryBundle, bytes: Bytes): Promise<Bytes[]>;
}

/** How many tiles a reader remembers; the oldest is read again when it is needed again. */
export const MAX_KNOWN_TILES = 1024;

/**
 * Opens a list by its tiles.
 *
 * Every partial tile is part of the right edge, which makes up the root; every full tile has its
 * root in the tile above. So reading one tile reads at most eight, and what was read is remembered.
 *
 * Every method throws `VerificationError` `proof/tile-mismatch` when a tile does not lead to the
 * root, and `DecodeError` `tile/length` or `tile/entries` when it is no tile at all.
 */
export function openTiles(
  list: { readonly size: bigint; readonly root: Hash },
  source: TileSource,
  hasher: ListHasher = listHasher,
): TileReader {
  const { size, root } = list;
  const known = new Map<string, Promise<Hash[]>>();
  let edge: Promise<Map<number, Hash[]>> | undefined;

  const provedEdge = (): Promise<Map<number, Hash[]>> => {
    edge ??= readEdge(size, root, source, hasher);
    // A failure is not remembered: the source may do better next time.
    edge.catch(() => {
      edge = undefined;
    });
    return edge;
  };

  const readFull = async (tile: Tile): Promise<Hash[]> => {
    const above = await proved(tile.level + 1, tile.index / BigInt(TILE_WIDTH));
    const hashes = decodeTile(await source.tile(tile), TILE_WIDTH);
    const expected = above[Number(tile.index % BigInt(TILE_WIDTH))] as Hash;
    checkTile(tilePath(tile), expected, listRoot(hashes, hasher));
    return hashes;
  };

  const proved = async (level: number, index: bigint): Promise<Hash[]> => {
    const tile = { level, index, width: tileWidth(level, index, size) };
    assert(tile.width > 0, `a list of ${size} has no tile ${index} of level ${level}`);
    if (tile.width < TILE_WIDTH) return (await provedEdge()).get(level) as Hash[];
    const name = tilePath(tile);
    const found = known.get(name);
    if (found !== undefined) return found;
    if (known.size >= MAX_KNOWN_TILES) known.delete(known.keys().next().value as string);
    const reading = readFull(tile);
    known.set(name, reading);
    reading.catch(() => known.delete(name));
    return reading;
  };

  const node = async (coordinate: NodeCoordinate): Promise<Hash> => {
    const { level, index } = tileOfNode(coordinate, size);
    return nodeInTile(coordinate, await proved(level, index), hasher);
  };

  const follow = (plan: ProofPlan): Promise<Hash[]> =>
    Promise.all(plan.map(async (cover) => foldRight(await Promise.all(cover.map(node)), hasher)));

  return {
    node,
    inclusion: async (index) => follow(inclusionNodes(index, size)),
    consistency: async (oldSize) => follow(consistencyNodes(oldSize, size)),
    range: async (from, to) => follow(rangeNodes(from, to, size)),
    tile: proved,
    async entries(bundle, bytes) {
      const entries = decodeEntries(bytes, bundle.width);
      const hashes = await proved(0, bundle.index);
      assert(bundle.width <= hashes.length, 'the bundle reaches beyond the list');
      entries.forEach((entry, i) => {
        const step = `${entriesPath(bundle)}, entry ${i}`;
        checkTile(step, hashes[i] as Hash, hasher.leaf(entry));
      });
      return entries;
    },
  };
}

/** Reads the partial tile of every level that has one, by level, and checks that they make up the root. */
async function readEdge(
  size: bigint,
  root: Hash,
  source: TileSource,
  hasher: ListHasher,
): Promise<Map<number, Hash[]>> {
  const peaks = peakNodes(size);
  const homes = peaks.map((peak) => tileOfNode(peak, size));
  const tileByLevel = new Map(homes.map((tile) => [tile.level, tile]));
  const read = async (tile: Tile): Promise<[number, Hash[]]> => [
    tile.level,
    decodeTile(await source.tile(tile), tile.width),
  ];
  const hashesByLevel = new Map(await Promise.all([...tileByLevel.values()].map(read)));
  const hashes = peaks.map((peak, i) =>
    nodeInTile(peak, hashesByLevel.get((homes[i] as Tile).level) as Hash[], hasher),
  );
  checkTile('right edge', root, size === 0n ? EMPTY_ROOT : foldRight(hashes, hasher));
  return hashesByLevel;
}

function checkTile(step: string, expected: Hash, found: Hash): void {
  if (equalBytes(expected, found)) return;
  throw new VerificationError('proof/tile-mismatch', step, toHex(expected), toHex(found), {
    hint: 'The tile is damaged, or of another list than the root.',
  });
}
