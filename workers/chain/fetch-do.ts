/**
 * Asks the nodes, once for all isolates: every target belongs to one object, and there to one
 * flight.
 *
 * Apart from the chain's one writer, so that a storm of misses never delays a new tip.
 */
import { DurableObject } from 'cloudflare:workers';
import { Problem } from 'fanal/api/problem.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import { readConfig } from '../config.ts';
import type { Env } from '../env.ts';
import { METRICS_FLUSH_MILLIS, TIP_MEMORY_MILLIS } from '../gateway/limits.ts';
import { MetricsRegistry } from '../gateway/metrics.ts';
import type { Loaded } from '../gateway/ports.ts';
import { originHash } from './follower.ts';
import { BREAKER_OPEN_MILLIS } from './limits.ts';
import { toLoaded } from './loaded.ts';
import { Loader } from './loader.ts';
import { type Tip, tipCodec, tipSize } from './tip.ts';
import type { UpstreamPool } from './upstream-pool.ts';
import { openBlob } from './worker-blob.ts';
import { now, openPool, verify } from './world.ts';

/** The name of the object that a target belongs to. */
export function shardOf(target: string, shards: number): string {
  const digest = sha256(utf8(target));
  return `fetch-${(((digest[0] as number) << 8) | (digest[1] as number)) % shards}`;
}

export class FetchDO extends DurableObject<Env> {
  readonly #metrics = new MetricsRegistry();
  readonly #pool: UpstreamPool;
  readonly #loader: Loader;
  readonly #origin: string;
  #tip: Tip | null = null;
  #tipReadAt = Number.NEGATIVE_INFINITY;
  #reportedAt = 0;
  #probedAt = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const config = readConfig(env);
    this.#origin = config.anchor.origin;
    this.#pool = openPool(config, this.#metrics, (url, init) => fetch(url, init));
    this.#loader = new Loader({
      pool: this.#pool,
      blob: openBlob(env),
      originHash: originHash(config.anchor.origin),
      verify,
      metrics: this.#metrics,
      now,
      tip: (least) => this.#readTip(least),
      recentEntries: (index, width) => this.#chain.recentEntries(index, width),
    });
  }

  /** The verified canonical bytes of a target. */
  async load(target: string): Promise<Loaded> {
    const loaded = await toLoaded(
      () => this.#loader.load(target, (work) => this.ctx.waitUntil(work)),
      (error) => console.error('loading failed', error),
    );
    this.#afterwards();
    return loaded;
  }

  get #chain() {
    return this.env.CHAIN.getByName(this.#origin);
  }

  async #readTip(least: bigint): Promise<Tip> {
    const known = this.#tip === null ? 0n : tipSize(this.#tip);
    const isRecent = now() - this.#tipReadAt < TIP_MEMORY_MILLIS;
    if (this.#tip !== null && known >= least && isRecent) return this.#tip;
    const reading = await this.#chain.read(known);
    this.#tipReadAt = now();
    if (reading !== null && reading.tip !== null) {
      const tip = tipCodec.decode(reading.tip);
      if (tipSize(tip) > known) this.#tip = tip;
    }
    if (this.#tip === null) throw new Problem('syncing', { reason: 'gateway/no-checkpoint' });
    return this.#tip;
  }

  /** Looks after broken nodes, and hands the counts on, now and then. */
  #afterwards(): void {
    if (now() - this.#probedAt >= BREAKER_OPEN_MILLIS) {
      this.#probedAt = now();
      this.ctx.waitUntil(this.#pool.probe());
    }
    if (now() - this.#reportedAt < METRICS_FLUSH_MILLIS) return;
    this.#reportedAt = now();
    const work = this.env.METRICS.getByName('metrics').report(this.#metrics.drain(), []);
    this.ctx.waitUntil(work.catch(() => undefined));
  }
}
