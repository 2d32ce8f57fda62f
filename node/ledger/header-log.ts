/**
 * The header log: every header's hash, in the tiles that C2SP log tools read, and the proofs that
 * come out of them.
 *
 * On disk are the hashes of the tile levels (0, 8, 16, …); the seven levels between are hashed when
 * asked for. What is complete never changes.
 */

import {
  appendLeaf,
  type CompactRange,
  consistencyNodes,
  emptyRange,
  foldPlan,
  inclusionNodes,
  type NodeCoordinate,
  peakNodes,
  rangeRoot,
} from 'fanal/merkle/list.ts';
import { nodeInTile, TILE_HEIGHT, TILE_WIDTH, tileOfNode, tileWidth } from 'fanal/merkle/tiles.ts';
import { assert } from 'fanal/primitives/assert.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import type { Database } from '../store/database.ts';
import { and, asc, eq, gte, sql } from '../store/drizzle.ts';
import { logHash } from '../store/ledger-schema.ts';
import { LEDGER_LIMITS } from './limits.ts';
import { nativeListHasher } from './native-hash.ts';

export class HeaderLog {
  readonly #statements: ReturnType<typeof prepare>;
  #range: CompactRange;
  /** Full tiles that were read lately, by level and index. */
  readonly #tiles = new Map<string, Hash[]>();

  constructor(database: Database) {
    this.#statements = prepare(database);
    this.#range = emptyRange();
    this.#range = this.#rangeOf(this.#statements.count.get()?.count ?? 0n);
  }

  get size(): bigint {
    return this.#range.size;
  }

  get root(): Hash {
    return rangeRoot(this.#range, nativeListHasher);
  }

  /** Appends a header inside the caller's transaction. Returns its leaf hash, the block id. */
  append(header: Bytes): Hash {
    const leaf = nativeListHasher.leaf(header);
    this.appendHash(leaf);
    return leaf;
  }

  appendHash(leaf: Hash): void {
    this.#range = appendLeaf(
      this.#range,
      leaf,
      ({ level, index }, hash) => {
        if (level % TILE_HEIGHT !== 0) return;
        this.#statements.add.run({ level: level / TILE_HEIGHT, index, hash });
      },
      nativeListHasher,
    );
  }

  /** Takes back what was appended beyond `size`, inside the caller's transaction. */
  truncate(size: bigint): void {
    for (let level = 0; level <= LEDGER_LIMITS.tileLevels; level++) {
      this.#statements.truncate.run({ level, index: size >> BigInt(level * TILE_HEIGHT) });
    }
    this.#tiles.clear();
    this.#range = this.#rangeOf(size);
  }

  /** Makes the log in memory agree with the disk again, after a transaction that failed. */
  reload(): void {
    this.#tiles.clear();
    this.#range = this.#rangeOf(this.#statements.count.get()?.count ?? 0n);
  }

  rootAt(size: bigint): Hash {
    return size === this.size ? this.root : rangeRoot(this.#rangeOf(size), nativeListHasher);
  }

  /** The leaf hash of the header at a height: its block id. */
  leaf(height: bigint): Hash {
    return this.#hash({ level: 0, index: height });
  }

  inclusion(height: bigint, size: bigint): Hash[] {
    return foldPlan(inclusionNodes(height, size), (node) => this.#hash(node), nativeListHasher);
  }

  consistency(oldSize: bigint, newSize: bigint): Hash[] {
    return foldPlan(
      consistencyNodes(oldSize, newSize),
      (node) => this.#hash(node),
      nativeListHasher,
    );
  }

  /** The first `width` hashes of a tile; null where the log of `size` headers is too short. */
  tile(level: number, index: bigint, width: number, size: bigint): Hash[] | null {
    if (level > LEDGER_LIMITS.tileLevels || tileWidth(level, index, size) < width) return null;
    return this.#tile(level, index, width).slice(0, width);
  }

  #rangeOf(size: bigint): CompactRange {
    return { size, nodes: peakNodes(size).map((node) => this.#hash(node)) };
  }

  #hash(node: NodeCoordinate): Hash {
    const tile = tileOfNode(node, MAX_SIZE);
    const offset = Number((node.index << BigInt(node.level % TILE_HEIGHT)) % BigInt(TILE_WIDTH));
    const width = offset + 2 ** (node.level % TILE_HEIGHT);
    const hashes = this.#tile(tile.level, tile.index, width);
    return nodeInTile(node, hashes, nativeListHasher);
  }

  /** At least `width` hashes of a tile. */
  #tile(level: number, index: bigint, width: number): Hash[] {
    const name = `${level}/${index}`;
    const known = this.#tiles.get(name);
    if (known !== undefined) return known;
    const first = index * BigInt(TILE_WIDTH);
    const rows = this.#statements.tile.all({ level, first, limit: TILE_WIDTH });
    const hashes = rows.map(({ hash }) => hash as Hash);
    assert(hashes.length >= width, `tile ${name} has ${hashes.length} of ${width} hashes`);
    if (hashes.length === TILE_WIDTH) {
      if (this.#tiles.size >= LEDGER_LIMITS.cachedTiles) {
        this.#tiles.delete(this.#tiles.keys().next().value as string);
      }
      this.#tiles.set(name, hashes);
    }
    return hashes;
  }
}

/** Any size will do to find a node's tile: tiles do not move as the log grows. */
const MAX_SIZE = 1n << 62n;

function prepare({ query }: Database) {
  const value = sql.placeholder;
  return {
    count: query
      .select({ count: sql<bigint>`coalesce(max(${logHash.index}) + 1, 0)` })
      .from(logHash)
      .where(eq(logHash.level, 0))
      .prepare(),
    add: query
      .insert(logHash)
      .values({ level: value('level'), index: value('index'), hash: value('hash') })
      .prepare(),
    tile: query
      .select({ hash: logHash.hash })
      .from(logHash)
      .where(and(eq(logHash.level, value('level')), gte(logHash.index, value('first'))))
      .orderBy(asc(logHash.index))
      .limit(value('limit'))
      .prepare(),
    truncate: query
      .delete(logHash)
      .where(and(eq(logHash.level, value('level')), gte(logHash.index, value('index'))))
      .prepare(),
  };
}
