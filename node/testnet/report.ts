/**
 * What a run of a test network came to (docs/testnet-report.schema.json).
 */
import type { Fault, TestnetOptions } from './options.ts';

export const REPORT_SCHEMA = 'fanal.testnet-report/1';

export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

export interface Check {
  readonly id: string;
  readonly ok: boolean;
  readonly expected: string;
  readonly actual: string;
}

export interface ReportValidator {
  readonly rank: number;
  readonly name: string;
  readonly stake: string;
  /** Shares of 0 to 1; null before there is anything to count. */
  readonly cosigned: number | null;
  readonly accuracy: number | null;
  readonly rounds: number;
  readonly rewards: string;
  readonly finalHeight: number | null;
  readonly finalBlockId: string | null;
}

export interface ReportFault extends Omit<Fault, 'atMillis' | 'forMillis' | 'count'> {
  readonly at: number;
  readonly for: number;
  /** Names of the validators. */
  readonly target: readonly string[];
}

export interface ReportPart {
  readonly started: string;
  readonly durationSeconds: number;
  readonly height: number;
  readonly transactions: number;
}

export interface TestnetReport {
  readonly schema: typeof REPORT_SCHEMA;
  readonly result: 'pass' | 'fail';
  readonly interrupted: boolean;
  /** A run that was resumed has several, each with a chain of its own; the figures are of all. */
  readonly parts: readonly ReportPart[];
  readonly run: {
    readonly id: string;
    readonly seed: number;
    readonly started: string;
    readonly finished: string;
    readonly durationSeconds: number;
    readonly commit: string;
    readonly node: string;
    readonly host: {
      readonly cpus: number;
      readonly memoryBytes: number;
      readonly os: string;
      readonly loadBefore: number;
      readonly shared: true;
    };
  };
  readonly config: {
    readonly validators: number;
    readonly byzantine: number;
    readonly threads: number;
    readonly paymentsPerSecond: number;
    readonly latencyMillis: number;
    readonly jitterMillis: number;
    readonly loss: number;
    readonly blockIntervalMillis: number;
    readonly minRoundDelayMillis: number;
    readonly leaderTimeoutMillis: number;
    readonly faults: readonly ReportFault[];
  };
  readonly checks: readonly Check[];
  readonly chain: {
    readonly height: number;
    readonly certifiedHeight: number;
    readonly blocks: number;
    readonly commits: number;
    readonly rounds: number;
    readonly transactions: number;
    readonly forks: number;
    readonly evidence: number;
    /**
     * What the cores counted, over all validators: leader slots decided (`directCommit`,
     * `indirectSkip`, …), timeouts, fetches, vertices accepted.
     */
    readonly marks: Readonly<Record<string, number>>;
  };
  readonly latencySeconds: {
    /** From the signing of a leader's vertex to its commit, at validators never disturbed. */
    readonly commit: Percentiles;
    /** From handing a payment to a validator to its execution in a block. */
    readonly executed: Percentiles;
    /** From handing a payment to a validator to a quorum's cosignatures over it. */
    readonly certified: Percentiles;
    readonly blockInterval: Percentiles;
  };
  readonly throughput: {
    readonly submitted: number;
    readonly txPerSecond: { readonly mean: number; readonly peak: number };
    /** Payments that got into a block, and those that did not although they had 30 seconds. */
    readonly settled: number;
    readonly late: number;
    /** Of these, the share that got in. */
    readonly successRate: number | null;
  };
  readonly validators: readonly ReportValidator[];
  readonly lightClient: {
    readonly updatesVerified: number;
    readonly height: number;
    readonly verifySeconds: Percentiles;
    readonly tamperRefused: number;
    /** Changed where it does not matter: the same certified header came out. */
    readonly tamperHarmless: number;
    readonly tamperTotal: number;
  };
  readonly resources: {
    readonly cpuSeconds: number;
    readonly rssPeakBytes: number;
    readonly netBytes: number;
    readonly netMessages: number;
    readonly netLost: number;
    readonly signaturesVerified: number;
    readonly signatureSeconds: number;
  };
  readonly warnings: readonly string[];
}

/** What anyone must know who compares these figures with those of real hosts. */
export function warningsOf(options: TestnetOptions): string[] {
  return [
    `All ${options.validators} validators share one machine: latencies and throughput are not those of a network of hosts.`,
    'Each validator checks every vertex and cosignature that it receives for itself. A message is decoded once a thread, and a block executed once, after all validators’ inputs for it were found equal byte for byte.',
    'Links are in memory: delay, jitter and loss act on messages, and a lost one is sent again after 200 ms and a round trip. There is no handshake and no encryption on them.',
    'Journals are in memory: nothing waits for a disk but the ledger. A killed validator keeps its journal, and a resumed run begins another chain.',
  ];
}
