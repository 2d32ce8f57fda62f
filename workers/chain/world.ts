/**
 * What every part of the gateway that asks nodes is made of, from the settings.
 */

import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { verifyWithWebCrypto } from 'fanal/crypto/webcrypto.ts';
import type { Config } from '../config.ts';
import type { Metrics } from '../gateway/metrics.ts';
import { Upstream } from './upstream.ts';
import type { Fetch } from './upstream-answer.ts';
import { UpstreamPool } from './upstream-pool.ts';

/** Milliseconds since 1970. On Workers it stands still between one I/O and the next. */
export const now = (): number => Date.now();

/** The one signature rule, with the platform's Ed25519 behind it. */
export const verify: VerifyBatch = verifyWithWebCrypto(crypto.subtle as never);

export function openPool(config: Config, metrics: Metrics, fetch: Fetch): UpstreamPool {
  return new UpstreamPool({
    onLie: (text) => console.warn(text),
    upstreams: config.upstreams.map(
      (url) => new Upstream({ url, fetch, now, timeoutMillis: config.upstreamTimeoutMillis }),
    ),
    metrics,
    now,
    random: Math.random,
  });
}
