/** Tests of the tests: a core that breaks a rule is found out. */
import { describe, expect, test } from 'vitest';
import { byArrival, withFewerVotes, withoutGuard, withoutSync } from './mutants.ts';
import { realCore } from './real-core.ts';
import { type RunReport, run } from './run.ts';
import type { CoreFactory } from './simulation.ts';
import { swarmPlan } from './swarm.ts';

const SEEDS = 12;

/** The first broken promise among a few seeds. */
async function firstViolation(makeCore: CoreFactory, nodes: number): Promise<RunReport | null> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const plan = swarmPlan(seed, { nodes, seconds: 8, stakes: 'equal' });
    const report = await run(plan, { makeCore, realCrypto: false });
    if (report.violation !== null) return report;
  }
  return null;
}

describe('the simulator catches a core that', () => {
  test.each([
    ['does not write down what it signed', withoutGuard, 7, /^S5$/],
    ['sends what it signed before it is on disk', withoutSync, 7, /^S5$/],
    ['takes one vote too few for a quorum', withFewerVotes, 4, /^S(0|1|2|9|12)$/],
    ['orders vertices as they arrived', byArrival, 7, /^S1$/],
  ])('%s', async (_name, makeCore, nodes, invariant) => {
    const report = await firstViolation(makeCore, nodes);
    expect(report?.violation?.invariant).toMatch(invariant);
    // The same plan is no trouble for the core as it is.
    const plan = swarmPlan(report?.seed as number, { nodes, seconds: 8, stakes: 'equal' });
    const sound = await run(plan, { makeCore: realCore, realCrypto: false });
    expect(sound.violation).toBeNull();
  });
});
