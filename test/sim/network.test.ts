import { describe, expect, it } from 'vitest';
import { Network, type Packet } from './network.ts';
import type { NetworkOptions } from './plan.ts';
import { stream } from './random.ts';

const CALM: NetworkOptions = {
  geography: 'even',
  meanMillis: 10,
  jitter: 0,
  tailChance: 0,
  tailSigma: 0,
  tailMaxMillis: 0,
  loss: 0,
  lossBreaks: true,
  duplicate: 0,
  replay: 0,
  overtaking: false,
  megabitsPerSecond: 8,
  queueBytes: 10_000,
};

function packet(sentAt: number, sizeBytes = 100): Packet<string> {
  return { from: 0, to: 1, message: 'hello', sizeBytes, sentAt };
}

function network(change: Partial<NetworkOptions> = {}): Network<string> {
  return new Network<string>(3, { ...CALM, ...change }, stream(1, 'network'));
}

describe('the simulated network', () => {
  it('takes the way and the time that the bytes need on the wire', () => {
    // 8 Mbit/s is a byte a microsecond.
    expect(network().send(packet(0)).arrivals).toEqual([10_100]);
  });

  it('makes packets of one sender wait for one another', () => {
    const one = network();
    one.send(packet(0, 4_000));
    expect(one.send(packet(0, 4_000)).arrivals).toEqual([18_000]);
  });

  it('loses what no longer fits in the queue of the sender', () => {
    const one = network();
    one.send(packet(0, 8_000));
    expect(one.send(packet(0, 4_000))).toEqual({ arrivals: [], broken: true });
  });

  it('keeps a link in order unless packets may overtake', () => {
    const arrivals = (overtaking: boolean) => {
      const one = network({ overtaking, jitter: 5 });
      return Array.from({ length: 50 }, (_, i) => one.send(packet(i * 200)).arrivals[0] as number);
    };
    const sorted = (list: number[]) => list.toSorted((a, b) => a - b);
    expect(arrivals(false)).toEqual(sorted(arrivals(false)));
    expect(arrivals(true)).not.toEqual(sorted(arrivals(true)));
  });

  it('lets nothing through a cut, and everything after the healing', () => {
    const one = network({ loss: 1 });
    one.cut(0, 1, true);
    expect(one.send(packet(0))).toEqual({ arrivals: [], broken: true });
    one.heal();
    expect(one.send(packet(0)).arrivals).toHaveLength(1);
  });

  it('counts cuts: two overlapping partitions end one after the other', () => {
    const one = network();
    one.cut(0, 1, true);
    one.cut(0, 1, true);
    one.cut(0, 1, false);
    expect(one.isCut(0, 1)).toBe(true);
    one.cut(0, 1, false);
    expect(one.isCut(0, 1)).toBe(false);
  });

  it('drops for good what a scheduler delays for ever', () => {
    const one = network();
    one.schedule(() => Number.POSITIVE_INFINITY);
    expect(one.send(packet(0))).toEqual({ arrivals: [], broken: false });
  });
});
