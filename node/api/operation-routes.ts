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
    const { ready, reason } = await statusReport(context);
    return ready
      ? text('ok\n', 'none')
      : text(`${reason}\n`, 'none', { status: 503, headers: { 'retry-after': '5' } });
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

/** Everything that a person or a load balancer asks about this node. */
export async function statusReport(
  context: Pick<Context, 'ledger' | 'network' | 'mempool' | 'health' | 'tip' | 'now' | 'identity'>,
): Promise<StatusReport> {
  const { ledger, network, mempool, health, now, identity } = context;
  const [tip, executed, info, stats] = await Promise.all([
    context.tip(),
    ledger.tip(),
    ledger.info(),
    ledger.stats(),
  ]);
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
    status,
    reason: hindrance ?? (status === 'healthy' ? null : share),
    ready: hindrance === null && status !== 'unhealthy',
    version: identity.version,
    origin: info.origin,
    height: executed.height,
    certifiedHeight: tip.height,
    checkpointAgeMillis: ageMillis,
    errorRate,
    p95Millis,
    peers,
    validator,
    sync,
    mempool: mempool.stats(),
    databaseBytes: BigInt(stats.databaseBytes),
  };
}
