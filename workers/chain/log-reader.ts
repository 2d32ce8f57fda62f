/**
 * Reads stretches of the header log from one node. Nothing of it is believed here: whoever calls
 * checks that it makes up the root.
 */

import { REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import {
  decodeEntries,
  decodeTile,
  entriesPath,
  TILE_HEIGHT,
  TILE_WIDTH,
  tilePath,
  tileWidth,
} from 'fanal/merkle/tiles.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { MAX_BUNDLE_BYTES, MAX_TILE_BYTES } from './limits.ts';
import type { StoredHeader } from './store.ts';
import type { TileEdge } from './tile-edge.ts';
import type { Upstream } from './upstream.ts';
import type { UpstreamPool } from './upstream-pool.ts';

/** The node to read from, and how. */
export interface Asked {
  readonly pool: UpstreamPool;
  readonly upstream: Upstream;
}

/** Reads the headers from height `from` up to and without `to`, for a log of `to` headers. */
export async function readHeaders(asked: Asked, from: bigint, to: bigint): Promise<StoredHeader[]> {
  const headers: StoredHeader[] = [];
  const width256 = BigInt(TILE_WIDTH);
  for (let index = from / width256; index * width256 < to; index++) {
    const width = tileWidth(0, index, to);
    const entries = await ask(
      asked,
      `/${entriesPath({ index, width })}`,
      MAX_BUNDLE_BYTES,
      (body) => decodeEntries(body, width),
    );
    for (const [i, header] of entries.entries()) {
      const height = index * width256 + BigInt(i);
      if (height >= from) headers.push({ height, header });
    }
  }
  return headers;
}

/** Reads the partial tile of every level of a log of `size` headers. */
export async function readEdge(asked: Asked, size: bigint): Promise<TileEdge> {
  const levels: Hash[][] = [];
  for (let level = 0; size >> BigInt(TILE_HEIGHT * level) > 0n; level++) {
    const count = size >> BigInt(TILE_HEIGHT * level);
    const width = Number(count & 255n);
    const index = count >> 8n;
    levels.push(
      width === 0
        ? []
        : await ask(asked, `/${tilePath({ level, index, width })}`, MAX_TILE_BYTES, (body) =>
            decodeTile(body, width),
          ),
    );
  }
  return { size, levels };
}

function ask<T>(
  { pool, upstream }: Asked,
  target: string,
  maxBytes: number,
  verify: (body: Bytes) => T,
): Promise<T> {
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MILLIS);
  return pool.ask(upstream, { target, maxBytes, verify }, signal);
}
