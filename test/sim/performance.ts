/**
 * `--profile wan` and `--profile hops`: how fast the protocol is when the network is only far, and
 * Bullshark beside it on the same network, processors and bandwidth.
 */
import { runBullshark } from './bullshark/run.ts';
import { DelayMeter } from './delay-meter.ts';
import type { Options } from './options.ts';
import type { NetworkOptions, Plan } from './plan.ts';
import { coresOfOneTable } from './real-core.ts';
import { millisOf, NOT_MEASURED, type Spread, spreadOf } from './samples.ts';
import { Simulation } from './simulation.ts';

/** Processor time of one Ed25519 check, as the platform does it on one core. */
const CHECK_MICROS = 62;
const MEGABITS_PER_SECOND = 1_000;
/** One way on every link when delays are counted in messages. */
export const HOP_MILLIS = 100;
/** Commits between two changes of the leader schedule where crashed leaders are to be passed over. */
const SHORT_INTERVAL = 10;
/** How much longer a run is that has to see that happen. */
const WARMING = 6;

/** Who fails in a measured case. Warm: after the leader schedule has passed them over. */
export type Trouble = 'none' | 'a third crashed' | 'a third crashed, warm' | 'a third never votes';

export interface MeasuredCase {
  readonly system: 'fanal' | 'bullshark';
  readonly nodes: number;
  readonly trouble: Trouble;
  readonly leader: Spread;
  readonly vertex: Spread;
  readonly transaction: Spread;
  readonly certified: Spread;
  readonly first: Spread;
  readonly commits: number;
  readonly virtualSeconds: number;
  readonly wallSeconds: number;
}

type Setting = Pick<Options, 'nodes' | 'seconds' | 'firstSeed' | 'profile'>;

/** Measures every case that the options ask for, one after the other. */
export function* measureDelays(options: Setting): Generator<MeasuredCase> {
  const troubles =
    options.profile === 'hops'
      ? (['none'] as const)
      : (['none', 'a third crashed', 'a third never votes'] as const);
  for (const trouble of troubles) {
    yield* measureFanal(options, trouble);
    yield measureBullshark(options, trouble);
  }
}

export function measureFanal(
  options: Setting,
  trouble: Exclude<Trouble, 'a third crashed, warm'>,
): MeasuredCase[] {
  const began = performance.now();
  const plan = performancePlan(options, trouble);
  const simulation = new Simulation(plan, { makeCore: coresOfOneTable(), realCrypto: false });
  const isWarmed = trouble === 'a third crashed';
  const { scheduleInterval } = plan.chain;
  const cold = new DelayMeter(simulation, { to: isWarmed ? scheduleInterval : undefined });
  const warm = new DelayMeter(simulation, { from: scheduleInterval, to: 3 * scheduleInterval });
  simulation.observers.push(cold, ...(isWarmed ? [warm] : []));
  simulation.start();
  const seconds = isWarmed ? WARMING * options.seconds : options.seconds;
  simulation.runUntil(seconds * 1_000_000, () => isWarmed && warm.done());
  const caseOf = (name: Trouble, { delays, commits }: DelayMeter): MeasuredCase => ({
    system: 'fanal',
    nodes: options.nodes,
    trouble: name,
    leader: spreadOf(delays.leader),
    vertex: spreadOf(delays.vertex),
    transaction: spreadOf(delays.transaction),
    certified: spreadOf(delays.certified),
    first: spreadOf(delays.first),
    commits,
    virtualSeconds: simulation.now() / 1_000_000,
    wallSeconds: (performance.now() - began) / 1_000,
  });
  return isWarmed
    ? [caseOf(trouble, cold), caseOf('a third crashed, warm', warm)]
    : [caseOf(trouble, cold)];
}

export function measureBullshark(options: Setting, trouble: Trouble): MeasuredCase {
  const began = performance.now();
  const third = lastThird(options.nodes);
  const report = runBullshark({
    seed: options.firstSeed,
    validators: options.nodes,
    crashed: trouble === 'a third crashed' ? third : [],
    nonVoters: trouble === 'a third never votes' ? third : [],
    network: networkOf(options.profile),
    checkMicros: options.profile === 'hops' ? 0 : CHECK_MICROS,
    payloadBytes: 0,
    leaderTimeoutMillis: 1_000,
    minRoundDelayMillis: 50,
    maxSeconds: options.nodes >= 500 ? 240 : 2 * options.seconds,
    commits: options.nodes >= 500 ? 1 : Number.POSITIVE_INFINITY,
  });
  return {
    system: 'bullshark',
    nodes: options.nodes,
    trouble,
    leader: spreadOf(report.leader),
    vertex: spreadOf(report.anyVertex),
    transaction: NOT_MEASURED,
    certified: NOT_MEASURED,
    first: { p50: millisOf(report.firstCommit), p99: null },
    commits: report.commits,
    virtualSeconds: report.virtualMicros / 1_000_000,
    wallSeconds: (performance.now() - began) / 1_000,
  };
}

/** The last third: every region has its share of them, since regions go round. */
function lastThird(nodes: number): number[] {
  const faulty = Math.floor((nodes - 1) / 3);
  return Array.from({ length: faulty }, (_, i) => nodes - 1 - i);
}

function networkOf(profile: Options['profile']): NetworkOptions {
  return {
    geography: profile === 'hops' ? 'even' : 'measured',
    meanMillis: HOP_MILLIS,
    jitter: profile === 'hops' ? 0 : 0.1,
    tailChance: 0,
    tailSigma: 0,
    tailMaxMillis: 0,
    loss: 0,
    lossBreaks: true,
    duplicate: 0,
    replay: 0,
    overtaking: false,
    megabitsPerSecond: profile === 'hops' ? 1_000_000 : MEGABITS_PER_SECOND,
    queueBytes: Number.MAX_SAFE_INTEGER,
  };
}

/** Nothing fails but what the case says: only distance, processors and bandwidth. */
function performancePlan(options: Setting, trouble: Trouble): Plan {
  const { nodes, profile } = options;
  const third = lastThird(nodes);
  const hops = profile === 'hops';
  return {
    seed: options.firstSeed,
    profile,
    stakes: Array.from({ length: nodes }, () => 1_000),
    seconds: options.seconds,
    network: networkOf(profile),
    disk: { syncMillis: hops ? 0 : 2, syncSigma: 0, blocking: false, keepUnsynced: 0 },
    machine: {
      checkMicros: hops ? 0 : CHECK_MICROS,
      executeMillis: hops ? 0 : 5,
      clockSkewMillis: hops ? 0 : 20,
      clockDriftMillis: 0,
    },
    load: {
      transactionsPerSecond: 200,
      conflicting: 0,
      duplicated: 0,
      burst: 0,
      sizeBytes: 120,
    },
    chain: {
      gcDepth: 60,
      scheduleInterval: trouble === 'a third crashed' ? SHORT_INTERVAL : 100,
      badStakePercent: 20,
      leaderTimeoutMillis: 300,
      minRoundDelayMillis: 50,
      blockIntervalMillis: 1,
      heartbeatMillis: 5_000,
      epochMillis: 0,
      changeSet: false,
      maxVertexTransactions: 1_000,
      maxVertexBytes: 262_144,
      slimLeastBytes: 512,
    },
    byzantine:
      trouble === 'a third never votes'
        ? third.map((validator) => ({ validator, kind: 'neverVote' as const }))
        : [],
    faults: [],
    dead: [],
    absent: trouble === 'a third crashed' ? third : [],
  };
}
