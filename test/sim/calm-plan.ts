/**
 * A plan in which nothing goes wrong, for tests that put in one trouble at a time.
 */
import type { ChainOptions, LoadOptions, NetworkOptions, Plan } from './plan.ts';

export interface Trouble extends Partial<Omit<Plan, 'network' | 'chain' | 'load'>> {
  readonly network?: Partial<NetworkOptions>;
  readonly chain?: Partial<ChainOptions>;
  readonly load?: Partial<LoadOptions>;
}

export function calmPlan({ network, chain, load, ...rest }: Trouble = {}): Plan {
  return {
    seed: 1,
    profile: 'test',
    stakes: [1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000],
    seconds: 10,
    network: {
      geography: 'random',
      meanMillis: 30,
      jitter: 0.1,
      tailChance: 0,
      tailSigma: 1,
      tailMaxMillis: 1_000,
      loss: 0,
      lossBreaks: false,
      duplicate: 0,
      replay: 0,
      overtaking: false,
      megabitsPerSecond: 1_000,
      queueBytes: 16 * 1024 * 1024,
      ...network,
    },
    disk: { syncMillis: 1, syncSigma: 0.3, blocking: false, keepUnsynced: 0 },
    machine: { checkMicros: 62, executeMillis: 2, clockSkewMillis: 5, clockDriftMillis: 0 },
    load: {
      transactionsPerSecond: 10,
      conflicting: 0.1,
      duplicated: 0.1,
      burst: 0,
      sizeBytes: 300,
      ...load,
    },
    chain: {
      gcDepth: 20,
      scheduleInterval: 30,
      badStakePercent: 20,
      leaderTimeoutMillis: 300,
      minRoundDelayMillis: 50,
      blockIntervalMillis: 200,
      heartbeatMillis: 1_000,
      epochMillis: 0,
      changeSet: false,
      maxVertexTransactions: 100,
      slimLeastBytes: 512,
      maxVertexBytes: 32_768,
      ...chain,
    },
    byzantine: [],
    faults: [],
    dead: [],
    absent: [],
    ...rest,
  };
}
