/**
 * Runs one plan under every checker and reports.
 */

import { DEFAULT_LOCAL_PARAMS } from 'fanal-node/core/params.ts';
import { AgreementChecker } from './checkers/agreement.ts';
import { CausalityChecker } from './checkers/causality.ts';
import { CertificateChecker } from './checkers/certificates.ts';
import { CertifiedChecker } from './checkers/certified.ts';
import { ClockBounds } from './checkers/clock-bounds.ts';
import { Counters } from './checkers/counters.ts';
import { LimitChecker } from './checkers/limits.ts';
import { LIVENESS_DEADLINE_SECONDS, LivenessChecker } from './checkers/liveness.ts';
import { MoneyChecker } from './checkers/money.ts';
import { RecoveryChecker } from './checkers/recovery.ts';
import { SigningChecker } from './checkers/signing.ts';
import { StepTrace } from './checkers/step-trace.ts';
import { taggedHash } from './keys.ts';
import { Violation } from './observer.ts';
import type { Plan } from './plan.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';

export interface FoundViolation {
  /** `S1` to `S15`, `L1` to `L5`; `S0` when a core threw or halted. */
  readonly invariant: string;
  readonly message: string;
  readonly atMillis: number;
}

export interface RunReport {
  readonly seed: number;
  readonly violation: FoundViolation | null;
  /** Stands for everything that happened: equal for equal plans. */
  readonly trace: string;
  readonly virtualSeconds: number;
  /** Of this run's thread: what a busy machine does besides does not count. */
  readonly processorSeconds: number;
  readonly steps: number;
  readonly commits: number;
  readonly blocks: number;
  readonly payments: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly marks: Readonly<Record<string, number>>;
  /** Milliseconds from the healing to each kept promise. */
  readonly kept: Readonly<Record<string, number>>;
}

/** Runs a plan: first with its faults, then healed until every promise is kept. */
export async function run(plan: Plan, options: SimulationOptions): Promise<RunReport> {
  const began = process.threadCpuUsage();
  const simulation = new Simulation(plan, options);
  const checkers = attachCheckers(simulation);
  let violation: FoundViolation | null = null;
  try {
    simulation.start();
    simulation.runUntil(plan.seconds * 1_000_000);
    simulation.heal();
    const deadline = simulation.now() + (LIVENESS_DEADLINE_SECONDS + 1) * 1_000_000;
    simulation.runUntil(deadline, () => checkers.liveness.satisfied());
    for (const observer of simulation.observers) observer.finished?.(simulation.now());
    await checkers.certified.followFromGenesis();
  } catch (error) {
    violation = describe(error, simulation.now() / 1_000);
  }
  const { counters, liveness, agreement, trace } = checkers;
  counters.add('equivocating leader certified', checkers.certificates.equivocatorsCertified);
  counters.add('ledger sync', simulation.ledgerSyncs);
  counters.add('all restarted at once', simulation.blackouts);
  const heights = simulation.machines.map((machine) => Number(machine?.ledger.height ?? 0n));
  return {
    seed: plan.seed,
    violation,
    trace: trace.hash(),
    virtualSeconds: simulation.now() / 1_000_000,
    processorSeconds: secondsSince(began),
    steps: checkers.trace.steps,
    commits: agreement.count(),
    blocks: Math.max(...heights),
    payments: simulation.load.made - simulation.load.pending.size,
    counters: Object.fromEntries(counters.counts),
    marks: Object.fromEntries(counters.marks),
    kept: Object.fromEntries([...liveness.kept].map(([what, at]) => [what, at / 1_000])),
  };
}

function secondsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(began);
  return (user + system) / 1_000_000;
}

function attachCheckers(simulation: Simulation) {
  const { plan } = simulation;
  const clocks = new ClockBounds(simulation, DEFAULT_LOCAL_PARAMS.maxForwardDrift);
  const agreement = new AgreementChecker(taggedHash, clocks);
  const checkers = {
    trace: new StepTrace(simulation),
    clocks,
    agreement,
    signing: new SigningChecker(agreement),
    causality: new CausalityChecker(agreement),
    certificates: new CertificateChecker(),
    certified: new CertifiedChecker(simulation),
    money: new MoneyChecker(simulation),
    limits: new LimitChecker(plan, DEFAULT_LOCAL_PARAMS.maxUncertified),
    recovery: new RecoveryChecker(simulation, agreement),
    liveness: new LivenessChecker(simulation, agreement),
    counters: new Counters(),
  };
  simulation.observers.push(...Object.values(checkers));
  return checkers;
}

function describe(error: unknown, atMillis: number): FoundViolation {
  if (error instanceof Violation) {
    const message = error.message.slice(error.invariant.length + 2);
    return { invariant: error.invariant, message, atMillis };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { invariant: 'S0', message: `something threw: ${text}`, atMillis };
}
