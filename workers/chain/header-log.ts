/**
 * The header log as the gateway knows it: a verified root, the tiles at its right edge, and every
 * full tile to be had from somewhere, each checked against the one above it.
 *
 * Proofs are made here, out of tiles, and asked of nobody. A full tile never changes, so what was
 * checked once stays good for every later tip.
 */
import { Problem } from 'fanal/api/problem.ts';
import {
  consistencyNodes,
  inclusionNodes,
  listHasher,
  listRoot,
  type NodeCoordinate,
  nodeTable,
  type ProofPlan,
  peakNodes,
  rangeNodes,
} from 'fanal/merkle/list.ts';
import { foldRight } from 'fanal/merkle/list-plan.ts';
import {
  decodeTile,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Tile,
  tileOfNode,
  tilePath,
  tileWidth,
} from 'fanal/merkle/tiles.ts';
import { type Bytes, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { VerificationError } from 'fanal/primitives/errors.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { LRUCache } from 'lru-cache';
import { SingleFlight } from '../gateway/single-flight.ts';
import { isOnEdge, nodesOfEdge, type TileEdge } from './tile-edge.ts';

/** Brings a full tile whose root is known. Who brings it may be anyone: it is checked again. */
export type BringTile = (tile: Tile, root: Hash) => Promise<Bytes>;

/** Full tiles kept with all their inner nodes: about 50 kB each. */
const KEPT_TILES = 128;

interface ProvedTile {
  readonly hashes: readonly Hash[];
  readonly node: (coordinate: NodeCoordinate) => Hash;
}

export class HeaderLog {
  readonly #bring: BringTile;
  readonly #tiles = new LRUCache<string, ProvedTile>({ max: KEPT_TILES });
  readonly #flights = new SingleFlight<ProvedTile>();
  #edge: TileEdge;
  #edgeNode: (node: NodeCoordinate) => Hash;

  constructor(edge: TileEdge, bring: BringTile) {
    this.#bring = bring;
    this.#edge = edge;
    this.#edgeNode = nodesOfEdge(edge);
  }

  get size(): bigint {
    return this.#edge.size;
  }

  /** Moves on to a newer, verified edge. What was proved before stays. */
  advance(edge: TileEdge): void {
    if (edge.size <= this.#edge.size) return;
    this.#edge = edge;
    this.#edgeNode = nodesOfEdge(edge);
  }

  /** The hash of a complete subtree. */
  async node(coordinate: NodeCoordinate): Promise<Hash> {
    const tile = tileOfNode(coordinate, this.#edge.size);
    if (tile.width === 0) throw new Problem('not-yet-certified');
    if (isOnEdge(this.#edge, tile)) return this.#edgeNode(coordinate);
    const { level, index } = coordinate;
    const inTile = level % TILE_HEIGHT;
    const before = (tile.index * BigInt(TILE_WIDTH)) >> BigInt(inTile);
    return (await this.#full(tile)).node({ level: inTile, index: index - before });
  }

  /** The leaf hash of a header: its block id. */
  leaf(height: bigint): Promise<Hash> {
    return this.node({ level: 0, index: height });
  }

  /** The root of the log when it had `size` headers. */
  async rootAt(size: bigint): Promise<Hash> {
    return foldRight(await Promise.all(peakNodes(size).map((peak) => this.node(peak))), listHasher);
  }

  /** The path of a header in the log of `size` headers. */
  inclusion(height: bigint, size = this.size): Promise<Hash[]> {
    return this.#follow(inclusionNodes(height, size));
  }

  consistency(oldSize: bigint, size = this.size): Promise<Hash[]> {
    return this.#follow(consistencyNodes(oldSize, size));
  }

  range(from: bigint, to: bigint, size = this.size): Promise<Hash[]> {
    return this.#follow(rangeNodes(from, to, size));
  }

  /** The hashes of a tile; fewer than 256 only at the edge. */
  async tile(level: number, index: bigint): Promise<readonly Hash[]> {
    const width = tileWidth(level, index, this.#edge.size);
    if (width === 0) throw new Problem('not-found', { reason: 'tile/not-yet' });
    if (width < TILE_WIDTH) return this.#edge.levels[level] as readonly Hash[];
    return (await this.#full({ level, index, width })).hashes;
  }

  #follow(plan: ProofPlan): Promise<Hash[]> {
    return Promise.all(
      plan.map(async (cover) =>
        foldRight(await Promise.all(cover.map((node) => this.node(node))), listHasher),
      ),
    );
  }

  async #full(tile: Tile): Promise<ProvedTile> {
    const path = tilePath(tile);
    const known = this.#tiles.get(path);
    if (known !== undefined) return known;
    const proved = await this.#flights.run(path, () => this.#prove(tile, path));
    this.#tiles.set(path, proved);
    return proved;
  }

  async #prove(tile: Tile, path: string): Promise<ProvedTile> {
    const above = await this.tile(tile.level + 1, tile.index / BigInt(TILE_WIDTH));
    const root = above[Number(tile.index % BigInt(TILE_WIDTH))] as Hash;
    const hashes = checkTile(path, await this.#bring(tile, root), root);
    return { hashes, node: nodeTable(hashes) };
  }
}

/**
 * Reads a full tile that must have this root.
 *
 * @throws {DecodeError} `tile/length`
 * @throws {VerificationError} `proof/tile-mismatch`
 */
export function checkTile(path: string, bytes: Bytes, root: Hash): Hash[] {
  const hashes = decodeTile(bytes, TILE_WIDTH);
  const found = listRoot(hashes);
  if (equalBytes(found, root)) return hashes;
  throw new VerificationError('proof/tile-mismatch', path, toHex(root), toHex(found));
}
