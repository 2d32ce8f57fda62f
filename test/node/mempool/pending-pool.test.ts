import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MEMPOOL_LIMITS } from '../../../node/runtime/mempool-limits.ts';
import { type Candidate, PendingPool } from '../../../node/runtime/pending-pool.ts';

const LIMITS = { ...MEMPOOL_LIMITS, maxBytes: 2_000, maxTransactions: 20, maxChain: 4 };

type Step =
  | { kind: 'add'; coin: number; parent: number; fee: number; size: number; owner: number }
  | { kind: 'include' | 'drop'; which: number }
  | { kind: 'select'; bytes: number; count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      coin: fc.nat(40),
      parent: fc.nat(60),
      fee: fc.integer({ min: 1, max: 1_000 }),
      size: fc.integer({ min: 10, max: 300 }),
      owner: fc.nat(5),
    }),
  },
  fc.record({ kind: fc.constantFrom('include' as const, 'drop' as const), which: fc.nat(60) }),
  fc.record({
    kind: fc.constant('select' as const),
    bytes: fc.integer({ min: 0, max: 2_000 }),
    count: fc.nat(20),
  }),
);

function candidate(name: string, { coin, parent, fee, size, owner }: Step & { kind: 'add' }) {
  const made: Candidate = {
    txid: new Uint8Array(32) as Bytes32,
    bytes: new Uint8Array(size),
    feeUnits: BigInt(fee),
    expiry: 1_000n,
    name,
    coins: [`coin ${coin}`],
    owners: [`owner ${owner}`],
    parents: [`tx ${parent}`],
    source: 'peer',
    rank: 0,
  };
  return made;
}

describe('the pool', () => {
  test('keeps its books, its limits and its order, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(step, { size: 'max', maxLength: 80 }), (steps) => {
        const pool = new PendingPool(LIMITS);
        const waiting = new Map<string, Candidate>();
        steps.forEach((next, i) => {
          const name = `tx ${i}`;
          if (next.kind === 'add') {
            const added = candidate(name, next);
            const result = pool.add(added, i);
            if (result.kind === 'refused') return;
            for (const evicted of result.evicted) waiting.delete(evicted.name);
            waiting.set(name, added);
          } else if (next.kind !== 'select') {
            const which = `tx ${next.which}`;
            const gone = next.kind === 'drop' ? pool.drop(which) : [pool.include(which)];
            for (const each of gone) if (each !== undefined) waiting.delete(each.name);
          } else {
            const picked = pool.select(next.bytes, next.count, i);
            expect(picked.length).toBeLessThanOrEqual(next.count);
            const bytes = picked.reduce((sum, each) => sum + each.bytes.length, 0);
            expect(bytes).toBeLessThanOrEqual(next.bytes);
            picked.forEach((each, place) => {
              const later = picked.slice(place).map((other) => other.name);
              for (const parent of each.waitsFor) expect(later).not.toContain(parent);
            });
          }
        });
        const all = [...waiting.values()];
        expect(pool.count).toBe(all.length);
        expect(pool.bytes).toBe(all.reduce((sum, { bytes }) => sum + bytes.length, 0));
        expect(pool.bytes).toBeLessThanOrEqual(LIMITS.maxBytes);
        expect(pool.count).toBeLessThanOrEqual(LIMITS.maxTransactions);
        for (const { name, coins } of all) {
          expect(coins.map((coin) => pool.spender(coin)?.name)).toEqual([name]);
          for (const parent of pool.get(name)?.waitsFor ?? []) {
            expect(waiting.has(parent)).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
