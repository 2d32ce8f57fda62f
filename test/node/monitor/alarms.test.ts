import { describe, expect, it } from 'vitest';
import { alarms, SHOWN_ALERTS } from '../../../node/monitor/alarms.ts';
import { happenings } from '../../../node/monitor/happenings.ts';
import { NO_MEASURES } from '../../../node/monitor/measures.ts';
import type { MonitorSample, ValidatorRow } from '../../../node/monitor/sample.ts';
import { Silence } from '../../../node/monitor/silence.ts';
import { ALERTS } from '../../../node/operate/alerts.ts';

const row = (name: string, more: Partial<ValidatorRow> = {}): ValidatorRow => ({
  ...{ name, rank: 1, stakeShare: 0.25, cosigned: 1, accuracy: 1, rounds: 9, rewards: 0 },
  ...{ latencyMillis: 1, version: '1', isSilent: false, isAsked: false },
  ...more,
});

const calm = (more: Partial<MonitorSample> = {}): MonitorSample => ({
  ...NO_MEASURES,
  ...{ takenAtMillis: 1, network: 'dev', version: 'v1', health: 'healthy', reason: null },
  ...{ epoch: 1, height: 100n, certifiedHeight: 100n, checkpointAgeSeconds: 1 },
  ...{ cosignedStake: 1, liveStake: 1, missing: [], errorRate: 0, alerts: [], events: [] },
  mempool: { transactions: 0, bytes: 0, limitBytes: 100 },
  validators: ['a', 'b', 'c', 'd'].map((name) => row(name)),
  peers: { inbound: 1, outbound: 2 },
  ...more,
});

const names = (more: Partial<MonitorSample>) => alarms(calm(more)).map(({ name }) => name);

describe('the monitor’s alerts', () => {
  it('are alerts that Prometheus has too, of the same severity', () => {
    for (const severity of ['critical', 'warning'] as const) {
      for (const name of SHOWN_ALERTS[severity]) {
        expect(ALERTS.find((alert) => alert.name === name)?.severity, name).toBe(severity);
      }
    }
  });

  const cases: [string, Partial<MonitorSample>, Partial<MonitorSample>][] = [
    ['NodeDown', { health: 'unreachable' }, { health: 'degraded' }],
    ['ConsensusStalled', { commitAgeSeconds: 31 }, { commitAgeSeconds: 29 }],
    ['QuorumLost', { liveStake: 0.5 }, { liveStake: 0.75 }],
    ['BlockProductionStopped', { headAgeSeconds: 301 }, { headAgeSeconds: 299 }],
    ['CheckpointOld', { checkpointAgeSeconds: 61 }, { checkpointAgeSeconds: 59 }],
    ['PeersNone', { peers: { inbound: 0, outbound: 0 } }, { peers: null }],
    ['ApiErrorsHigh', { health: 'unhealthy', errorRate: 0.11 }, { errorRate: 0.5 }],
    [
      'MemoryCritical',
      { heap: { bytes: 96, limitBytes: 100 } },
      { heap: { bytes: 95, limitBytes: 100 } },
    ],
    ['QuorumMarginThin', { cosignedStake: 0.7 }, { cosignedStake: 0.76 }],
    ['CertificationLag', { height: 117n }, { height: 116n }],
    ['ValidatorMissing', { missing: ['a'] }, { missing: [] }],
    [
      'ValidatorInaccurate',
      { validators: [row('a', { accuracy: 0.99 })] },
      { validators: [row('a', { accuracy: null })] },
    ],
    [
      'CommitSlow',
      { commitMillis: { p50: 1, p95: 2_001, p99: 3_000, last: 1 } },
      { commitMillis: { p50: 1, p95: 1_999, p99: 3_000, last: 1 } },
    ],
    ['ApiErrors', { health: 'degraded', errorRate: 0.06 }, { errorRate: 0.06 }],
    [
      'MempoolHigh',
      { mempool: { transactions: 1, bytes: 81, limitBytes: 100 } },
      { mempool: { transactions: 1, bytes: 80, limitBytes: 100 } },
    ],
    [
      'MemoryHigh',
      { heap: { bytes: 86, limitBytes: 100 } },
      { heap: { bytes: 85, limitBytes: 100 } },
    ],
    ['EventLoopLag', { loopP99Millis: 251 }, { loopP99Millis: 250 }],
    ['ClockSkew', { clockSkewMillis: -501 }, { clockSkewMillis: 500 }],
    ['DiskLow', { diskFree: 0.14 }, { diskFree: 0.15 }],
  ];
  it.each(cases)('%s holds on the one sample and not on the other', (name, bad, good) => {
    expect(names(bad)).toEqual([name]);
    expect(names(good)).not.toContain(name);
  });

  it('each have a case here', () => {
    const shown = [...SHOWN_ALERTS.critical, ...SHOWN_ALERTS.warning];
    expect(cases.map(([name]) => name).sort()).toEqual(shown.sort());
  });

  it('of a node that does not answer are that alone', () => {
    expect(names({ health: 'unreachable', diskFree: 0.01, liveStake: 0.1 })).toEqual(['NodeDown']);
  });
});

describe('silence', () => {
  const look = (silence: Silence, second: number, rounds: Record<string, number>, epoch = 1) => [
    ...silence.look({
      atMillis: second * 1_000,
      epoch,
      rounds: new Map(Object.entries(rounds)),
    }),
  ];

  it('is standing still while another goes on', () => {
    const silence = new Silence();
    expect(look(silence, 0, { a: 100, b: 100 })).toEqual([]);
    expect(look(silence, 1, { a: 110, b: 100 })).toEqual([]);
    expect(look(silence, 2, { a: 125, b: 100 })).toEqual(['b']);
    expect(look(silence, 3, { a: 130, b: 101 })).toEqual([]);
  });

  it('is not what all of them do', () => {
    const silence = new Silence();
    for (let second = 0; second < 10; second++) {
      expect(look(silence, second, { a: 100, b: 90 })).toEqual([]);
    }
  });

  it('begins anew with each epoch', () => {
    const silence = new Silence();
    look(silence, 0, { a: 5_000, b: 5_000 });
    expect(look(silence, 1, { a: 30, b: 0 }, 2)).toEqual([]);
    expect(look(silence, 2, { a: 60, b: 0 }, 2)).toEqual(['b']);
  });
});

describe('what happened', () => {
  const told = (before: MonitorSample, now: Partial<MonitorSample>) =>
    happenings(before, calm({ takenAtMillis: 2, ...now })).map(
      ({ level, text }) => `${level} ${text}`,
    );

  it('a validator goes silent, and comes back', () => {
    const silent = [row('a', { isSilent: true }), row('b'), row('c'), row('d')];
    expect(told(calm(), { validators: silent })).toEqual(['warn a has gone silent']);
    expect(told(calm({ validators: silent }), {})).toEqual(['info a is back']);
  });

  it('an alert begins, and is over', () => {
    const alerts = [{ name: 'DiskLow', severity: 'warning', text: '3 %' } as const];
    expect(told(calm(), { alerts })).toEqual(['warn DiskLow: 3 %']);
    expect(told(calm({ alerts }), { alerts })).toEqual([]);
    expect(told(calm({ alerts }), {})).toEqual(['info DiskLow is over']);
  });

  it('the set changes with the epoch', () => {
    const validators = ['b', 'c', 'd', 'e'].map((name) => row(name));
    expect(told(calm(), { epoch: 2, validators })).toEqual([
      'info a left the set',
      'info e joined the set',
      'info epoch 2 began',
    ]);
  });
});
