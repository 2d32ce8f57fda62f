/**
 * Which of the shipped alerts hold at the moment, judged from one sample. Prometheus judges over
 * time and over all nodes; this is what one look can say, under the same names.
 */
import type { MonitorAlert, MonitorSample } from './sample.ts';
import { ageText, duration, percent } from './text.ts';

/** Less cosigned stake certifies nothing. */
export const QUORUM = 2 / 3;
/** A validator that cosigned less than this in the epoch is missing. */
export const COSIGNED_ENOUGH = 0.95;

type State = Omit<MonitorSample, 'alerts' | 'events'>;
type Judge = (state: State) => string | null;

const older = (seconds: number | null, limit: number) => seconds !== null && seconds > limit;

/** The stake that counts now: what cosigned last, less what has gone silent since. */
export function standingStake({
  cosignedStake,
  liveStake,
}: Pick<State, 'cosignedStake' | 'liveStake'>): number | null {
  if (cosignedStake === null || liveStake === null) return cosignedStake ?? liveStake;
  return Math.min(cosignedStake, liveStake);
}

const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
const heapShare = (heap: State['heap']) => (heap === null ? 0 : share(heap.bytes, heap.limitBytes));

const CRITICAL: Readonly<Record<string, Judge>> = {
  NodeDown: ({ health, reason }) =>
    health === 'unreachable' ? `the node does not answer: ${reason ?? 'no reason'}` : null,
  ConsensusStalled: ({ commitAgeSeconds: age }) =>
    older(age, 30) ? `no commit for ${ageText(age)}` : null,
  QuorumLost: (state) => {
    const stake = standingStake(state);
    return stake !== null && stake <= QUORUM ? `only ${percent(stake)} of the stake is left` : null;
  },
  BlockProductionStopped: ({ headAgeSeconds: age }) =>
    older(age, 300) ? `no block for ${ageText(age)}` : null,
  CheckpointOld: ({ checkpointAgeSeconds: age }) =>
    older(age, 60) ? `no certificate for ${ageText(age)}` : null,
  PeersNone: ({ peers }) =>
    peers !== null && peers.inbound + peers.outbound === 0 ? 'no peer is connected' : null,
  // Too few answers say nothing: the node's own word on its health knows how many there were.
  ApiErrorsHigh: ({ health, errorRate }) =>
    health === 'unhealthy' && errorRate > 0.1
      ? `${percent(errorRate)} of the answers are errors`
      : null,
  MemoryCritical: ({ heap }) => (heapShare(heap) > 0.95 ? 'the heap is at its limit' : null),
};

const WARNING: Readonly<Record<string, Judge>> = {
  QuorumMarginThin: (state) => {
    const stake = standingStake(state);
    return stake !== null && stake > QUORUM && stake < 0.75
      ? `${percent(stake)} of the stake: one more loss may stop the chain`
      : null;
  },
  CertificationLag: ({ height, certifiedHeight }) =>
    height > certifiedHeight + 16n ? `${height - certifiedHeight} blocks wait for it` : null,
  ValidatorMissing: ({ missing }) =>
    missing.length > 0
      ? `${missing.slice(0, 3).join(', ')}${missing.length > 3 ? `, ${missing.length - 3} more` : ''}`
      : null,
  ValidatorInaccurate: ({ validators }) => {
    const wrong = validators.filter(({ accuracy }) => accuracy !== null && accuracy < 1);
    return wrong.length > 0 ? wrong.map(({ name }) => name).join(', ') : null;
  },
  CommitSlow: ({ commitMillis }) =>
    commitMillis !== null && commitMillis.p95 > 2_000 ? `p95 ${duration(commitMillis.p95)}` : null,
  ApiErrors: ({ health, errorRate }) =>
    health === 'degraded' && errorRate > 0.01
      ? `${percent(errorRate)} of the answers are errors`
      : null,
  MempoolHigh: ({ mempool }) =>
    share(mempool.bytes, mempool.limitBytes) > 0.8 ? 'over 80 % of the limit' : null,
  MemoryHigh: ({ heap }) => {
    const used = heapShare(heap);
    return used > 0.85 && used <= 0.95 ? `${percent(used)} of the heap's limit` : null;
  },
  EventLoopLag: ({ loopP99Millis }) =>
    loopP99Millis !== null && loopP99Millis > 250 ? `p99 ${duration(loopP99Millis)}` : null,
  ClockSkew: ({ clockSkewMillis }) =>
    clockSkewMillis !== null && Math.abs(clockSkewMillis) > 500
      ? `${Math.round(clockSkewMillis)} ms from the peers`
      : null,
  DiskLow: ({ diskFree }) =>
    diskFree !== null && diskFree < 0.15 ? `${percent(diskFree)} of the data disk is free` : null,
};

/** The alerts that hold, critical ones first. */
export function alarms(state: State): MonitorAlert[] {
  const holds = (judges: Readonly<Record<string, Judge>>, severity: MonitorAlert['severity']) =>
    Object.entries(judges).flatMap(([name, judge]): MonitorAlert[] => {
      const text = judge(state);
      return text === null ? [] : [{ name, severity, text }];
    });
  // Whatever else was seen last, it may be otherwise by now.
  if (state.health === 'unreachable') {
    return holds({ NodeDown: CRITICAL.NodeDown as Judge }, 'critical');
  }
  return [...holds(CRITICAL, 'critical'), ...holds(WARNING, 'warning')];
}

/** Names of all alerts that a sample can show. */
export const SHOWN_ALERTS = {
  critical: Object.keys(CRITICAL),
  warning: Object.keys(WARNING),
} as const;
