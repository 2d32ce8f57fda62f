/**
 * The one writer of a chain: follows it by alarm, commits every new tip, and tells the rooms.
 *
 * The alarm for the next round is set before the work of this one, so that nothing thrown can stop
 * the following; cron only revives what the platform lost.
 */
import { DurableObject } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { migrate } from 'drizzle-orm/durable-sqlite/migrator';
import { targetOf } from 'fanal/api/match.ts';
import { type Header, headerCodec } from 'fanal/chain/header.ts';
import { MAX_EVENT_REPLAY } from 'fanal/chain/limits.ts';
import { encodeEntries, TILE_WIDTH, tilePath } from 'fanal/merkle/tiles.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import migrations from '../../migrations/gateway/migrations.js';
import { type Config, readConfig } from '../config.ts';
import type { Env } from '../env.ts';
import { MetricsRegistry } from '../gateway/metrics.ts';
import { changedAddresses, EventMemory, tipEvents } from '../push/event-memory.ts';
import type { BlockEvent } from '../push/seat.ts';
import { crossCheck } from './cross-check.ts';
import { FailureLog } from './failure-log.ts';
import { shardOf } from './fetch-do.ts';
import { Follower } from './follower.ts';
import { HeaderLog } from './header-log.ts';
import { ALARM_ROUND_MILLIS, CROSS_CHECK_INTERVAL_MILLIS, SHUT_OUT_NOTE_MILLIS } from './limits.ts';
import { fromLoaded } from './loaded.ts';
import * as schema from './schema.ts';
import { type EvidenceFile, SqlStore } from './store.ts';
import { type Tip, type TipReading, tipSize } from './tip.ts';
import type { UpstreamPool } from './upstream-pool.ts';
import { openBlob } from './worker-blob.ts';
import { now, openPool, verify } from './world.ts';

/** A room that wants to hear of every tip. */
export interface RoomName {
  readonly kind: 'push' | 'stream';
  readonly name: string;
}

const ROOMS_KEY = 'rooms';

export class ChainDO extends DurableObject<Env> {
  readonly #config: Config;
  readonly #metrics = new MetricsRegistry();
  readonly #pool: UpstreamPool;
  readonly #store: SqlStore;
  readonly #memory = new EventMemory();
  readonly #failures = new FailureLog(now, (text) => console.warn(text));
  readonly #rooms = new Map<string, { room: RoomName; wantsAddresses: boolean }>();
  #follower: Follower | null = null;
  #crossCheckedAt = 0;
  #reportedAt = 0;
  #telling: Promise<void> = Promise.resolve();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = readConfig(env);
    this.#pool = openPool(this.#config, this.#metrics, (url, init) => fetch(url, init));
    const db = drizzle(ctx.storage, { schema, logger: false });
    this.#store = new SqlStore(db);
    void ctx.blockConcurrencyWhile(async () => {
      await migrate(db, migrations);
      this.#open();
      // Whoever was here before follows no more, though the alarm it set may be seconds away.
      await ctx.storage.setAlarm(now());
    });
  }

  /** The newest verified tip, for someone who knows the one of `size`. */
  async read(size: bigint): Promise<TipReading | null> {
    return this.#chain.reading(size);
  }

  async evidence(): Promise<EvidenceFile[]> {
    return this.#store.evidence();
  }

  /** The entries of the bundle that is still filling; null unless all of them are at hand. */
  async recentEntries(index: bigint, width: number): Promise<Bytes | null> {
    const rows = this.#store.headers(index * BigInt(TILE_WIDTH), width);
    return rows.length === width ? encodeEntries(rows.map(({ header }) => header)) : null;
  }

  /** What happened after a height, or all that is remembered; null when some is forgotten. */
  async events(after: bigint | null): Promise<readonly BlockEvent[] | null> {
    return after === null ? this.#memory.all : this.#memory.since(after);
  }

  /** Has a room told of every tip from now on, until it says that it is empty. */
  async join(room: RoomName, wantsAddresses: boolean): Promise<void> {
    const key = `${room.kind}/${room.name}`;
    const isNew = !this.#rooms.has(key);
    this.#rooms.set(key, { room, wantsAddresses });
    if (isNew) this.#keepRooms();
  }

  /** Makes sure that the chain is being followed. */
  async wake(): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(now());
  }

  override async alarm(): Promise<void> {
    // First of all the next round: from here on nothing can stop the following.
    await this.ctx.storage.setAlarm(now() + ALARM_ROUND_MILLIS);
    const end = now() + ALARM_ROUND_MILLIS - this.#config.followMillis;
    do {
      const started = now();
      await this.#round();
      const rest = this.#config.followMillis - (now() - started);
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    } while (now() < end);
  }

  get #chain(): Follower {
    if (this.#follower === null) throw new Error('the chain is not open yet');
    return this.#follower;
  }

  #open(): void {
    this.#follower = new Follower({
      store: this.#store,
      blob: openBlob(this.env),
      pool: this.#pool,
      now,
      verify,
      metrics: this.#metrics,
      anchor: this.#config.anchor,
      onPublish: (tip, headers) => this.#announce(tip, headers),
    });
    const saved =
      this.ctx.storage.kv.get<[string, { room: RoomName; wantsAddresses: boolean }][]>(ROOMS_KEY);
    for (const [key, entry] of saved ?? []) this.#rooms.set(key, entry);
    for (const { name, lies, until } of this.#store.shutOuts()) {
      this.#pool.upstreams.find((one) => one.name === name)?.restoreShutOut(lies, until);
    }
    const published = this.#follower.published;
    if (published === null) return;
    const size = tipSize(published);
    const first = size > MAX_EVENT_REPLAY ? size - MAX_EVENT_REPLAY : 0n;
    const headers = this.#store
      .headers(first, Number(MAX_EVENT_REPLAY))
      .filter(({ height }) => height < size)
      .map(({ header }) => headerCodec.decode(header));
    this.#memory.add(
      tipEvents(headers, published.state.root).map((tip) => ({ tip, changed: null })),
    );
  }

  /** One look at the nodes; what goes wrong is counted by the pool and tried again. */
  async #round(): Promise<void> {
    try {
      await this.#chain.step();
      if (now() - this.#crossCheckedAt >= CROSS_CHECK_INTERVAL_MILLIS) {
        this.#crossCheckedAt = now();
        await this.#crossCheck();
      }
    } catch (error) {
      this.#failures.failed('following', error);
    }
    await this.#report();
  }

  async #crossCheck(): Promise<void> {
    const { published } = this.#chain;
    if (published === null) return;
    const log = new HeaderLog(published.edge, async (tile) => this.#load(`/${tilePath(tile)}`));
    const { sources, evidence } = await crossCheck(published, log, this.#pool, verify);
    this.#chain.confirm(sources);
    if (evidence !== null) this.#chain.halt(evidence);
  }

  async #load(target: string): Promise<Bytes> {
    const shard = this.env.FETCH.getByName(shardOf(target, this.#config.fetchShards));
    return fromLoaded(await shard.load(target));
  }

  #announce(tip: Tip, headers: readonly Header[]): void {
    const recent = headers.slice(-Number(MAX_EVENT_REPLAY));
    // One announcement after the other, in order of height.
    this.#telling = this.#telling
      .then(() => this.#tell(tip, recent))
      .catch((error) => console.warn('announcing failed', error));
    this.ctx.waitUntil(this.#telling);
  }

  async #tell(tip: Tip, headers: readonly Header[]): Promise<void> {
    const wantsAddresses = [...this.#rooms.values()].some((entry) => entry.wantsAddresses);
    const { root, prefix } = tip.state;
    const events = await Promise.all(
      tipEvents(headers, root).map(async (event): Promise<BlockEvent> => {
        if (event.transactions === 0) return { tip: event, changed: [] };
        if (!wantsAddresses) return { tip: event, changed: null };
        const target = targetOf('block', { height: event.height });
        const block = await this.#load(target).catch(() => null);
        return { tip: event, changed: block === null ? null : changedAddresses(block, prefix) };
      }),
    );
    this.#memory.add(events);
    await Promise.all([...this.#rooms].map(([key, { room }]) => this.#tellRoom(key, room, events)));
  }

  async #tellRoom(key: string, room: RoomName, events: readonly BlockEvent[]): Promise<void> {
    const { PUSH, STREAM } = this.env;
    try {
      const said =
        room.kind === 'push'
          ? await PUSH.getByName(room.name).publish(events)
          : await STREAM.getByName(room.name).publish(events);
      if (said.seats > 0) {
        this.#rooms.set(key, { room, wantsAddresses: said.wantsAddresses });
        return;
      }
      this.#rooms.delete(key);
      this.#keepRooms();
    } catch (error) {
      // The room asks for what it missed when it comes back.
      console.warn(`room ${key} did not hear`, error instanceof Error ? error.message : error);
    }
  }

  #keepRooms(): void {
    this.ctx.storage.kv.put(ROOMS_KEY, [...this.#rooms]);
  }

  /** Hands the counts on, and writes down who is shut out. */
  async #report(): Promise<void> {
    if (now() - this.#reportedAt < SHUT_OUT_NOTE_MILLIS) return;
    this.#reportedAt = now();
    const { published, conflicts } = this.#chain;
    this.#metrics.set('conflicting_checkpoints', conflicts);
    if (published !== null) {
      const { height, time } = published.state.header;
      this.#metrics.set('checkpoint_height', Number(height));
      this.#metrics.set('checkpoint_age_seconds', Math.max(0, (now() - Number(time)) / 1000));
    }
    for (const upstream of this.#pool.upstreams) {
      const { lies, until } = upstream.shutOut;
      if (lies > 0) this.#store.shutOut({ name: upstream.name, lies, until });
    }
    await this.env.METRICS.getByName('metrics')
      .report(this.#metrics.drain(), [])
      .catch(() => undefined);
  }
}
