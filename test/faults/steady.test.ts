import { describe, expect, test } from 'vitest';
import { judge, type Minute } from './steady.ts';

const MIB = 2 ** 20;

/** An hour of one node: resident and heap in MiB by minute. */
function hour(resident: (minute: number) => number, heap: (minute: number) => number): Minute[] {
  return Array.from({ length: 61 }, (_, minute) => ({
    minute,
    ...{ payments: minute * 3_000, blocks: minute * 200 },
    nodes: [
      {
        resident: resident(minute) * MIB,
        heap: heap(minute) * MIB,
        ...{ external: 0, cpuSeconds: 0, ledger: 0, journal: 0, logs: 0, other: 0 },
      },
    ],
  }));
}

const flat = () => 40;

describe('an hour of steady load', () => {
  test('may fill the caches', () => {
    expect(judge(hour((minute) => 260 + 50 * Math.min(1, minute / 30), flat))).toEqual([]);
  });

  test('may take much while it starts', () => {
    expect(judge(hour((minute) => (minute < 3 ? 200 : 330), flat))).toEqual([]);
  });

  test('may not grow beyond the caches', () => {
    expect(judge(hour((minute) => 260 + 2 * minute, flat))).toEqual([
      expect.stringContaining('validator 1 grew'),
    ]);
  });

  test('may not grow in the heap', () => {
    const findings = judge(
      hour(
        () => 280,
        (minute) => 40 + minute / 2,
      ),
    );
    expect(findings).toEqual([expect.stringContaining('the heap of validator 1')]);
  });

  test('may leave garbage in the heap for a while', () => {
    expect(
      judge(
        hour(
          () => 280,
          (minute) => 40 + (minute % 7) * (minute > 40 ? 9 : 3),
        ),
      ),
    ).toEqual([]);
  });

  test('is not judged when it was shorter', () => {
    expect(judge(hour((minute) => 100 * minute, flat).slice(0, 20))).toEqual([]);
  });

  test('leaves out minutes in which the node was too busy to answer', () => {
    const heap = (minute: number) => (minute % 2 === 0 && minute < 30 ? 0 : 40);
    expect(judge(hour(() => 280, heap))).toEqual([]);
  });
});
