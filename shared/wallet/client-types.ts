/**
 * What a client offers, and the shapes of its answers.
 *
 * An answer that says `trust: 'proved'` was checked against a certified checkpoint on this device;
 * one that says `reported` is a server's word and good for a hint.
 */
import type { TransactionStatus } from '../api/submission.ts';
import type { AddressRecord } from '../chain/address-record.ts';
import type { Coin, Outpoint } from '../chain/coin.ts';
import type { HistoryEntry } from '../chain/history-entry.ts';
import type { Params } from '../chain/params.ts';
import type { SignedTransaction } from '../chain/transaction.ts';
import type { AddressBytes } from '../crypto/address.ts';
import type { Receipt } from '../light/receipt.ts';
import type { TrustState } from '../light/trust.ts';
import type { Bytes, Bytes32 } from '../primitives/bytes.ts';
import type { AbortSignalLike, Platform } from './platform.ts';
import type { PlacedTransaction, Reads, View } from './reads.ts';
import type { Store } from './store.ts';
import type { SyncOptions, Tip } from './tip.ts';
import type { Transport } from './transport.ts';
import type { StopWatching } from './watch.ts';

/** A chain to follow: where trust begins. */
export interface Chain {
  /** From a trust file, or from the genesis file itself. */
  readonly trust: TrustState;
}

export interface ClientOptions {
  readonly chain: Chain;
  readonly transport: Transport;
  /** Keeps the trusted state between runs; in memory when there is none. */
  readonly store?: Store;
  readonly platform?: Partial<Platform>;
  /** How old the newest certified state may be and still be acted on; a minute by default. */
  readonly freshMillis?: bigint;
  /** How long a synced tip serves reads before the sources are asked again; a second by default. */
  readonly tipMillis?: bigint;
}

/** What every read takes. */
export interface ReadOptions {
  readonly signal?: AbortSignalLike;
  /** Takes an old state for an answer. The answer says how old it is. */
  readonly allowStale?: boolean;
}

export interface AddressOptions extends ReadOptions {
  /** In text, or its 33 bytes. */
  readonly address: string | AddressBytes;
}

/** Where a proved answer holds. */
export interface Proved {
  readonly trust: 'proved';
  /** The block after which it holds. */
  readonly height: bigint;
  /** That block's time, in ms since 1970. */
  readonly time: bigint;
  readonly freshness: 'fresh' | 'stale';
}

export interface Balance extends Proved {
  readonly address: string;
  /** Units. */
  readonly balance: bigint;
  readonly coinCount: bigint;
  /** Transactions that ever touched the address. */
  readonly historySize: bigint;
  /** False: proved never to have been used. */
  readonly isUsed: boolean;
  readonly record: AddressRecord;
}

export interface CoinList extends Proved {
  readonly address: string;
  /** All there are. */
  readonly coins: readonly Coin[];
}

/** One line of a history, with its place in the whole. */
export interface HistoryItem extends HistoryEntry {
  readonly trust: 'proved';
  readonly index: bigint;
}

export interface HistoryOptions extends AddressOptions {
  /** `oldest` first, or `newest` first. */
  readonly order?: 'oldest' | 'newest';
  /** The index to begin with: for going on where one stopped. */
  readonly from?: bigint;
}

export interface Fees {
  readonly trust: 'reported';
  /** Units a byte that get a transaction in now. */
  readonly feePerByte: bigint;
  readonly minFeePerByte: bigint;
}

export interface Broadcast {
  readonly id: Bytes32;
  /** Where it stands, as the server says. */
  readonly trust: 'reported';
  readonly status: TransactionStatus;
}

/** A payment that is in the certified chain, with what proves it offline. */
export interface Confirmed extends PlacedTransaction {
  readonly receipt: Receipt;
  /** The receipt as a file. */
  readonly receiptText: string;
}

/**
 * What proves that a transaction was not and will not be included: past `height` it may not be, and
 * a coin that it spends is still there.
 */
export interface Expiry {
  readonly height: bigint;
  readonly address: AddressBytes;
  readonly coin: Outpoint;
}

export interface WaitOptions {
  readonly id: string | Bytes32;
  readonly signal?: AbortSignalLike;
  /** Ends the wait once it is proved that the transaction can never be included. */
  readonly expires?: Expiry;
  /** Told what servers say meanwhile. Never act on it: a liar may say anything. */
  readonly onStatus?: (status: TransactionStatus) => void;
}

export interface Client {
  readonly chain: Chain;
  readonly platform: Platform;
  readonly store: Store;
  /** Follows the chain to its tip. */
  sync(options?: SyncOptions): Promise<Tip>;
  /** What is trusted now, without asking anyone. */
  trusted(): TrustState;
  getBalance(options: AddressOptions): Promise<Balance>;
  /** Many balances at one height, with one request for each hundred. */
  getBalances(
    options: ReadOptions & { readonly addresses: readonly (string | AddressBytes)[] },
  ): Promise<readonly Balance[]>;
  getCoins(options: AddressOptions): Promise<CoinList>;
  history(options: HistoryOptions): AsyncGenerator<HistoryItem, void, void>;
  /** Null when no server knows of it, which is their word. */
  getTransaction(
    options: ReadOptions & { readonly id: string | Bytes32 },
  ): Promise<PlacedTransaction | null>;
  getParams(options?: ReadOptions): Promise<Params>;
  getFees(options?: ReadOptions): Promise<Fees>;
  /** Sends a signed transaction to several servers. Safe to repeat. */
  broadcast(options: {
    readonly transaction: SignedTransaction | Bytes;
    readonly signal?: AbortSignalLike;
  }): Promise<Broadcast>;
  /** Resolves only when the transaction is proved to be in the chain. */
  waitForTransaction(options: WaitOptions): Promise<Confirmed>;
  watchTip(options: {
    readonly onTip: (tip: Tip) => void;
    readonly onError?: (error: unknown) => void;
  }): StopWatching;
  /** Calls back with the balance as it is, and again whenever it changes. */
  watchAddress(options: {
    readonly address: string | AddressBytes;
    readonly onChange: (balance: Balance) => void;
    readonly onError?: (error: unknown) => void;
  }): StopWatching;
  /** Reads at one state, so that several answers hold together. */
  atOneState<T>(
    options: ReadOptions,
    read: (view: View, reads: Reads, where: Proved) => Promise<T>,
  ): Promise<T>;
}
