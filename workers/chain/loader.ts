/**
 * Gets what only nodes have, once for all who ask, and lets nothing through that the verified tip
 * does not prove.
 *
 * What never changes again goes to the object store; the rest is for the caches in front.
 */
import { matchRoute, type RouteMatch } from 'fanal/api/match.ts';
import { Problem } from 'fanal/api/problem.ts';
import type { RouteName } from 'fanal/api/routes.ts';
import { REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { entriesPath, parseTilePath, TILE_WIDTH, tilePath } from 'fanal/merkle/tiles.ts';
import { assert } from 'fanal/primitives/assert.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { LRUCache } from 'lru-cache';
import type { Metrics } from '../gateway/metrics.ts';
import { type Defer, SingleFlight } from '../gateway/single-flight.ts';
import type { Blob } from './blob.ts';
import { ChainView } from './chain-view.ts';
import { checkTile } from './header-log.ts';
import { MAX_BUNDLE_BYTES, MAX_TILE_BYTES } from './limits.ts';
import { type AskMore, QUESTIONS, type QuestionContext } from './questions.ts';
import { objectKey, type Tip, tipSize } from './tip.ts';
import type { Upstream } from './upstream.ts';
import type { UpstreamPool } from './upstream-pool.ts';

/** Routes whose answers come from nodes. All others are made of these and the tip. */
export type LoadedRoute =
  | 'tile'
  | 'genesis'
  | 'handover'
  | 'validatorSet'
  | 'block'
  | 'transactionProof'
  | 'state'
  | 'address'
  | 'coins'
  | 'history';

/** Of these, what never changes again, whatever the tip: kept in the object store. */
const KEPT: ReadonlySet<RouteName> = new Set<LoadedRoute>([
  'tile',
  'genesis',
  'handover',
  'validatorSet',
  'block',
  'transactionProof',
]);

/** Whether answers of a route are kept in the object store. */
export function isKept(name: RouteName): boolean {
  return KEPT.has(name);
}

export interface LoaderPorts {
  readonly pool: UpstreamPool;
  readonly blob: Blob;
  readonly originHash: string;
  readonly verify: VerifyBatch;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** The newest verified tip, at least of this size if there is one. */
  readonly tip: (least: bigint) => Promise<Tip>;
  /** Entries of the bundle that is still filling, if the follower has them all. */
  readonly recentEntries: (index: bigint, width: number) => Promise<Bytes | null>;
}

/** Recent answers, for those who come just after a flight has landed. */
const RECENT_BYTES = 1024 * 1024;
const RECENT_MILLIS = 2_000;

export class Loader {
  readonly #ports: LoaderPorts;
  readonly #flights = new SingleFlight<Bytes>();
  readonly #recent = new LRUCache<string, Bytes>({
    maxSize: RECENT_BYTES,
    sizeCalculation: (bytes) => bytes.length + 1,
    ttl: RECENT_MILLIS,
    ttlResolution: 0,
  });
  #view: ChainView | null = null;

  constructor(ports: LoaderPorts) {
    this.#ports = ports;
  }

  /**
   * Gives the verified canonical bytes of a target.
   *
   * @throws {Problem} what the nodes say there is not, or `upstream-unverified`
   */
  load(target: string, defer?: Defer): Promise<Bytes> {
    const recent = this.#recent.get(target);
    if (recent !== undefined) return Promise.resolve(recent);
    return this.#flights.run(
      target,
      async () => {
        const bytes = await this.#load(target);
        this.#recent.set(target, bytes);
        return bytes;
      },
      defer,
    );
  }

  /** The chain as of the newest tip, or of one that has at least this size. */
  async view(least = 0n): Promise<ChainView> {
    const tip = await this.#ports.tip(least);
    if (tipSize(tip) < least) throw new Problem('not-yet-certified');
    if (this.#view === null) {
      this.#view = new ChainView(tip, {
        tile: (tile, root) =>
          this.#bring(`/${tilePath(tile)}`, MAX_TILE_BYTES, async (bytes) => {
            checkTile(tilePath(tile), bytes, root);
          }),
        entries: async (bundle, check) =>
          (bundle.width < TILE_WIDTH
            ? await this.#ports.recentEntries(bundle.index, bundle.width)
            : null) ?? this.#bring(`/${entriesPath(bundle)}`, MAX_BUNDLE_BYTES, check),
      });
    } else if (tip !== this.#view.tip) {
      this.#view.advance(tip);
    }
    return this.#view;
  }

  async #load(target: string): Promise<Bytes> {
    const match = matchRoute('GET', target);
    assert(match.name in QUESTIONS || match.name === 'tile', `${target} is not asked of nodes`);
    if (match.name === 'tile') return this.#tile(match.parameters.tile);
    const keep = isKept(match.name);
    const key = objectKey(this.#ports.originHash, target);
    const kept = keep ? await this.#ports.blob.get(key) : null;
    if (kept !== null) return kept;
    const bytes = await this.#ask(match as RouteMatch<keyof typeof QUESTIONS>);
    if (keep) await this.#ports.blob.put(key, bytes);
    return bytes;
  }

  /** Tiles are checked through the log, which brings what it needs by itself. */
  async #tile(path: string): Promise<Bytes> {
    const resource = parseTilePath(`tile/${path}`);
    const view = await this.view();
    if (resource.kind === 'entries') {
      const { index, width } = resource.bundle;
      return join(await view.entries(index, width), true);
    }
    const { level, index, width } = resource.tile;
    const hashes = await view.log.tile(level, index);
    if (hashes.length < width) throw new Problem('not-found', { reason: 'tile/not-yet' });
    return join(hashes.slice(0, width), false);
  }

  async #ask(match: RouteMatch<keyof typeof QUESTIONS>): Promise<Bytes> {
    const { pool, verify, metrics, now } = this.#ports;
    const at = (match.parameters as { at?: bigint }).at ?? 0n;
    const view = await this.view(at);
    const context: QuestionContext = {
      view,
      verify,
      load: (target) => this.load(target),
      ask: (target, maxBytes, check) =>
        pool.find({
          target,
          maxBytes,
          verify: (body, upstream) => check(body, askMore(pool, upstream)),
        }),
    };
    const started = now();
    try {
      return await (QUESTIONS[match.name] as Asker)(match.parameters, context);
    } finally {
      metrics.observe('verify_duration_seconds', (now() - started) / 1000, { kind: 'proof' });
    }
  }

  /** Brings a full tile or a bundle: from the object store, or from a node, checked. */
  async #bring(
    target: string,
    maxBytes: number,
    check: (bytes: Bytes) => Promise<void>,
  ): Promise<Bytes> {
    const { blob, pool, originHash } = this.#ports;
    const isFull = !target.includes('.p/');
    const key = objectKey(originHash, target);
    if (isFull) {
      const kept = await blob.get(key);
      if (kept !== null) return kept;
    }
    const bytes = await pool.find({
      target,
      maxBytes,
      verify: async (body) => {
        await check(body);
        return body;
      },
    });
    if (isFull) await blob.put(key, bytes);
    return bytes;
  }
}

function askMore(pool: UpstreamPool, upstream: Upstream): AskMore {
  return (target, maxBytes) => {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MILLIS);
    return pool.ask(upstream, { target, maxBytes, verify: (body) => body }, signal);
  };
}

type Asker = (parameters: unknown, context: QuestionContext) => Promise<Bytes>;

/** Hashes one after the other, or entries each behind its length. */
function join(parts: readonly Bytes[], withLengths: boolean): Bytes {
  const lead = withLengths ? 2 : 0;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length + lead, 0));
  let at = 0;
  for (const part of parts) {
    if (withLengths) {
      bytes[at] = part.length >> 8;
      bytes[at + 1] = part.length & 255;
    }
    bytes.set(part, at + lead);
    at += part.length + lead;
  }
  return bytes;
}
