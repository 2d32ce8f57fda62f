/**
 * `--profile wan` and `--profile hops`: how fast the protocol is when the network is only far, and
 * Bullshark beside it on the same network, processors and bandwidth.
 */
import { runBullshark } from './bullshark/run.ts';
import { DelayMeter, type Delays } from './delay-meter.ts';
import type { Options } from './options.ts';
import type { NetworkOptions, Plan } from './plan.ts';
import { realCore } from './real-core.ts';
import { millisText, percentilesText } from './samples.ts';
import { type CoreFactory, Simulation } from './simulation.ts';

/** Processor time of one Ed25519 check, as the platform does it on one core. */
const CHECK_MICROS = 62;
const MEGABITS_PER_SECOND = 1_000;
/** One way on every link when delays are counted in messages. */
const HOP_MILLIS = 100;

/** Who fails in a measured case. */
export type Trouble = 'none' | 'a third crashed' | 'a third never votes';

export interface MeasuredCase {
  readonly system: 'fanal' | 'bullshark';
  readonly nodes: number;
  readonly trouble: Trouble;
  /** `p50/p99` in milliseconds. */
  readonly leader: string;
  readonly vertex: string;
  readonly transaction: string;
  readonly certified: string;
  readonly first: string;
  readonly commits: number;
  readonly virtualSeconds: number;
  readonly wallSeconds: number;
}

/** Measures every case that the options ask for, prints them, and hands them back. */
export function measureDelays(options: Options): MeasuredCase[] {
  const troubles: Trouble[] =
    options.profile === 'hops' ? ['none'] : ['none', 'a third crashed', 'a third never votes'];
  const cases: MeasuredCase[] = [];
  for (const trouble of troubles) {
    cases.push(measureFanal(options, trouble, realCore));
    if (!options.json) console.log(caseText(cases.at(-1) as MeasuredCase));
    cases.push(measureBullshark(options, trouble));
    if (!options.json) console.log(caseText(cases.at(-1) as MeasuredCase));
  }
  if (options.json) console.log(JSON.stringify({ options, cases }, null, 2));
  return cases;
}

/** The head of the table that `caseText` fills. */
export const CASE_HEAD = caseText({
  system: 'fanal',
  nodes: 0,
  trouble: 'none',
  leader: 'leader',
  vertex: 'any vertex',
  transaction: 'transaction',
  certified: 'certified',
  first: 'first',
  commits: 0,
  virtualSeconds: 0,
  wallSeconds: 0,
});

export function caseText(one: MeasuredCase): string {
  const columns = [
    one.system.padEnd(10),
    String(one.nodes).padStart(5),
    one.trouble.padEnd(20),
    one.leader.padStart(13),
    one.vertex.padStart(13),
    one.transaction.padStart(13),
    one.certified.padStart(13),
    one.first.padStart(13),
    String(one.commits).padStart(5),
    `${one.virtualSeconds.toFixed(1)} s in ${one.wallSeconds.toFixed(1)} s`,
  ];
  return columns.join(' ');
}

export function measureFanal(
  options: Pick<Options, 'nodes' | 'seconds' | 'firstSeed' | 'profile'>,
  trouble: Trouble,
  makeCore: CoreFactory,
): MeasuredCase {
  const began = performance.now();
  const plan = performancePlan(options, trouble);
  const simulation = new Simulation(plan, { makeCore, realCrypto: false });
  const meter = new DelayMeter(simulation, Number.POSITIVE_INFINITY);
  simulation.observers.push(meter);
  simulation.start();
  simulation.runUntil(options.seconds * 1_000_000, () => meter.done());
  return {
    system: 'fanal',
    nodes: options.nodes,
    trouble,
    ...delaysText(meter.delays),
    commits: meter.commits,
    virtualSeconds: simulation.now() / 1_000_000,
    wallSeconds: (performance.now() - began) / 1_000,
  };
}

export function measureBullshark(
  options: Pick<Options, 'nodes' | 'seconds' | 'firstSeed' | 'profile'>,
  trouble: Trouble,
): MeasuredCase {
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
    leader: percentilesText(report.leader),
    vertex: percentilesText(report.anyVertex),
    transaction: '–',
    certified: '–',
    first: millisText(report.firstCommit),
    commits: report.commits,
    virtualSeconds: report.virtualMicros / 1_000_000,
    wallSeconds: (performance.now() - began) / 1_000,
  };
}

function delaysText(delays: Delays): Pick<MeasuredCase, keyof Delays> {
  return {
    leader: percentilesText(delays.leader),
    vertex: percentilesText(delays.vertex),
    transaction: percentilesText(delays.transaction),
    certified: percentilesText(delays.certified),
    first: percentilesText(delays.first),
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
function performancePlan(
  options: Pick<Options, 'nodes' | 'seconds' | 'firstSeed' | 'profile'>,
  trouble: Trouble,
): Plan {
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
      scheduleInterval: 100,
      badStakePercent: 20,
      leaderTimeoutMillis: 300,
      minRoundDelayMillis: 50,
      blockIntervalMillis: 1,
      heartbeatMillis: 5_000,
      epochMillis: 0,
      changeSet: false,
      maxVertexTransactions: 1_000,
      maxVertexBytes: 262_144,
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
