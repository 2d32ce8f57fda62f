/** Rule Y2: what a peer may ask for again, and how often. */
import { Replays } from 'fanal-node/core/replays.ts';
import { describe, expect, it } from 'vitest';

describe('a peer that asks for own vertices', () => {
  it('gets all above its round the first time', () => {
    expect(new Replays(4).asked(2, 5, 40, 0)).toBe(5);
  });

  it('gets nothing within a second, and then what it asked for meanwhile', () => {
    const replays = new Replays(4);
    replays.asked(2, 5, 40, 0);
    expect(replays.asked(2, 7, 41, 999)).toBeNull();
    expect(replays.asked(2, 3, 41, 999)).toBeNull();
    expect([...replays.due(42, 999)]).toEqual([]);
    expect([...replays.due(42, 1_000)]).toEqual([{ peer: 2, above: 40 }]);
    expect([...replays.due(42, 5_000)]).toEqual([]);
  });

  it('gets the newest in any case', () => {
    const replays = new Replays(4);
    replays.asked(2, 5, 40, 0);
    expect(replays.asked(2, 5, 40, 2_000)).toBe(39);
  });

  it('gets all again after ten seconds', () => {
    const replays = new Replays(4);
    replays.asked(2, 5, 40, 0);
    expect(replays.asked(2, 5, 60, 10_000)).toBe(5);
  });

  it('gets all again after ten seconds, though it asks every second', () => {
    const replays = new Replays(4);
    const rounds = Array.from({ length: 11 }, (_, second) =>
      replays.asked(2, 5, 40, second * 1_000),
    );
    expect(rounds).toEqual([5, ...Array(9).fill(39), 5]);
  });

  it('does not count against another', () => {
    const replays = new Replays(4);
    replays.asked(2, 0, 40, 0);
    expect(replays.asked(3, 0, 40, 1)).toBe(0);
  });

  it('that lost its memory is answered twice a second at most', () => {
    const replays = new Replays(4);
    expect([0, 100, 499, 500].map((now) => replays.mayReport(1, now))).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });
});
