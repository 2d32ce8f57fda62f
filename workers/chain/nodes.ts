/**
 * What nodes say and nobody can prove, and what is handed on to them.
 */
import { Problem } from 'fanal/api/problem.ts';
import { REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Metrics } from '../gateway/metrics.ts';
import type { NodesPort, RelayAnswer } from '../gateway/ports.ts';
import { MAX_REPORTED_BYTES, RELAY_NODES } from './limits.ts';
import type { Upstream } from './upstream.ts';
import type { Fetch } from './upstream-answer.ts';
import type { UpstreamPool } from './upstream-pool.ts';

/** The platform's own fetch. */
export const fetchAnything: Fetch = (url, init) => fetch(url, init);

export function nodesThrough(pool: UpstreamPool, metrics: Metrics): NodesPort {
  return {
    report: (target, check) => {
      const found = pool.find({ target, maxBytes: MAX_REPORTED_BYTES, verify: check });
      // No request has to find out whether a broken node is back.
      void pool.probe();
      return found;
    },
    relay: (target, body, type, count = RELAY_NODES) => {
      const nodes = pool.ranked().slice(0, count);
      if (nodes.length === 0) throw new Problem('upstream-unverified', { retryAfterSeconds: 1 });
      return Promise.all(nodes.map((node) => relayTo(node, target, body, type, metrics)));
    },
  };
}

async function relayTo(
  upstream: Upstream,
  target: string,
  body: Bytes,
  type: string,
  metrics: Metrics,
): Promise<RelayAnswer> {
  const labels = { upstream: upstream.name };
  try {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MILLIS);
    const ask = { method: 'POST' as const, body, type, maxBytes: MAX_REPORTED_BYTES, signal };
    const answer = await upstream.ask(target, ask);
    metrics.count('upstream_requests_total', { ...labels, outcome: 'success' });
    if (answer.kind === 'body') return { kind: 'taken', status: answer.status, body: answer.body };
    const { code, reason } = answer;
    return { kind: 'refused', problem: { code, reason, retryAfterSeconds: undefined } };
  } catch {
    metrics.count('upstream_requests_total', { ...labels, outcome: 'error' });
    return { kind: 'failed' };
  }
}
