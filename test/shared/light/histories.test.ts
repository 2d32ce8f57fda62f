import { verifyEvidence } from 'fanal/light/evidence.ts';
import { follow } from 'fanal/light/follow.ts';
import { trustedTip, trustStateCodec } from 'fanal/light/trust.ts';
import { updateCodec } from 'fanal/light/update.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type TestChain, testChain } from '../../support/chain.ts';
import { signNatively, verifyNatively } from '../../support/native.ts';

/** One step of a chain's life. */
type Step =
  | { readonly kind: 'block' | 'epoch' }
  | { readonly kind: 'change'; readonly who: number; readonly stake: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'block' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'epoch' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      who: fc.integer({ min: 1, max: 8 }),
      stake: fc.integer({ min: 0, max: 5_000 }),
    }),
  },
);

function live(chain: TestChain, steps: readonly Step[], skew = 0n): TestChain {
  for (const item of steps) {
    const time = chain.tip.time + 500n + skew;
    if (item.kind === 'block') chain.block({ time });
    if (item.kind === 'epoch') chain.endEpoch(chain.set, { time });
    if (item.kind === 'change') {
      const name = `val-00${item.who}`;
      const isLast = chain.set.validators.length === 1 && chain.set.validators[0]?.name === name;
      const stake = BigInt(isLast ? Math.max(item.stake, 1) : item.stake);
      chain.endEpoch(chain.changedSet({ [name]: stake }), { time });
    }
  }
  return chain;
}

const start = () => testChain({ people: ['alice'], sign: signNatively });

it('a client that follows in any jumps ends where one that follows at once does', async () => {
  const cuts = fc.array(fc.nat(30), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), cuts, async (steps, at) => {
      const chain = live(start(), steps);
      const stops = [...at.map((cut) => 1n + (BigInt(cut) % chain.size)), chain.size];
      let state = chain.genesisTrust();
      for (const stop of stops.sort((a, b) => (a < b ? -1 : 1))) {
        const update = updateCodec.encode(chain.update(trustedTip(state).size, stop));
        const options = { now: chain.header(stop - 1n).time + 2_000n, verify: verifyNatively };
        if (stop === 1n) continue;
        const followed = await follow(state, updateCodec.decode(update), options);
        expect(followed.verdict.kind).toBe('fresh');
        state = trustStateCodec.decode(trustStateCodec.encode(followed.state));
      }
      expect(state.header).toEqual(chain.tip);
      expect(state.root).toEqual(chain.root());
      expect(state.validators.hash).toEqual(chain.certifierOf(chain.size).hash);
    }),
    { numRuns: 25 },
  );
});

it('a fork is seen from every size past its beginning, and from none before it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat(20),
      async (common, more, from) => {
        const blocks = (count: number) => new Array<Step>(count).fill({ kind: 'block' });
        const [a, b] = [0n, 1n].map((skew) =>
          live(live(start(), blocks(common)), blocks(more), skew),
        ) as [TestChain, TestChain];
        const size = 2n + (BigInt(from) % (a.size - 1n));
        const options = { now: b.now(), verify: verifyNatively };
        const { verdict, state } = await follow(a.trust(size), b.update(size), options);
        const isPast = size > BigInt(common) + 1n;
        expect(verdict.kind).toBe(isPast ? 'forked' : 'fresh');
        if (verdict.kind !== 'forked') return;
        expect(state).toEqual(a.trust(size));
        const finding = await verifyEvidence(verdict.evidence, verifyNatively, a.genesisTrust());
        expect(3n * finding.guiltyStake > finding.totalStake).toBe(true);
        expect(finding.isAnchored).toBe(true);
      },
    ),
    { numRuns: 25 },
  );
});
