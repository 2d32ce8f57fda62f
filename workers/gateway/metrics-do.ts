/**
 * Brings the counts of all isolates together: each alone would show another truth.
 *
 * Nothing is written down. Counters start again when the object does, which is what counters do.
 */
import { DurableObject } from 'cloudflare:workers';
import { readConfig } from '../config.ts';
import type { Env } from '../env.ts';
import { type Health, type HealthBucket, HealthWindow } from './health.ts';
import { type MetricsDelta, MetricsRegistry } from './metrics.ts';

export class MetricsDO extends DurableObject<Env> {
  readonly #registry = new MetricsRegistry();
  readonly #health = new HealthWindow();

  async report(delta: MetricsDelta, buckets: readonly HealthBucket[]): Promise<void> {
    this.#registry.merge(delta);
    this.#health.merge(buckets);
  }

  async health(): Promise<Health> {
    return this.#health.read(Date.now());
  }

  async text(): Promise<string> {
    const { anchor, version, commit } = readConfig(this.env);
    this.#registry.set('build_info', 1, { version, commit, node: 'workerd' });
    return this.#registry.text(anchor.origin);
  }
}
