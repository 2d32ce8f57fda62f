import { describe, expect, it } from 'vitest';
import { alarms } from '../../../node/monitor/alarms.ts';
import { drawFrame } from '../../../node/monitor/frame.ts';
import { FIRST_VIEW, sortRows } from '../../../node/monitor/leaderboard.ts';
import type { MonitorSample, ValidatorRow } from '../../../node/monitor/sample.ts';
import { frameText, LatencyHistory, press } from '../../../node/monitor/terminal.ts';
import { fit, graph, paint, span, widthOf } from '../../../node/monitor/text.ts';

const row = (rank: number, more: Partial<ValidatorRow> = {}): ValidatorRow => ({
  rank,
  name: `val-${String(rank).padStart(2, '0')}`,
  stakeShare: 0.01,
  cosigned: 1,
  accuracy: 1,
  rounds: 19_022 - rank,
  rewards: 41.2,
  latencyMillis: 300 + rank,
  version: '1.2.0',
  isSilent: false,
  isAsked: false,
  ...more,
});

const sample = (more: Partial<MonitorSample> = {}): MonitorSample => ({
  takenAtMillis: 0,
  network: 'testnet-7',
  version: 'v1.2.0',
  health: 'healthy',
  reason: null,
  epoch: 41,
  height: 184_203n,
  certifiedHeight: 184_203n,
  headAgeSeconds: 0.6,
  checkpointAgeSeconds: 0.6,
  commitAgeSeconds: 0.4,
  commitIndex: 19_012,
  round: 19_022,
  commitMillis: { p50: 412, p95: 690, p99: 1100, last: 400 },
  leaders: { direct: 0.989, skipped: 8 },
  cosignedStake: 0.91,
  liveStake: 0.97,
  missing: ['val-17', 'val-62', 'val-88'],
  throughput: { transactionsPerSecond: 842, bytesPerSecond: 200_000, blockBytes: 105_000 },
  mempool: { transactions: 3120, bytes: 4_300_000, limitBytes: 33_554_432 },
  validators: Array.from({ length: 100 }, (_, index) => row(index + 1)),
  peers: { inbound: 50, outbound: 49 },
  loopP99Millis: 12,
  heap: { bytes: 536_870_912, limitBytes: 2_147_483_648 },
  diskFree: 0.71,
  clockSkewMillis: 3,
  errorRate: 0,
  alerts: [{ name: 'ValidatorMissing', severity: 'warning', text: 'val-17, val-62, val-88' }],
  events: [{ atMillis: 50_531_000, level: 'warn', text: 'val-17 missed 12 checkpoints in a row' }],
  ...more,
});

const text = (from: MonitorSample, view = FIRST_VIEW, columns = 80, rows = 24) =>
  frameText(from, new LatencyHistory(), view, { columns, rows }, false);

describe('the monitor', () => {
  it.each([
    [80, 24],
    [120, 36],
    [200, 60],
  ])('fills a terminal of %i columns and %i rows exactly', (columns, rows) => {
    const lines = drawFrame(sample(), [1, 2, 3], FIRST_VIEW, { columns, rows });
    expect(lines.length).toBe(rows);
    for (const line of lines) expect(widthOf(line)).toBe(columns);
  });

  it('shows what an operator looks for first', () => {
    const frame = text(sample());
    for (const part of ['testnet-7', '● healthy', 'height 184,203', '91.0 %', 'val-17', '842 tx/s'])
      expect(frame).toContain(part);
  });

  it.each([
    [80, 24],
    [120, 36],
  ])('cuts nothing off at %i × %i, however large the figures', (columns, rows) => {
    const large = sample({
      network: 'a-twelve-net',
      height: 999_999_999n,
      certifiedHeight: 999_999_999n,
      commitIndex: 99_999,
      round: 99_999,
      commitMillis: { p50: 987, p95: 999, p99: 16_000, last: 987 },
      throughput: { transactionsPerSecond: 3_999, bytesPerSecond: 999_000, blockBytes: 999_000 },
      mempool: { transactions: 99_999, bytes: 32 * 2 ** 20, limitBytes: 32 * 2 ** 20 },
      peers: { inbound: 150, outbound: 150 },
      loopP99Millis: 999,
      heap: { bytes: 999 * 2 ** 20, limitBytes: 2 ** 30 },
      diskFree: 1,
      clockSkewMillis: -12_345,
      alerts: [],
    });
    expect(text(large, FIRST_VIEW, columns, rows)).not.toMatch(/…(?! \d+ more)/);
  });

  it('shows sixty samples of latency and more, with their number and the highest', () => {
    const history = new LatencyHistory();
    for (let i = 0; i < 200; i++) {
      const last = i === 150 ? 1_234 : 300;
      history.add(sample({ commitMillis: { p50: 1, p95: 1, p99: 1, last } }));
    }
    const narrow = frameText(sample(), history, FIRST_VIEW, { columns: 80, rows: 24 }, false);
    expect(narrow).toMatch(/ 1\.2 s\s/);
    expect(Number(/last (\d+)/.exec(narrow)?.[1])).toBeGreaterThanOrEqual(60);
    const wide = frameText(sample(), history, FIRST_VIEW, { columns: 120, rows: 36 }, false);
    expect(Number(/last (\d+)/.exec(wide)?.[1])).toBeGreaterThanOrEqual(100);
  });

  it('does not count on stake whose validators have gone silent since the last checkpoint', () => {
    expect(text(sample({ cosignedStake: 1, liveStake: 0.5 }))).toContain('NO QUORUM');
  });

  it('says in words, not in colour alone, that the quorum is lost', () => {
    expect(text(sample({ cosignedStake: 0.66 }))).toContain('NO QUORUM');
    expect(text(sample({ cosignedStake: 0.67 }))).not.toContain('NO QUORUM');
  });

  it('marks a validator that cosigned another root', () => {
    const validators = [row(1), row(2, { accuracy: 0.99 })];
    const line = text(sample({ validators }))
      .split('\n')
      .find((each) => each.includes('val-02'));
    expect(line?.startsWith('!')).toBe(true);
  });

  it('writes no control character without colour', () => {
    expect(text(sample())).not.toContain('\x1b');
  });

  it('shows an unreachable node as such, without inventing numbers', () => {
    const frame = text(
      sample({
        health: 'unreachable',
        reason: 'connection refused',
        alerts: alarms(sample({ health: 'unreachable', reason: 'connection refused' })),
        commitMillis: null,
        cosignedStake: null,
        liveStake: null,
        validators: [],
        missing: [],
      }),
    );
    expect(frame).toContain('✕ unreachable');
    expect(frame).toContain('NodeDown: the node does not answer: connection refused');
    expect(frame).toContain('p50 –');
  });
});

describe('the leaderboard', () => {
  it('marks a silent validator, and puts it first among those that miss', () => {
    const validators = [row(1), row(2, { isSilent: true }), row(3, { cosigned: 0.9 })];
    expect(sortRows(validators, 'missed').map(({ rank }) => rank)).toEqual([2, 3, 1]);
    expect(text(sample({ validators }))).toMatch(/^x {3}2 {2}val-02 .* silent /m);
  });

  it('puts who misses most first when asked', () => {
    const rows = [row(1), row(2, { cosigned: 0.5 }), row(3, { cosigned: 0.9 })];
    expect(sortRows(rows, 'missed').map(({ rank }) => rank)).toEqual([2, 3, 1]);
  });

  it('scrolls no further than its end', () => {
    const frame = text(sample(), { ...FIRST_VIEW, scroll: 1000 });
    expect(frame).toContain('val-100');
  });

  it('filters by name and says so', () => {
    const frame = text(sample(), { ...FIRST_VIEW, filter: 'val-42' });
    expect(frame).toContain('filter: val-42');
    expect(frame).toContain('val-42 ');
    expect(frame).not.toContain('val-43');
  });
});

describe('keys', () => {
  it('q and Ctrl-C quit, p pauses, s turns to the next order', () => {
    expect(press(FIRST_VIEW, { name: 'q' })).toBeNull();
    expect(press(FIRST_VIEW, { name: 'c', ctrl: true })).toBeNull();
    expect(press(FIRST_VIEW, { name: 'p' })?.paused).toBe(true);
    expect(press(FIRST_VIEW, { name: 's' })?.sort).toBe('stake');
  });
});

describe('text', () => {
  it('cuts a line that is too long and says so with an ellipsis', () => {
    expect(paint(fit([span('abcdef')], 4), false)).toBe('abc…');
  });

  it('fills the graph up to each value, and shows zero as a dot', () => {
    expect(graph([0, 10], 1, 1)).toEqual([String.fromCharCode(0x2800 + 0x40 + 0xb8)]);
    expect(graph([10, 5], 1, 2)).toEqual(['⣇', '⣿']);
  });
});
