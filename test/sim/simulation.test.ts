/** The simulator as its user sees it: seeds pass, replay, and shrink. */
import { describe, expect, test } from 'vitest';
import { calmPlan } from './calm-plan.ts';
import { byArrival } from './mutants.ts';
import { realCore } from './real-core.ts';
import { run } from './run.ts';
import { shrink } from './shrink.ts';
import { Simulation } from './simulation.ts';
import { swarmPlan } from './swarm.ts';

const real = { makeCore: realCore, realCrypto: false };
const swarm = (seed: number, seconds: number) =>
  swarmPlan(seed, { nodes: 7, seconds, stakes: 'equal' });

describe('a seed', () => {
  test.each([1, 2, 3, 4, 5, 6])('keeps every promise through its faults: %i', async (seed) => {
    const report = await run(swarm(seed, 10), real);
    expect(report.violation).toBeNull();
    expect(report.commits).toBeGreaterThan(0);
    expect(Object.keys(report.kept).sort()).toEqual(['L1', 'L2', 'L3', 'L4', 'L5']);
  });

  test('replays bit for bit, and another one is another run', async () => {
    const [first, again, other] = [
      await run(swarm(11, 5), real),
      await run(swarm(11, 5), real),
      await run(swarm(12, 5), real),
    ];
    expect({ ...again, processorSeconds: 0 }).toEqual({ ...first, processorSeconds: 0 });
    expect(other.trace).not.toBe(first.trace);
  });

  test('goes the same way with real signatures', async () => {
    const report = await run(calmPlan({ seconds: 2 }), { ...real, realCrypto: true });
    expect(report.violation).toBeNull();
  });

  test('that fails is made small, and the small plan still fails', async () => {
    const broken = { makeCore: byArrival, realCrypto: false };
    const plan = swarm(4, 10);
    const failing = await run(plan, broken);
    expect(failing.violation?.invariant).toBe('S1');
    const small = await shrink(plan, failing, (smaller) => run(smaller, broken), 60);
    expect(small.report.violation?.invariant).toBe('S1');
    expect(small.plan.seconds).toBeLessThan(plan.seconds);
    expect(small.plan.faults).toEqual([]);
    expect((await run(small.plan, broken)).trace).toBe(small.report.trace);
  });
});

describe('with no fault', () => {
  test('leaders are committed directly, and nobody waits in vain', async () => {
    const { violation, marks } = await run(calmPlan({ seconds: 8 }), real);
    expect(violation).toBeNull();
    const { directCommit = 0, indirectCommit = 0, directSkip = 0, indirectSkip = 0 } = marks;
    const all = directCommit + indirectCommit + directSkip + indirectSkip;
    expect(directCommit / all).toBeGreaterThan(0.99);
    expect(marks).not.toHaveProperty('leaderTimeout');
    expect(marks).not.toHaveProperty('voteTimeout');
  });
});

describe('with slim vertices', () => {
  test('a validator that lies about its own slows nobody down who can ask others', async () => {
    const chain = { slimLeastBytes: 0 };
    const byzantine = [{ validator: 6, kind: 'lieInSlim' as const }];
    const quiet = await run(calmPlan({ seconds: 8, chain }), real);
    const lying = await run(calmPlan({ seconds: 8, chain, byzantine }), real);
    expect(lying.violation).toBeNull();
    expect(lying.commits).toBeGreaterThan(0.7 * quiet.commits);
  });
});

describe('the schedule that stalls unrestricted round jumping', () => {
  test('does not stop the real core: it commits while the schedule lasts', () => {
    const seconds = 30;
    const plan = calmPlan({
      seconds,
      byzantine: [
        { validator: 5, kind: 'neverVote' },
        { validator: 6, kind: 'neverVote' },
      ],
    });
    const simulation = new Simulation(plan, real);
    // Before an odd round its leader hears of nothing, until the others have made that round.
    simulation.network.schedule(({ to, message }) => {
      if (message.kind !== 'message' || message.message.kind !== 'vertices') return 0;
      const round = message.message.vertices.at(-1)?.ref.round ?? 0;
      if (round % 2 === 1) return 0;
      return simulation.oracle.leadingValidator(round + 1) === to ? 400_000 : 0;
    });
    simulation.start();
    const commits: bigint[] = [];
    for (let second = 10; second <= seconds; second += 10) {
      simulation.runUntil(second * 1_000_000);
      commits.push(simulation.running()[0]?.status().commit.index ?? 0n);
    }
    const [first, second, third] = commits as [bigint, bigint, bigint];
    expect(second).toBeGreaterThan(first + 5n);
    expect(third).toBeGreaterThan(second + 5n);
  });
});
