/**
 * The chain's one writer in a Node process: a SQLite file that only this process has open.
 */

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { targetOf } from 'fanal/api/match.ts';
import { Problem } from 'fanal/api/problem.ts';
import { type Header, headerCodec } from 'fanal/chain/header.ts';
import { MAX_EVENT_REPLAY } from 'fanal/chain/limits.ts';
import { encodeEntries, TILE_WIDTH } from 'fanal/merkle/tiles.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Blob } from '../chain/blob.ts';
import { crossCheck } from '../chain/cross-check.ts';
import { FailureLog } from '../chain/failure-log.ts';
import { Follower } from '../chain/follower.ts';
import { CROSS_CHECK_INTERVAL_MILLIS, SHUT_OUT_NOTE_MILLIS } from '../chain/limits.ts';
import { fromLoaded, toLoaded } from '../chain/loaded.ts';
import { Loader } from '../chain/loader.ts';
import * as schema from '../chain/schema.ts';
import { type EvidenceFile, SqlStore } from '../chain/store.ts';
import { type Tip, type TipReading, tipSize } from '../chain/tip.ts';
import type { UpstreamPool } from '../chain/upstream-pool.ts';
import { now, verify } from '../chain/world.ts';
import type { Config } from '../config.ts';
import type { MetricsRegistry } from '../gateway/metrics.ts';
import type { Loaded } from '../gateway/ports.ts';
import type { Defer } from '../gateway/single-flight.ts';
import { changedAddresses, tipEvents } from '../push/event-memory.ts';
import type { BlockEvent } from '../push/seat.ts';
import type { LocalRoom } from './local-room.ts';

const MIGRATIONS = join(import.meta.dirname, '../../migrations/gateway');

export interface LocalChainOptions {
  readonly config: Config;
  /** The SQLite file. */
  readonly file: string;
  readonly blob: Blob;
  readonly pool: UpstreamPool;
  readonly metrics: MetricsRegistry;
  readonly room: LocalRoom;
  readonly onLog: (line: string) => void;
}

export class LocalChain {
  readonly #options: LocalChainOptions;
  readonly #database: Database.Database;
  readonly #store: SqlStore;
  readonly #follower: Follower;
  readonly #loader: Loader;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;
  #crossCheckedAt = 0;
  #notedAt = 0;
  #telling: Promise<void> = Promise.resolve();

  constructor(options: LocalChainOptions) {
    this.#options = options;
    const { config, file, blob, pool, metrics } = options;
    this.#database = new Database(file);
    // A power cut must not take back what was published.
    this.#database.pragma('journal_mode = WAL');
    this.#database.pragma('synchronous = FULL');
    this.#database.pragma('locking_mode = EXCLUSIVE');
    const db = drizzle(this.#database, { schema });
    migrate(db, { migrationsFolder: MIGRATIONS });
    this.#store = new SqlStore(db as never);
    this.#follower = new Follower({
      store: this.#store,
      blob,
      pool,
      now,
      verify,
      metrics,
      anchor: config.anchor,
      onPublish: (tip, headers) => this.#announce(tip, headers),
    });
    this.#loader = new Loader({
      pool,
      blob,
      originHash: this.#follower.originHash,
      verify,
      metrics,
      now,
      tip: async () => this.#published(),
      recentEntries: async (index, width) => {
        const rows = this.#store.headers(index * BigInt(TILE_WIDTH), width);
        return rows.length === width ? encodeEntries(rows.map(({ header }) => header)) : null;
      },
    });
    for (const { name, lies, until } of this.#store.shutOuts()) {
      pool.upstreams.find((one) => one.name === name)?.restoreShutOut(lies, until);
    }
    this.#recall();
  }

  get originHash(): string {
    return this.#follower.originHash;
  }

  reading(size: bigint): TipReading | null {
    return this.#follower.reading(size);
  }

  evidence(): EvidenceFile[] {
    return this.#store.evidence();
  }

  load(target: string, defer: Defer): Promise<Loaded> {
    return toLoaded(
      () => this.#loader.load(target, defer),
      (error) => this.#options.onLog(String(error)),
    );
  }

  /** Follows until it is stopped. */
  start(): void {
    this.#running = this.#follow();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    await this.#telling;
  }

  close(): void {
    this.#database.close();
  }

  async #follow(): Promise<void> {
    const { config, onLog } = this.#options;
    const failures = new FailureLog(now, onLog);
    while (!this.#isStopped) {
      const started = now();
      try {
        await this.#follower.step();
        await this.#crossCheck();
      } catch (error) {
        failures.failed('following', error);
      }
      this.#note();
      const rest = config.followMillis - (now() - started);
      await new Promise((resolve) => setTimeout(resolve, Math.max(1, rest)));
    }
  }

  async #crossCheck(): Promise<void> {
    const { published } = this.#follower;
    if (published === null || now() - this.#crossCheckedAt < CROSS_CHECK_INTERVAL_MILLIS) return;
    this.#crossCheckedAt = now();
    const { log } = await this.#loader.view();
    const { sources, evidence } = await crossCheck(published, log, this.#options.pool, verify);
    this.#follower.confirm(sources);
    if (evidence !== null) this.#follower.halt(evidence);
  }

  #published(): Tip {
    const { published } = this.#follower;
    if (published === null) throw new Problem('syncing', { reason: 'gateway/no-checkpoint' });
    return published;
  }

  /** Tells the room what it would have heard before a restart. */
  #recall(): void {
    const { published } = this.#follower;
    if (published === null) return;
    const size = tipSize(published);
    const first = size > MAX_EVENT_REPLAY ? size - MAX_EVENT_REPLAY : 0n;
    const headers = this.#store
      .headers(first, Number(MAX_EVENT_REPLAY))
      .filter(({ height }) => height < size)
      .map(({ header }) => headerCodec.decode(header));
    this.#options.room.recall(
      tipEvents(headers, published.state.root).map((tip) => ({ tip, changed: null })),
    );
  }

  #announce(tip: Tip, headers: readonly Header[]): void {
    const recent = headers.slice(-Number(MAX_EVENT_REPLAY));
    // One announcement after the other, in order of height.
    this.#telling = this.#telling
      .then(() => this.#tell(tip, recent))
      .catch((error) => this.#options.onLog(`announcing failed: ${String(error)}`));
  }

  async #tell(tip: Tip, headers: readonly Header[]): Promise<void> {
    const { room } = this.#options;
    const { root, prefix } = tip.state;
    const events = await Promise.all(
      tipEvents(headers, root).map(async (event): Promise<BlockEvent> => {
        if (event.transactions === 0) return { tip: event, changed: [] };
        if (!room.wantsAddresses) return { tip: event, changed: null };
        const block = await this.#block(event.height);
        return { tip: event, changed: block === null ? null : changedAddresses(block, prefix) };
      }),
    );
    room.publish(events);
  }

  async #block(height: bigint): Promise<Bytes | null> {
    const loaded = await this.load(targetOf('block', { height }), () => undefined);
    return loaded.ok ? fromLoaded(loaded) : null;
  }

  /** Counts where the chain stands, and writes down who is shut out. */
  #note(): void {
    if (now() - this.#notedAt < SHUT_OUT_NOTE_MILLIS) return;
    this.#notedAt = now();
    const { metrics, pool } = this.#options;
    const { published, conflicts } = this.#follower;
    metrics.set('conflicting_checkpoints', conflicts);
    if (published !== null) {
      const { height, time } = published.state.header;
      metrics.set('checkpoint_height', Number(height));
      metrics.set('checkpoint_age_seconds', Math.max(0, (now() - Number(time)) / 1000));
    }
    for (const { name, shutOut } of pool.upstreams) {
      if (shutOut.lies > 0) this.#store.shutOut({ name, ...shutOut });
    }
  }
}
