import { describe, expect, it } from 'vitest';
import { drawFrame, FIRST_VIEW, sortRows } from '../../../node/monitor/frame.ts';
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
  commitIndex: 19_012n,
  round: 19_022,
  commitMillis: { p50: 412, p95: 690, p99: 1100 },
  leaders: { direct: 0.989, skipped: 8 },
  cosignedStake: 0.91,
  missing: ['val-17', 'val-62', 'val-88'],
  transactionsPerSecond: 842,
  bytesPerSecond: 200_000,
  blockBytes: 105_000,
  mempool: { transactions: 3120, bytes: 4_300_000, limitBytes: 33_554_432 },
  validators: Array.from({ length: 100 }, (_, index) => row(index + 1)),
  peers: 99,
  loopP99Millis: 12,
  heapBytes: 536_870_912,
  heapLimitBytes: 2_147_483_648,
  diskFree: 0.71,
  clockSkewMillis: 3,
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
        commitMillis: null,
        cosignedStake: null,
        validators: [],
        missing: [],
      }),
    );
    expect(frame).toContain('✕ unreachable');
    expect(frame).toContain('NODE   connection refused');
    expect(frame).toContain('p50 –');
  });
});

describe('the leaderboard', () => {
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

  it('draws the highest value at the top and zero at the bottom', () => {
    expect(graph([0, 10], 1, 1)).toEqual([String.fromCharCode(0x2800 + 0x40 + 0x08)]);
  });
});
