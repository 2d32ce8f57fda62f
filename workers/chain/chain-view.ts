/**
 * The chain as of a verified tip: its log, its headers, and the proofs that are made of them.
 *
 * What is missing is brought by someone, and believed only once it leads to the tip's root.
 */
import { Problem } from 'fanal/api/problem.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import type { HeaderProof, LogTip, VerifiedHeader } from 'fanal/light/header-proof.ts';
import { trustedHeader, trustedTip } from 'fanal/light/trust.ts';
import { leafHash } from 'fanal/merkle/list.ts';
import {
  decodeEntries,
  type EntryBundle,
  entriesPath,
  TILE_WIDTH,
  tileWidth,
} from 'fanal/merkle/tiles.ts';
import { type Bytes, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { VerificationError } from 'fanal/primitives/errors.ts';
import { LRUCache } from 'lru-cache';
import { type BringTile, HeaderLog } from './header-log.ts';
import { type Tip, tipSize } from './tip.ts';

export interface Bringers {
  readonly tile: BringTile;
  /** Brings a bundle of entries; `check` throws when it is not of this log. */
  readonly entries: (bundle: EntryBundle, check: (bytes: Bytes) => Promise<void>) => Promise<Bytes>;
}

/** Bundles kept: at most 66 kB each. */
const KEPT_BUNDLES = 64;

export class ChainView {
  readonly log: HeaderLog;
  readonly #bringers: Bringers;
  readonly #bundles = new LRUCache<string, Bytes[]>({ max: KEPT_BUNDLES });
  #tip: Tip;

  constructor(tip: Tip, bringers: Bringers) {
    this.#tip = tip;
    this.#bringers = bringers;
    this.log = new HeaderLog(tip.edge, bringers.tile);
  }

  get tip(): Tip {
    return this.#tip;
  }

  get size(): bigint {
    return tipSize(this.#tip);
  }

  advance(tip: Tip): void {
    this.#tip = tip;
    this.log.advance(tip.edge);
  }

  /**
   * Takes a size that a client named, or the tip's.
   *
   * @throws {Problem} `not-yet-certified`
   */
  sizeOf(at: bigint | undefined): bigint {
    if (at === undefined) return this.size;
    if (at > this.size) throw new Problem('not-yet-certified');
    return at;
  }

  /** Size and root of the log when it had `size` headers. */
  async logAt(size: bigint): Promise<LogTip> {
    if (size === this.size) return trustedTip(this.#tip.state);
    return { size, root: await this.log.rootAt(size) };
  }

  /**
   * A header of the log.
   *
   * @throws {Problem} `not-found` above the tip
   */
  async header(height: bigint): Promise<VerifiedHeader> {
    if (height === this.size - 1n) return trustedHeader(this.#tip.state);
    const [bytes] = await this.headers(height, height + 1n);
    return headerCodec.decode(bytes as Bytes) as VerifiedHeader;
  }

  /** The headers from `from` up to and without `to`, in canonical bytes. */
  async headers(from: bigint, to: bigint): Promise<Bytes[]> {
    if (to > this.size) throw new Problem('not-found', { reason: 'header/above-tip' });
    const width = BigInt(TILE_WIDTH);
    const indexes: bigint[] = [];
    for (let index = from / width; index * width < to; index++) indexes.push(index);
    const bundles = await Promise.all(indexes.map((index) => this.#bundle(index)));
    const first = (indexes[0] ?? 0n) * width;
    return bundles.flat().slice(Number(from - first), Number(to - first));
  }

  /** A header and its inclusion in the log of `size` headers. */
  async headerProof(height: bigint, size: bigint): Promise<HeaderProof> {
    if (height >= size) throw new Problem('not-found', { reason: 'header/above-size' });
    const [header, path] = await Promise.all([
      this.header(height),
      this.log.inclusion(height, size),
    ]);
    return { header, size, path };
  }

  /** The entries of a bundle as far as the log reaches, or its first `width`. */
  async entries(index: bigint, width: number): Promise<Bytes[]> {
    return (await this.#bundle(index, width)).slice(0, width);
  }

  async #bundle(index: bigint, least = 0): Promise<Bytes[]> {
    const width = tileWidth(0, index, this.size);
    if (width < Math.max(1, least)) throw new Problem('not-found', { reason: 'tile/not-yet' });
    const path = entriesPath({ index, width });
    const known = this.#bundles.get(path);
    if (known !== undefined) return known;
    let entries: Bytes[] = [];
    const check = async (bytes: Bytes) => {
      entries = await this.#checkEntries({ index, width }, bytes);
    };
    const bytes = await this.#bringers.entries({ index, width }, check);
    if (entries.length === 0) await check(bytes);
    this.#bundles.set(path, entries);
    return entries;
  }

  async #checkEntries({ index, width }: EntryBundle, bytes: Bytes): Promise<Bytes[]> {
    const entries = decodeEntries(bytes, width);
    const leaves = await this.log.tile(0, index);
    for (const [i, entry] of entries.entries()) {
      const found = leafHash(entry);
      const expected = leaves[i] as Bytes;
      if (equalBytes(found, expected)) continue;
      const step = `${entriesPath({ index, width })}, entry ${i}`;
      throw new VerificationError('proof/tile-mismatch', step, toHex(expected), toHex(found));
    }
    return entries;
  }
}
