/**
 * The ledger: executes blocks one by one, keeps what they leave behind, and answers for it with
 * proofs.
 *
 * Every method is synchronous and takes and gives plain data (bytes, bigints, arrays), so that the
 * ledger can live in a worker thread: `AsyncLedger` is the same surface across a message port.
 * What wallets receive as canonical bytes is made here as canonical bytes, once.
 *
 * A read that names no size answers at the newest certified checkpoint. A size of `n` means the
 * header log of n headers and the state after block n − 1. Errors: `ledger/not-certified` for a
 * size above the certified one, `ledger/pruned` for what this node no longer keeps; `null` is
 * "not found", never "could not tell".
 */

import type { Header } from 'fanal/chain/header.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import type { Branded } from 'fanal/primitives/brand.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { BlockInput, CertifiedCheckpoint } from '../core/types.ts';

/** Canonical bytes of the named type: the codec of the same name in `shared/` reads them. */
export type Encoded<Name extends string> = Branded<Bytes, `Encoded<${Name}>`>;

export interface Ledger {
  /**
   * Executes the next block in one durable SQLite transaction. When this returns, the block is on
   * disk; when it throws, nothing of it is.
   *
   * @param verified one byte a transaction: 1 where this node has already checked every signature
   *   of exactly these bytes. The others are checked here.
   * @throws {FanalError} `ledger/height` unless `block.height` is tip + 1
   * @throws {StoreError} `store/…`: the node must stop
   */
  execute(block: BlockInput, verified?: Uint8Array): ExecutedBlock;

  /**
   * Executes a block that another node cut, and keeps it only if that gives the header it carries.
   *
   * @throws {FanalError} `ledger/divergent-block` and leaves the state as it was
   */
  apply(block: Encoded<'Block'>): ExecutedBlock;

  /** Records a certified checkpoint: reads answer at it from now on. Smaller ones are ignored. */
  certified(checkpoint: CertifiedCheckpoint): void;

  /** Takes back every block above the newest certified one. Returns the new tip. */
  discardUncertified(): Tip;

  /** Adds to the performance board what the certifier saw of each validator. */
  recordCosigning(report: CosigningReport): void;

  /** Removes what is past the retention window. Bounded work a call; says if there is more. */
  prune(): boolean;

  // What this ledger is, and how far it is.

  info(): LedgerInfo;
  stats(): LedgerStats;
  tip(): Tip;
  certifiedTip(): CertifiedTip;
  /** The epoch of the next block: its number, set, and the header it starts from. */
  epoch(): CurrentEpoch;

  // The header log.

  /** The certified note of the given size (the newest by default), trimmed to a quorum. */
  checkpoint(size?: bigint): CertifiedTip | null;
  /** The same checkpoint in compact bytes; null while only genesis is certified. */
  cosignedCheckpoint(size?: bigint): Encoded<'CosignedCheckpoint'> | null;
  header(height: bigint): Encoded<'Header'> | null;
  /** Consecutive headers from `first`, at most `limit` and 256, never past the certified tip. */
  headers(first: bigint, limit: number): Encoded<'Header'>[];
  /** A header and its inclusion in the log of `at` headers. */
  headerProof(height: bigint, at?: bigint): Encoded<'HeaderProof'> | null;
  /** The hashes that join two sizes of the log (RFC 6962 §2.1.2). */
  consistency(oldSize: bigint, newSize?: bigint): Bytes32[];
  /** What a light client at `fromSize` needs to reach the certified tip. */
  update(fromSize: bigint): Encoded<'Update'> | null;
  /** The end of an epoch: its last header, certified, and the next set. */
  handover(epoch: number): Encoded<'Handover'> | null;
  validatorSet(hash: Bytes32): Encoded<'ValidatorSet'> | null;
  /** A C2SP tile of hashes: `width` 256 for a full one. Null where the log is too short. */
  tile(level: number, index: bigint, width: number): Bytes | null;
  /** A C2SP bundle of `width` entries (headers behind u16 lengths). */
  entryBundle(index: bigint, width: number): Bytes | null;

  // Blocks and transactions.

  block(height: bigint): Encoded<'Block'> | null;
  /** Transactions of a block from position `first`, at most `limit`. */
  blockTransactions(height: bigint, first: number, limit: number): StoredTransaction[] | null;
  transaction(txid: Bytes32): StoredTransaction | null;
  /** Header, its inclusion at `at`, and the transaction's path to the header's `txRoot`. */
  transactionProof(txid: Bytes32, at?: bigint): Encoded<'TransactionProof'> | null;
  /**
   * The receipt of a certified transaction, for a reader who trusts the set of `fromEpoch` (by
   * default the epoch that certified it last).
   */
  receipt(txid: Bytes32, fromEpoch?: number): Encoded<'Receipt'> | null;
  /** Where a transaction stands as far as executed blocks can tell. */
  transactionStatus(txid: Bytes32): LedgerTransactionStatus;
  /** Which of these coins are unspent at the executed tip, and whose they are. For admission. */
  spendable(inputs: readonly WantedCoin[]): (SpendableCoin | null)[];
  /**
   * Why the actions of these transactions would be refused at the tip, or null each. Signatures and
   * coins are not looked at; transactions without actions pass. For admission.
   */
  checkActions(transactions: readonly Bytes[]): (string | null)[];

  // Addresses. `at` must be a certified size within the retention window.

  addressProof(address: Bytes, at?: bigint): Encoded<'AddressProof'>;
  /** What the state has under a key (parameters, epoch state, a validator), or nothing. */
  stateProof(key: Bytes32, at?: bigint): Encoded<'StateProof'>;
  /** A page of an address's coins in key order, with what proves the list complete. */
  coins(address: Bytes, query: CoinsQuery): Encoded<'CoinsPage'>;
  /** Entries of an address's history from index `first`, with their range proof. */
  history(address: Bytes, query: HistoryQuery): Encoded<'HistoryPage'>;

  // Validators.

  /** The registry and performance board of an epoch (the current one by default). */
  validators(epoch?: number): ValidatorBoardRow[];

  close(): void;
}

/** The ledger on the other side of a message port. */
export type AsyncLedger = {
  [Method in keyof Ledger]: Ledger[Method] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Result>
    : never;
};

/** The last executed block. */
export interface Tip {
  readonly height: bigint;
  readonly blockId: Bytes32;
  /** Header-log size and root with this block's header in it: what the checkpoint says. */
  readonly size: bigint;
  readonly root: Bytes32;
  readonly header: Header;
}

/** The last certified block, with the note that certifies it (empty at genesis, size 1). */
export interface CertifiedTip {
  readonly height: bigint;
  readonly size: bigint;
  readonly root: Bytes32;
  readonly header: Encoded<'Header'>;
  /** The signed note's text as bytes. */
  readonly note: Bytes;
}

export interface CurrentEpoch {
  readonly epoch: number;
  readonly validators: ValidatorSet;
  /** The last header of the previous epoch, which this one starts from (genesis for epoch 0). */
  readonly start: Header;
  readonly startBlockId: Bytes32;
}

/** What executing a block gave. */
export interface ExecutedBlock extends Tip {
  /** One outcome for each transaction of the input, in its order. */
  readonly outcomes: readonly TransactionOutcome[];
  /** Distinct addresses whose record changed. */
  readonly addresses: readonly Bytes[];
  /** Outpoints that the included transactions spent, 34 bytes each. */
  readonly spent: Bytes;
  /** The next epoch's set, when this block is the last of its epoch. */
  readonly nextValidators: ValidatorSet | null;
  /** Certified size before this block; 1 while only genesis is. */
  readonly certifiedSize: bigint;
  readonly sizeBytes: number;
  readonly timings: ExecutionTimings;
}

export type TransactionOutcome =
  | { readonly kind: 'included'; readonly txid: Bytes32; readonly position: number }
  /** Already in this or an earlier block. */
  | { readonly kind: 'duplicate'; readonly txid: Bytes32 }
  /** `code` is stable: `transaction/coin-spent`, `transaction/expired`, … */
  | { readonly kind: 'rejected'; readonly txid: Bytes32; readonly code: string };

/** Milliseconds spent in each step of one block, for the metrics. */
export interface ExecutionTimings {
  readonly checkMillis: number;
  readonly stateMillis: number;
  readonly writeMillis: number;
}

export interface LedgerInfo {
  readonly origin: string;
  readonly genesisId: Bytes32;
  readonly genesis: Encoded<'Genesis'>;
  /** The parameters in force. */
  readonly params: Encoded<'Params'>;
  /** Whether their protocol version is known here; if not, no further block can be executed. */
  readonly knowsVersion: boolean;
  readonly mode: RetentionMode;
  /** Lowest height whose block body is kept. */
  readonly firstBlock: bigint;
  /** Lowest height whose lines in histories are kept: 0, or where a snapshot began. */
  readonly firstHistory: bigint;
  /** Lowest certified size at which addresses can be proved. */
  readonly firstProvableSize: bigint;
}

/** `archive` keeps every block body; `pruned` keeps the most recent ones. */
export type RetentionMode = 'archive' | 'pruned';

export interface LedgerStats {
  readonly coins: bigint;
  readonly addresses: bigint;
  readonly transactions: bigint;
  readonly databaseBytes: number;
  readonly stateTreeBytes: number;
  /** All coins, stake and fees not yet paid out: only epoch rewards and slashing change it. */
  readonly supplyUnits: bigint;
}

export interface StoredTransaction {
  readonly txid: Bytes32;
  readonly height: bigint;
  readonly position: number;
  /** A `SignedTransaction` in canonical bytes. */
  readonly bytes: Encoded<'SignedTransaction'>;
  readonly certified: boolean;
}

export type LedgerTransactionStatus =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'committed' | 'certified'; readonly height: bigint; readonly position: number }
  | { readonly kind: 'rejected'; readonly height: bigint; readonly code: string };

/** An input, and the addresses of the witnesses that came with it: one of them must own it. */
export interface WantedCoin {
  readonly txid: Bytes32;
  readonly index: number;
  readonly addresses: readonly Bytes[];
}

export interface SpendableCoin {
  readonly amount: bigint;
  readonly address: Bytes;
  readonly height: bigint;
}

export interface CoinsQuery {
  readonly at?: bigint;
  /** Coins with a key above this one; from the first by default. */
  readonly after?: Bytes32;
  readonly limit: number;
}

export interface HistoryQuery {
  readonly at?: bigint;
  readonly first: bigint;
  readonly limit: number;
}

/** What the certifier saw for one certified size, by index in the epoch's set. */
export interface CosigningReport {
  readonly epoch: number;
  readonly size: bigint;
  /** Cosigned the certified root within ten seconds. */
  readonly matched: readonly number[];
  /** Cosigned another root at that size. */
  readonly mismatched: readonly number[];
}

/** One row of `fanal validators` and `/v1/validators`. */
export interface ValidatorBoardRow {
  readonly name: string;
  readonly record: Encoded<'ValidatorRecord'>;
  /** In the set of the epoch asked for. */
  readonly active: boolean;
  /** Stake in that set, or bonded when not active. */
  readonly stake: bigint;
  /** The newest protocol version that it said it is ready for; 0 while it said nothing. */
  readonly readyFor: number;
  /** Vertices of this validator that were committed in the epoch. */
  readonly rounds: bigint;
  /** Units: paid at the epoch's end, or what would be paid if it ended now. */
  readonly rewards: bigint;
  /** Checkpoints certified in the epoch, as far as this node saw them. */
  readonly checkpoints: bigint;
  /** Of these, cosigned within ten seconds with the certified root. */
  readonly cosigned: bigint;
  /** Cosignatures of another root. */
  readonly mismatched: bigint;
}
