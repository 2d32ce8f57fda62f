/**
 * What the main thread of a test network and the threads with its validators tell each other.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { LocalParams } from '../core/params.ts';
import type {
  BlockInput,
  CertifiedCheckpoint,
  CoreStatus,
  EpochRecord,
  ExecutedTip,
} from '../core/types.ts';
import type { CosigningReport, Encoded } from '../ledger/ledger.ts';
import type { LinkOptions } from './options.ts';

/** A validator's keys, as the thread that runs it gets them. */
export interface TestnetKeys {
  readonly name: string;
  readonly vertexSeed: Bytes;
  readonly checkpointSeed: Bytes;
}

/** What a group begins with. */
export interface GroupData {
  readonly group: number;
  /** The group of every validator; −1 for those that never speak. */
  readonly groups: readonly number[];
  /** The keys of this group's own, by validator. */
  readonly keys: ReadonlyMap<number, TestnetKeys>;
  readonly record: EpochRecord;
  readonly executed: ExecutedTip;
  readonly links: LinkOptions;
  readonly local: LocalParams;
  readonly seed: number;
  /** To the other groups, by their number; null for this one. */
  readonly ports: readonly (MessagePort | null)[];
}

/** Between groups: one message of a validator, to one validator or to all of the group. */
export interface Parcel {
  readonly from: number;
  readonly to: number | null;
  readonly bytes: Bytes;
}

/** What every validator hears of a block once it is executed. */
export interface Execution {
  readonly height: bigint;
  readonly blockId: Bytes32;
  readonly header: Encoded<'Header'>;
  readonly root: Bytes32;
  readonly certifiedSize: bigint;
  /** After an epoch's last block. */
  readonly next: EpochRecord | null;
}

export type ToGroup =
  | { readonly kind: 'start' }
  | { readonly kind: 'executed'; readonly execution: Execution }
  | { readonly kind: 'payments'; readonly validator: number; readonly payments: readonly Bytes[] }
  | { readonly kind: 'kill' | 'hold' | 'release'; readonly validators: readonly number[] }
  | {
      readonly kind: 'restart';
      readonly validators: readonly number[];
      readonly record: EpochRecord;
      /** Where a ledger synced from peers stands, for those that slept through an epoch's end. */
      readonly start: ExecutedTip;
      readonly certifiedSize: bigint;
    }
  /** Puts the clocks of these so far ahead of the machine's. */
  | {
      readonly kind: 'clock';
      readonly validators: readonly number[];
      readonly aheadMillis: number;
    }
  /** Cuts these off from the others; nobody heals it. */
  | { readonly kind: 'partition'; readonly side: readonly number[] }
  | { readonly kind: 'stop' };

export type FromGroup =
  /** The first of this group's validators has cut a block. */
  | {
      readonly kind: 'block';
      readonly group: number;
      readonly fingerprint: Bytes32;
      readonly block: BlockInput;
    }
  | { readonly kind: 'certified'; readonly checkpoint: CertifiedCheckpoint }
  | { readonly kind: 'cosigning'; readonly report: CosigningReport }
  | {
      /** Two validators cut different blocks of one height. */
      readonly kind: 'fork';
      readonly height: bigint;
      readonly validator: number;
    }
  | { readonly kind: 'evidence'; readonly about: string }
  | { readonly kind: 'broken'; readonly validator: number; readonly message: string }
  | { readonly kind: 'stats'; readonly stats: GroupStats }
  | { readonly kind: 'stopped' };

export interface ValidatorStatus {
  readonly validator: number;
  readonly running: boolean;
  readonly executedHeight: bigint;
  readonly blockId: Bytes32 | null;
  readonly phase: CoreStatus['phase'];
}

export interface GroupStats {
  readonly group: number;
  /** Leader vertex to commit, in milliseconds, since the last report. */
  readonly commitMillis: Float64Array;
  readonly validators: readonly ValidatorStatus[];
  readonly round: number;
  /** Counted over all validators since the start. */
  readonly marks: Readonly<Record<string, number>>;
  readonly signaturesVerified: number;
  readonly verifyMillis: number;
  readonly netBytes: number;
  readonly netMessages: number;
  readonly netLost: number;
  readonly heapBytes: number;
  /** Events that wait for a core. */
  readonly waiting: number;
}
