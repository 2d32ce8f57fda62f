import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './queue.ts';

describe('the event queue', () => {
  it('hands out events by time, equal times in the order they came', () => {
    const times = fc.array(fc.integer({ min: 0, max: 20_000_000 }), { maxLength: 300 });
    fc.assert(
      fc.property(times, (all) => {
        const queue = new EventQueue<number>();
        for (const [i, at] of all.entries()) queue.push(at, i);
        const expected = all
          .map((at, i) => ({ at, i }))
          .sort((a, b) => a.at - b.at || a.i - b.i)
          .map(({ i }) => i);
        const taken: number[] = [];
        for (let next = queue.pop(); next !== undefined; next = queue.pop()) taken.push(next);
        expect(taken).toEqual(expected);
      }),
    );
  });

  it('keeps the order when events are added while others are taken', () => {
    const gaps = fc.array(fc.tuple(fc.integer({ min: 0, max: 6_000_000 }), fc.boolean()), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(gaps, (all) => {
        const queue = new EventQueue<{ at: number; order: number }>();
        const waiting: { at: number; order: number }[] = [];
        for (const [order, [gap, take]] of all.entries()) {
          const event = { at: queue.now + gap, order };
          queue.push(event.at, event);
          waiting.push(event);
          waiting.sort((a, b) => a.at - b.at || a.order - b.order);
          if (!take) continue;
          expect(queue.nextAt()).toBe(waiting[0]?.at);
          expect(queue.pop()).toBe(waiting.shift());
        }
        expect(queue.size).toBe(waiting.length);
      }),
    );
  });

  it('takes an event of the past for one of now', () => {
    const queue = new EventQueue<string>();
    queue.push(5_000, 'first');
    queue.pop();
    queue.push(10, 'late');
    expect(queue.nextAt()).toBe(5_000);
  });
});
