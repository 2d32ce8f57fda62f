/**
 * Troubles that the simulator found once, each cut down to what it takes.
 */
import { describe, expect, test } from 'vitest';
import { calmPlan } from './calm-plan.ts';
import type { Fault } from './plan.ts';
import { realCore } from './real-core.ts';
import { type RunReport, run } from './run.ts';
import { swarmPlan } from './swarm.ts';

const simulate = (plan: ReturnType<typeof calmPlan>): Promise<RunReport> =>
  run(plan, { makeCore: realCore, realCrypto: false });

const everybody = [0, 1, 2, 3, 4, 5, 6];

describe('what went wrong once goes right', () => {
  test('chains that two validators show to a third of the others are fetched link by link in one go', async () => {
    const report = await simulate(
      calmPlan({
        byzantine: [
          { validator: 5, kind: 'withholdFromMost' },
          { validator: 6, kind: 'withholdFromMost' },
        ],
        faults: [3, 4].map(
          (to): Fault => ({ kind: 'filter', message: 'sync', to, at: 500, until: 10_000 }),
        ),
      }),
    );
    expect(report.violation).toBeNull();
    expect(report.kept.L1).toBeLessThan(5_000);
  });

  test('validators that all restart between the end of an epoch and its certificate start the next', async () => {
    const report = await simulate(
      calmPlan({
        seconds: 8,
        // The last block takes so long that its cosignatures find no way out any more.
        machine: { checkMicros: 0, executeMillis: 500, clockSkewMillis: 5, clockDriftMillis: 0 },
        chain: { epochMillis: 4_000, blockIntervalMillis: 2_000 },
        faults: [
          ...everybody.map(
            (to): Fault => ({
              kind: 'filter',
              message: 'cosignature',
              to,
              at: 3_000,
              until: 8_000,
            }),
          ),
          ...everybody.map(
            (to): Fault => ({ kind: 'filter', message: 'vertex', to, at: 4_600, until: 8_000 }),
          ),
          { kind: 'crashAll', at: 7_000, downMillis: 100 },
        ],
      }),
    );
    expect(report.violation).toBeNull();
  });

  test('a validator that executed wrongly finds all it needs to execute again from the last certified block', async () => {
    const report = await simulate(
      calmPlan({
        seconds: 3,
        stakes: [1_000, 1_000, 1_000, 1_000],
        network: { meanMillis: 5 },
        chain: { gcDepth: 8, minRoundDelayMillis: 20 },
        faults: [{ kind: 'wrongExecution', at: 1_000, node: 0 }],
      }),
    );
    expect(report.violation).toBeNull();
    expect(report.counters['divergence alarm']).toBe(1);
  });

  test('vertices that two validators show to one other each are fetched as soon as one builds on them', async () => {
    const report = await simulate(
      calmPlan({
        byzantine: [
          { validator: 5, kind: 'voteThenHide' },
          { validator: 6, kind: 'voteThenHide' },
        ],
      }),
    );
    expect(report.violation).toBeNull();
    expect(report.commits).toBeGreaterThan(8);
  });

  test('two that cosign anything do not keep the others from certifying', async () => {
    const report = await simulate(
      calmPlan({
        seconds: 4,
        byzantine: [
          { validator: 5, kind: 'badCosign' },
          { validator: 6, kind: 'badCosign' },
        ],
      }),
    );
    expect(report.violation).toBeNull();
    expect(report.kept.L5).toBeLessThan(1_000);
  });

  test('a validator that is cut off while its epoch ends, and sits out the next one, finds the one after', async () => {
    const report = await simulate(swarmPlan(2, { nodes: 4, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('an own vertex that comes when the amnesia is over is built on, as after a restart', async () => {
    const report = await simulate(swarmPlan(121, { nodes: 7, seconds: 60, stakes: 'unequal' }));
    expect(report.violation).toBeNull();
  });

  test('a flood of questions on slow links holds nobody else up', async () => {
    const report = await simulate(
      calmPlan({
        network: { megabitsPerSecond: 10 },
        load: { transactionsPerSecond: 60, sizeBytes: 2_000 },
        byzantine: [{ validator: 6, kind: 'flood' }],
        seconds: 6,
      }),
    );
    expect(report.violation).toBeNull();
    expect(report.commits).toBeGreaterThan(20);
  });

  test('a wrong execution is noticed when the certificate was there first, and starts no epoch', async () => {
    const report = await simulate(swarmPlan(80, { nodes: 4, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('vertices that a slow disk holds back across two collections are sent in the turn they were signed in', async () => {
    const report = await simulate(swarmPlan(197, { nodes: 7, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('a validator whose ledger is still writing the last certificate of an epoch is not compared with its disk', async () => {
    const report = await simulate(swarmPlan(435, { nodes: 7, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('vertices that wait for the time which a fast clock gave them hold back no promise', async () => {
    const report = await simulate(swarmPlan(334, { nodes: 7, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('whoever is far behind gets commits over a link whose queue is smaller than they are', async () => {
    const report = await simulate(swarmPlan(187, { nodes: 7, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('validators that come back before the others can answer them ask again', async () => {
    const report = await simulate(swarmPlan(7, { nodes: 4, seconds: 30, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('vertices that came too early to be looked at are asked for when their time has come', async () => {
    const report = await simulate(swarmPlan(88, { nodes: 7, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('whoever is far behind catches up by commits though the faulty vote for none', async () => {
    const report = await simulate(swarmPlan(204, { nodes: 4, seconds: 30, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('a validator that executed wrongly halts once the others have gone on without it', async () => {
    const report = await simulate(swarmPlan(106, { nodes: 7, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('a validator a few commits behind others, whose rounds are too far ahead of its own, fetches commits', async () => {
    const report = await simulate(swarmPlan(804, { nodes: 7, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('commits that were decided at once, so that only the last has votes, are fetched together', async () => {
    const report = await simulate(swarmPlan(938, { nodes: 7, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('a cosignature that leaves with its vertex after a restart was made in its turn', async () => {
    const report = await simulate(swarmPlan(910, { nodes: 7, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });

  test('a validator far behind is not flooded with the full form of vertices that came to it slim', async () => {
    const report = await simulate(swarmPlan(532, { nodes: 7, seconds: 60, stakes: 'equal' }));
    expect(report.violation).toBeNull();
  });
});
