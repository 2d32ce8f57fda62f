/**
 * How the node is doing: alive, ready, and in detail.
 */
import { type StatusReport, snapshotsShape, statusShape } from 'fanal/api/chain.ts';
import { Problem } from 'fanal/api/problem.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { STALE_TIP_MILLIS } from 'fanal/chain/limits.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { bytes, json, text } from './answer.ts';
import { type Context, found, type Handlers } from './handler.ts';

export const operationRoutes: Handlers<
  'livez' | 'readyz' | 'status' | 'snapshots' | 'snapshotChunk'
> = {
  async livez() {
    return text('ok\n', 'none');
  },

  async readyz(_, context) {
    const { hindrance, unhealthy } = await readiness(context);
    return hindrance === null && unhealthy === null
      ? text('ok\n', 'none')
      : text(`${hindrance ?? unhealthy}\n`, 'none', {
          status: 503,
          headers: { 'retry-after': '5' },
        });
  },

  async status(_, context) {
    const report = await statusReport(context);
    return json(statusShape.to(report), 'none', {
      status: report.status === 'unhealthy' ? 503 : 200,
    });
  },

  async snapshots(_, { snapshots }) {
    const items = snapshots === null ? [] : await snapshots.list();
    return json(
      snapshotsShape.to({
        items: items.map(({ manifest, sizeBytes, ...rest }) => ({
          ...rest,
          sizeBytes: BigInt(sizeBytes),
          manifest: toHex(manifest),
        })),
      }),
      'reported',
    );
  },

  async snapshotChunk({ parameters }, { snapshots }) {
    if (snapshots === null) throw new Problem('not-found');
    const { height, chunk } = parameters;
    return bytes(found(await snapshots.chunk(height, chunk)), 'immutable');
  },
};

type Standing = Pick<Context, 'network' | 'health' | 'tip' | 'now'>;

/** Why this node must not get traffic. It asks nobody, so it is answered however busy the node is. */
async function readiness(context: Standing) {
  const { network, health, now } = context;
  const tip = await context.tip();
  const { status, errorRate, p95Millis } = health.read();
  const { peers, validator, sync, trouble } = network.status();
  const age = now() - headerCodec.decode(tip.header).time;
  const ageMillis = age > 0n ? age : 0n;
  const hindrance =
    trouble ??
    (sync === null ? null : `syncing ${sync.mode}: ${sync.height} of ${sync.target}`) ??
    (ageMillis > STALE_TIP_MILLIS ? `newest checkpoint is ${ageMillis / 1000n} s old` : null);
  const share = `${(errorRate * 100).toFixed(1)} % of answers failed in five minutes`;
  return {
    ...{ tip, status, errorRate, p95Millis, peers, validator, sync, ageMillis, hindrance },
    unhealthy: status === 'unhealthy' ? share : null,
    reason: hindrance ?? (status === 'healthy' ? null : share),
  };
}

/** Everything that a person or a load balancer asks about this node. */
export async function statusReport(
  context: Standing & Pick<Context, 'facts' | 'mempool' | 'identity'>,
): Promise<StatusReport> {
  const { facts, mempool, identity } = context;
  const [standing, { origin, executedHeight, databaseBytes }] = await Promise.all([
    readiness(context),
    facts.read(),
  ]);
  const { tip, hindrance, unhealthy, ageMillis } = standing;
  const { status, reason, errorRate, p95Millis, peers, validator, sync } = standing;
  return {
    ...{ status, reason, errorRate, p95Millis, peers, validator, sync, origin },
    ready: hindrance === null && unhealthy === null,
    version: identity.version,
    height: executedHeight > tip.height ? executedHeight : tip.height,
    certifiedHeight: tip.height,
    checkpointAgeMillis: ageMillis,
    mempool: mempool.stats(),
    databaseBytes: BigInt(databaseBytes),
  };
}
