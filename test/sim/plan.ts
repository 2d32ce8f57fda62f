/**
 * One case of the simulator, whole: a plan and nothing else decides every bit of a run.
 *
 * A plan is drawn from a seed, printed with a failure, cut down by the shrinker, and kept as JSON
 * when it becomes a regression test.
 */
import type { ByzantineKind } from './byzantine/kinds.ts';

export interface Plan {
  readonly seed: number;
  readonly profile: string;
  /** Stake of each validator, in coins. Their count is the number of validators. */
  readonly stakes: readonly number[];
  /** The safety phase, virtual. The liveness phase follows it. */
  readonly seconds: number;
  readonly network: NetworkOptions;
  readonly disk: DiskOptions;
  readonly machine: MachineOptions;
  readonly load: LoadOptions;
  readonly chain: ChainOptions;
  readonly byzantine: readonly ByzantineValidator[];
  readonly faults: readonly Fault[];
  /** Honest validators that never come back once the rest is healed. */
  readonly dead: readonly number[];
  /** Validators that never start at all. */
  readonly absent: readonly number[];
}

export interface NetworkOptions {
  /** Round trips between ten real regions, a random delay for each link, or the same for all. */
  readonly geography: 'measured' | 'random' | 'even';
  /** Mean one-way delay, where it is not measured. */
  readonly meanMillis: number;
  /** The greatest part by which a delay varies. */
  readonly jitter: number;
  readonly tailChance: number;
  readonly tailSigma: number;
  readonly tailMaxMillis: number;
  readonly loss: number;
  /** A lost packet breaks the connection; otherwise it is just gone. */
  readonly lossBreaks: boolean;
  readonly duplicate: number;
  /** Old packets sent again, a second. */
  readonly replay: number;
  /** Packets of one link may overtake one another. */
  readonly overtaking: boolean;
  readonly megabitsPerSecond: number;
  /** What fits in a sender's queue; more is lost. */
  readonly queueBytes: number;
}

export interface DiskOptions {
  /** Median time of a sync to disk. */
  readonly syncMillis: number;
  readonly syncSigma: number;
  /** The node stands still during a sync, instead of going on with other events. */
  readonly blocking: boolean;
  /** Chance that a crash finds the last writes without a sync on disk all the same. */
  readonly keepUnsynced: number;
}

export interface MachineOptions {
  /** Processor time of one signature check; 0 leaves processors out of the model. */
  readonly checkMicros: number;
  /** Median time to execute one block. */
  readonly executeMillis: number;
  /** Each validator's clock is off by up to this much. */
  readonly clockSkewMillis: number;
  /** And drifts by up to this much a second. */
  readonly clockDriftMillis: number;
}

export interface LoadOptions {
  readonly transactionsPerSecond: number;
  /** Part of the transactions that spend a coin another one spends too. */
  readonly conflicting: number;
  /** Part that is handed to more than two validators. */
  readonly duplicated: number;
  /** Bursts of this many transactions at one moment, every ten seconds; 0 for none. */
  readonly burst: number;
  readonly sizeBytes: number;
}

/** The parameters that are on chain, and the local ones, as this run has them. */
export interface ChainOptions {
  readonly gcDepth: number;
  readonly scheduleInterval: number;
  readonly badStakePercent: number;
  readonly leaderTimeoutMillis: number;
  readonly minRoundDelayMillis: number;
  readonly blockIntervalMillis: number;
  readonly heartbeatMillis: number;
  /** Length of an epoch; 0 for one without end. */
  readonly epochMillis: number;
  /** The set changes with each epoch: stakes move, one leaves, one comes back. */
  readonly changeSet: boolean;
  readonly maxVertexTransactions: number;
  readonly maxVertexBytes: number;
  /** A vertex goes out slim when that saves so many bytes. */
  readonly slimLeastBytes: number;
}

export interface ByzantineValidator {
  readonly validator: number;
  readonly kind: ByzantineKind;
}

/** A span of the safety phase, in milliseconds of virtual time. */
interface Span {
  readonly at: number;
  readonly until: number;
}

/** What a crash does to the disk besides losing writes without a sync. */
export type DiskDamage =
  | 'none' // only what was not synced is lost
  | 'torn' // the journal does not open: the operator starts without it
  | 'wiped' // the journal is gone; the guard file is there
  | 'backup'; // the journal of some time ago is put back

export type Fault =
  /** Nodes of different groups cannot reach one another; `oneWay` cuts only towards later groups. */
  | (Span & {
      readonly kind: 'partition';
      readonly groups: readonly (readonly number[])[];
      readonly oneWay: boolean;
    })
  /** Another group of `size` is cut off every `everyMillis`. */
  | (Span & { readonly kind: 'rotate'; readonly size: number; readonly everyMillis: number })
  | (Span & {
      readonly kind: 'flap';
      readonly a: number;
      readonly b: number;
      readonly everyMillis: number;
    })
  | (Span & { readonly kind: 'clog'; readonly from: number; readonly to: number })
  /** Links stop one by one and come back in another order. */
  | (Span & { readonly kind: 'swizzle'; readonly nodes: readonly number[] })
  | (Span & { readonly kind: 'slow'; readonly node: number; readonly millis: number })
  /** Messages of one kind towards `to` are dropped. */
  | (Span & { readonly kind: 'filter'; readonly message: string; readonly to: number })
  /** The leader's vertex comes late to all. */
  | (Span & { readonly kind: 'delayLeader'; readonly millis: number })
  /** What `victim` sends comes always after two thirds of the others. */
  | (Span & { readonly kind: 'lastThird'; readonly victim: number; readonly millis: number })
  /** A third of the validators is fed late in turns, so that whoever is behind wants to jump. */
  | (Span & { readonly kind: 'roundJump'; readonly millis: number })
  /** Stops at one of the boundaries of a step: `boundary` in [0, 1) chooses which. */
  | {
      readonly kind: 'crash';
      readonly at: number;
      readonly node: number;
      readonly boundary: number;
      readonly downMillis: number;
      readonly damage: DiskDamage;
      /** How old the backup is that is put back. */
      readonly backupMillis: number;
    }
  | {
      readonly kind: 'crashLoop';
      readonly at: number;
      readonly node: number;
      readonly times: number;
      readonly everyMillis: number;
    }
  | { readonly kind: 'crashAll'; readonly at: number; readonly downMillis: number }
  | (Span & { readonly kind: 'pause'; readonly node: number })
  /** The clock jumps by `millis`, forward or back. */
  | {
      readonly kind: 'clock';
      readonly at: number;
      readonly node: number;
      readonly millis: number;
    }
  | (Span & { readonly kind: 'slowDisk'; readonly node: number; readonly millis: number })
  /** A fault in the program: one block is executed wrongly. The operator repairs it after the alarm. */
  | { readonly kind: 'wrongExecution'; readonly at: number; readonly node: number }
  /** Writes fail; the node stops, and comes back when there is room. */
  | (Span & { readonly kind: 'fullDisk'; readonly node: number });

export type FaultKind = Fault['kind'];

/** The most stake that may be faulty: ⌊(T − 1) / 3⌋. */
export function faultyStake(stakes: readonly number[]): number {
  const total = stakes.reduce((sum, stake) => sum + stake, 0);
  return Math.floor((total - 1) / 3);
}
