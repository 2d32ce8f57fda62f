/**
 * What the API asks of the rest of a node.
 *
 * The composition root hands these in; the API owns none of them. Tests hand in a ledger over a
 * real in-memory chain.
 */
import type { AddressPrefix } from 'fanal/crypto/address.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { AsyncLedger, CertifiedTip } from '../ledger/ledger.ts';

export interface ApiPorts {
  readonly ledger: AsyncLedger;
  readonly mempool: MempoolPort;
  readonly feed: CertifiedFeed;
  readonly network: NetworkPort;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => bigint;
  readonly identity: ApiIdentity;
  /** Coins for anyone who asks; only a test network has one. */
  readonly faucet: FaucetPort | null;
  readonly snapshots: SnapshotPort | null;
}

/** What the API says of the chain and of itself. */
export interface ApiIdentity {
  readonly prefix: AddressPrefix;
  readonly version: string;
  readonly commit: string;
}

/** Where transactions wait. */
export interface MempoolPort {
  /** @param client whose share of the room it takes: an address, or a name of our own */
  submit(transaction: Bytes, client: string): Promise<SubmitOutcome>;
  /** What is known here of one that was submitted and is in no block. */
  status(txid: Bytes32): MempoolStatus | null;
  stats(): MempoolStats;
}

export type SubmitOutcome =
  | { readonly kind: 'accepted'; readonly txid: Bytes32 }
  /** It waits here already, or is in a block. */
  | { readonly kind: 'known'; readonly txid: Bytes32 }
  | {
      readonly kind: 'rejected';
      readonly problem:
        | 'transaction-invalid'
        | 'transaction-conflict'
        | 'fee-too-low'
        | 'mempool-full'
        | 'syncing';
      /** The finer code, such as `transaction/coin-spent`. */
      readonly reason: string;
    };

export type MempoolStatus =
  | { readonly kind: 'pending' }
  /** It waited here and was given up, for the reason that the code names. */
  | { readonly kind: 'evicted'; readonly code: string };

export interface MempoolStats {
  readonly transactions: number;
  readonly bytes: number;
  readonly limitBytes: number;
  /** Units a byte that a transaction must pay to get in now; the chain's minimum when not full. */
  readonly feePerByte: bigint;
}

/** Tells of every newly certified block, in order of height, each once. */
export interface CertifiedFeed {
  /** Calls back until the returned function is called. A listener must not block. */
  subscribe(listener: (event: CertifiedEvent) => void): () => void;
  /** The events after `height` that are still remembered, oldest first; null when some are not. */
  since(height: bigint): readonly CertifiedEvent[] | null;
}

export interface CertifiedEvent {
  readonly tip: CertifiedTip;
  /** Addresses whose record changed in blocks up to this one and after the event before. */
  readonly addresses: readonly Bytes[];
  /** Transactions of those blocks. */
  readonly transactions: number;
}

export interface NetworkPort {
  status(): NetworkStatus;
}

/** How a node stands among its peers. */
export interface NetworkStatus {
  readonly peers: { readonly inbound: number; readonly outbound: number };
  /** What a validator signs as, or null for a full node. */
  readonly validator: string | null;
  /** Null when caught up. */
  readonly sync: SyncStatus | null;
  /** Why this node must not get traffic, or null. */
  readonly trouble: string | null;
}

export interface SyncStatus {
  readonly mode: 'snapshot' | 'blocks' | 'commits';
  readonly height: bigint;
  readonly target: bigint;
}

export interface FaucetPort {
  /** Sends a fixed amount; returns the transaction's id, or null when asked too often. */
  send(address: Bytes): Promise<FaucetGrant | null>;
}

export interface FaucetGrant {
  readonly txid: Bytes32;
  readonly amount: bigint;
}

export interface SnapshotPort {
  /** Manifests in canonical bytes by height, newest first. */
  list(): Promise<readonly SnapshotEntry[]>;
  chunk(height: bigint, chunk: number): Promise<Bytes | null>;
}

export interface SnapshotEntry {
  readonly height: bigint;
  readonly chunks: number;
  readonly sizeBytes: number;
  readonly manifest: Bytes;
}
