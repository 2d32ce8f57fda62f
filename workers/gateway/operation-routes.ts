/**
 * How the gateway is doing: alive, ready, and in detail; what it has seen that must not be; and
 * its surface described.
 */
import { statusShape } from 'fanal/api/chain.ts';
import { openApiDocument } from 'fanal/api/openapi.ts';
import { REFERENCE_CONTENT_SECURITY_POLICY, referencePage } from 'fanal/api/reference.ts';
import { STALE_TIP_MILLIS } from 'fanal/chain/limits.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import { tipAgeMillis } from '../chain/tip.ts';
import { type Answer, json, make, octets, text } from './answer.ts';
import { type Context, type Handlers, notFound } from './handler.ts';

export const operationRoutes: Handlers<
  'livez' | 'readyz' | 'status' | 'snapshots' | 'snapshotChunk' | 'openapi' | 'docs'
> = {
  async livez() {
    return text('ok\n', 'none');
  },

  async readyz(_, context) {
    const { ready, reason } = await statusReport(context);
    return ready
      ? text('ok\n', 'none')
      : text(`${reason}\n`, 'none', { status: 503, headers: { 'retry-after': '5' } });
  },

  async status(_, context) {
    const { conflicts, sources, requests, ...report } = await statusReport(context);
    const status = report.status === 'unhealthy' ? 503 : 200;
    return json({ ...statusShape.to(report), conflicts, sources, requests }, 'none', { status });
  },

  async snapshots() {
    throw notFound('snapshots/at-nodes-only');
  },

  async snapshotChunk() {
    throw notFound('snapshots/at-nodes-only');
  },

  async openapi(_, { prefix, identity }) {
    return json(openApiDocument(prefix, identity.version), 'docs');
  },

  async docs(_, { prefix, identity }) {
    const page = utf8(referencePage(prefix, identity.version));
    return make(page, 'text/html; charset=utf-8', 'docs', {
      headers: { 'content-security-policy': REFERENCE_CONTENT_SECURITY_POLICY },
    });
  },
};

/** `/v1/evidence`: the forks that were seen, and what proves each. */
export async function evidenceList({ chain, identity }: Context): Promise<Answer> {
  const files = await chain.evidence();
  const items = files.map(({ id, foundAt, file }) => ({
    id,
    foundAt: String(foundAt),
    sizeBytes: file.length,
    path: `${identity.basePath}/v1/evidence/${id}`,
  }));
  return json({ items }, 'none');
}

/** `/v1/evidence/{id}`: one evidence file, to be checked offline by anyone. */
export async function evidenceFile(id: string, { chain }: Context): Promise<Answer> {
  const found = (await chain.evidence()).find((file) => file.id === id);
  if (found === undefined) throw notFound('evidence/none');
  return octets(found.file, 'immutable', {
    headers: { 'content-disposition': `attachment; filename="fork-${id.slice(0, 16)}.evidence"` },
  });
}

/** Everything that a person or a load balancer asks about this gateway. */
async function statusReport({ tips, pulse, identity, now, onError }: Context) {
  const health = await pulse.health().catch((error) => {
    onError(error);
    return { status: 'healthy', requests: 0, errorRate: 0, p95Millis: 0 } as const;
  });
  const view = await tips.view().catch(() => null);
  const ageMillis = view === null ? 0n : tipAgeMillis(view.tip, BigInt(Math.floor(now())));
  const height = view === null ? 0n : view.size - 1n;
  const hindrance =
    tips.conflicts > 0
      ? 'a fork was seen: nothing newer is published'
      : view === null
        ? 'no checkpoint was verified yet'
        : ageMillis > BigInt(STALE_TIP_MILLIS)
          ? `the newest checkpoint is ${ageMillis / 1000n} s old`
          : null;
  const { status, errorRate, p95Millis, requests } = health;
  const share = `${(errorRate * 100).toFixed(1)} % of answers failed in five minutes`;
  return {
    status,
    reason: hindrance ?? (status === 'healthy' ? null : share),
    ready: hindrance === null && status !== 'unhealthy',
    version: identity.version,
    origin: identity.anchor.origin,
    height,
    certifiedHeight: height,
    checkpointAgeMillis: ageMillis,
    errorRate,
    p95Millis,
    peers: { inbound: 0, outbound: 0 },
    validator: null,
    sync: null,
    mempool: { transactions: 0, bytes: 0, limitBytes: 0 },
    databaseBytes: 0n,
    conflicts: tips.conflicts,
    sources: view?.tip.sources ?? 0,
    requests,
  };
}
