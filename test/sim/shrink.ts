/**
 * Makes a failing plan small: fewer faults, a shorter run, fewer validators that misbehave, a
 * kinder network, as long as the same promise is broken.
 */

import type { NetworkOptions, Plan } from './plan.ts';
import type { FoundViolation, RunReport } from './run.ts';

/** Runs a plan; how is the caller's business. */
export type Runner = (plan: Plan) => Promise<RunReport>;

export interface Shrunk {
  readonly plan: Plan;
  readonly report: RunReport;
  /** Runs that it took. */
  readonly runs: number;
}

/**
 * Tries smaller plans until none of them fails in the same way, or so many runs are spent.
 *
 * @param failing the plan's own report, with its violation
 */
export async function shrink(
  plan: Plan,
  failing: RunReport,
  runner: Runner,
  maxRuns: number,
  onSmaller: (plan: Plan) => void = () => {},
): Promise<Shrunk> {
  let best: Shrunk = { plan, report: failing, runs: 0 };
  let runs = 0;
  let progress = true;
  while (progress && runs < maxRuns) {
    progress = false;
    for (const candidate of smaller(best.plan, best.report.violation as FoundViolation)) {
      if (runs >= maxRuns) break;
      runs++;
      const report = await runner(candidate);
      if (report.violation?.invariant !== failing.violation?.invariant) continue;
      best = { plan: candidate, report, runs };
      onSmaller(candidate);
      progress = true;
      break;
    }
  }
  return { ...best, runs };
}

/** Plans that have less in them, the boldest first. */
function* smaller(plan: Plan, violation: FoundViolation): Generator<Plan> {
  const seconds = Math.ceil(violation.atMillis / 1_000);
  if (seconds < plan.seconds) yield { ...plan, seconds };
  yield* withFewer(plan.faults, (faults) => ({ ...plan, faults }));
  yield* withFewer(plan.byzantine, (byzantine) => ({ ...plan, byzantine }));
  if (plan.dead.length > 0) yield { ...plan, dead: [] };
  yield* kinderNetworks(plan);
  yield* simplerChains(plan);
  if (plan.load.transactionsPerSecond > 0 || plan.load.burst > 0) {
    yield { ...plan, load: { ...plan.load, transactionsPerSecond: 0, burst: 0 } };
  }
  const { machine, disk } = plan;
  if (machine.clockSkewMillis > 0 || machine.clockDriftMillis > 0) {
    yield { ...plan, machine: { ...machine, clockSkewMillis: 0, clockDriftMillis: 0 } };
  }
  if (disk.syncSigma > 0) yield { ...plan, disk: { ...disk, syncSigma: 0 } };
  for (const seconds of [plan.seconds >> 1, plan.seconds - 1]) {
    if (seconds >= 1 && seconds < plan.seconds) yield { ...plan, seconds };
  }
  yield* withoutLast(plan);
}

/** Without a half, a quarter, … down to one at a time. */
function* withFewer<T>(list: readonly T[], build: (list: readonly T[]) => Plan): Generator<Plan> {
  for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < list.length; at += size) {
      yield build([...list.slice(0, at), ...list.slice(at + size)]);
    }
  }
}

function* kinderNetworks(plan: Plan): Generator<Plan> {
  const quiet: Partial<NetworkOptions>[] = [
    { loss: 0 },
    { duplicate: 0 },
    { replay: 0 },
    { tailChance: 0 },
    { overtaking: false },
    { jitter: 0 },
  ];
  for (const change of quiet) {
    const network = { ...plan.network, ...change };
    if (JSON.stringify(network) !== JSON.stringify(plan.network)) yield { ...plan, network };
  }
}

function* simplerChains(plan: Plan): Generator<Plan> {
  const { chain } = plan;
  if (chain.changeSet) yield { ...plan, chain: { ...chain, changeSet: false } };
  if (chain.epochMillis > 0)
    yield { ...plan, chain: { ...chain, epochMillis: 0, changeSet: false } };
}

/** Without the last validator, when nothing in the plan speaks of it. */
function* withoutLast(plan: Plan): Generator<Plan> {
  const last = plan.stakes.length - 1;
  if (last < 4) return;
  const named = JSON.stringify([plan.faults, plan.byzantine, plan.dead]);
  const mentions = new RegExp(
    `"(?:node|victim|from|to|a|b|validator)":${last}\\b|[[,]${last}[\\],]`,
  );
  if (!mentions.test(named)) yield { ...plan, stakes: plan.stakes.slice(0, last) };
}
