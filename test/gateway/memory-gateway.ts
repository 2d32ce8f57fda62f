/**
 * A gateway in this process, with no socket, file or timer of its own: the app, the follower and
 * the loader over SQLite in memory. A test moves it on step by step.
 */
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { Problem } from 'fanal/api/problem.ts';
import { verifyWithWebCrypto } from 'fanal/crypto/webcrypto.ts';
import type { TrustState } from 'fanal/light/trust.ts';
import { encodeEntries, TILE_WIDTH } from 'fanal/merkle/tiles.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Blob } from '../../workers/chain/blob.ts';
import { crossCheck } from '../../workers/chain/cross-check.ts';
import { Follower, originHash, type StepResult } from '../../workers/chain/follower.ts';
import { toLoaded } from '../../workers/chain/loaded.ts';
import { Loader } from '../../workers/chain/loader.ts';
import { nodesThrough } from '../../workers/chain/nodes.ts';
import * as schema from '../../workers/chain/schema.ts';
import { SqlStore, type Store } from '../../workers/chain/store.ts';
import { Upstream } from '../../workers/chain/upstream.ts';
import type { Fetch } from '../../workers/chain/upstream-answer.ts';
import { UpstreamPool } from '../../workers/chain/upstream-pool.ts';
import { createGateway } from '../../workers/gateway/app.ts';
import { HealthWindow } from '../../workers/gateway/health.ts';
import { objectsThrough } from '../../workers/gateway/immutable.ts';
import { MetricsRegistry } from '../../workers/gateway/metrics.ts';
import { type ANONYMOUS_ALLOWANCE, MemoryLimiter } from '../../workers/gateway/rate-limit.ts';

export interface MemoryGatewayOptions {
  readonly anchor: TrustState;
  /** Nodes by name: what each answers. */
  readonly nodes: Readonly<Record<string, Fetch>>;
  readonly now?: () => number;
  readonly timeoutMillis?: number;
  /** Wraps the store and the objects, to break them. */
  readonly store?: (store: Store) => Store;
  readonly blob?: Blob;
  readonly database?: Database.Database;
  readonly allowance?: typeof ANONYMOUS_ALLOWANCE;
}

export interface MemoryGateway {
  readonly follower: Follower;
  readonly store: Store;
  readonly pool: UpstreamPool;
  readonly metrics: MetricsRegistry;
  step(): Promise<StepResult>;
  crossCheck(): Promise<void>;
  /** A request from `client`, by path. */
  get(target: string, init?: RequestInit & { client?: string }): Promise<Response>;
}

const UNLIMITED: typeof ANONYMOUS_ALLOWANCE = { cached: 1e9, uncached: 1e9, submit: 1e9 };

/** An object store that forgets with the test. */
export function memoryBlob(): Blob & { readonly objects: Map<string, Bytes> } {
  const objects = new Map<string, Bytes>();
  return {
    objects,
    get: async (key) => objects.get(key) ?? null,
    put: async (key, bytes) => {
      objects.set(key, bytes);
    },
  };
}

export function memoryDatabase(): Database.Database {
  const database = new Database(':memory:');
  migrate(drizzle(database), { migrationsFolder: 'migrations/gateway' });
  return database;
}

export const testVerify = verifyWithWebCrypto(crypto.subtle as never);

export function openMemoryGateway(options: MemoryGatewayOptions): MemoryGateway {
  const { anchor, nodes, now = () => Date.now(), timeoutMillis = 1_000 } = options;
  const metrics = new MetricsRegistry();
  const names = Object.keys(nodes);
  const fetch: Fetch = (url, init) => {
    const host = new URL(url).hostname;
    const node = nodes[host];
    if (node === undefined) throw new TypeError('no such host');
    return node(url, init);
  };
  const pool = new UpstreamPool({
    upstreams: names.map(
      (name) => new Upstream({ url: `http://${name}`, fetch, now, timeoutMillis }),
    ),
    metrics,
    now,
    random: () => 0.5,
  });
  const blob = options.blob ?? memoryBlob();
  const db = drizzle(options.database ?? memoryDatabase(), { schema });
  const inner = new SqlStore(db as never);
  const store = options.store?.(inner) ?? inner;
  const follower = new Follower({
    ...{ store, blob, pool, now, metrics, anchor },
    verify: testVerify,
    onPublish: () => {},
  });
  const published = () => {
    if (follower.published === null) throw new Problem('syncing');
    return follower.published;
  };
  const loader = new Loader({
    ...{ pool, blob, metrics, now },
    originHash: originHash(anchor.origin),
    verify: testVerify,
    tip: async () => published(),
    recentEntries: async (index, width) => {
      const rows = store.headers(index * BigInt(TILE_WIDTH), width);
      return rows.length === width ? encodeEntries(rows.map(({ header }) => header)) : null;
    },
  });
  const health = new HealthWindow();
  const exposed = new MetricsRegistry();
  const allowance = options.allowance ?? UNLIMITED;
  const errors: unknown[] = [];
  const app = createGateway({
    chain: {
      read: async (size) => follower.reading(size),
      evidence: async () => store.evidence(),
    },
    objects: objectsThrough({
      originHash: originHash(anchor.origin),
      blob,
      nodes: (target, call) =>
        toLoaded(
          () => loader.load(target, call.defer),
          (error) => errors.push(error),
        ),
    }),
    nodes: nodesThrough(pool, metrics),
    push: { open: async () => new Response(null, { status: 429 }) },
    limits: {
      anonymous: new MemoryLimiter(allowance, now),
      allowance,
      keys: null,
      quota: null,
      revoke: async () => {},
      ofPlan: (_, plan) => new MemoryLimiter(plan, now),
    },
    metrics,
    pulse: {
      report: async (delta, buckets) => {
        exposed.merge(delta);
        health.merge(buckets);
      },
      health: async () => health.read(now()),
      metricsText: async () => exposed.text(anchor.origin),
    },
    now,
    verify: testVerify,
    copiesHeaders: false,
    identity: {
      anchor,
      version: '0',
      commit: 'test',
      basePath: '',
      metricsToken: null,
      operatorToken: null,
      faucet: false,
    },
    onError: (error) => {
      throw error;
    },
  });
  return {
    follower,
    store,
    pool,
    metrics,
    step: () => follower.step(),
    async crossCheck() {
      const { log } = await loader.view();
      const { sources, evidence } = await crossCheck(published(), log, pool, testVerify);
      follower.confirm(sources);
      if (evidence !== null) follower.halt(evidence);
    },
    async get(target, { client = '192.0.2.1', ...init } = {}) {
      const request = new Request(`http://gateway.test${target}`, init);
      const call = { client, target, defer: () => {}, immutable: null };
      return app.fetch(request, { call });
    },
  };
}
