/**
 * An address as the ledger works on it: its record, what it takes to extend it, and what the block
 * under way does to it.
 */
import { type AddressRecord, UNUSED_ADDRESS } from 'fanal/chain/address-record.ts';
import type { HistoryEntry } from 'fanal/chain/history-entry.ts';
import { ADDRESS_BYTES, type AddressBytes } from 'fanal/crypto/address.ts';
import type { MapRoot } from 'fanal/merkle/map-tree.ts';
import { type Bytes, concat } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { nativeSha256 } from './native-hash.ts';
import type { StoredCoin } from './stored-coin.ts';

export interface Account {
  readonly id: number;
  readonly address: AddressBytes;
  /** Where its record stands in the state map. */
  readonly stateKey: Hash;
  record: AddressRecord;
  /** The complete subtrees of its history, largest first. */
  peaks: readonly Hash[];
  /** Its unspent coins while they are few; null: they are in the table. */
  few: readonly StoredCoin[] | null;
  /** Its coin map in memory; null until it is needed. */
  coins: MapRoot | null;
  /** What the block under way does to it; null while it does nothing. */
  draft: AccountDraft | null;
}

/** The effects of one block on one address. */
export interface AccountDraft {
  readonly before: AddressRecord;
  readonly isNew: boolean;
  balance: bigint;
  coinCount: bigint;
  readonly entries: HistoryEntry[];
  /** Coins that it has after the block and had not before. */
  readonly created: StoredCoin[];
  /** Coins that it had before the block and has not after. */
  readonly spent: StoredCoin[];
}

/** An address that no block has touched yet. */
export function newAccount(id: number, address: AddressBytes): Account {
  return {
    id,
    address,
    stateKey: stateKeyOf(address),
    record: UNUSED_ADDRESS,
    peaks: [],
    few: [],
    coins: null,
    draft: null,
  };
}

const tagged = new Uint8Array(1 + ADDRESS_BYTES);
tagged[0] = 0x61;

/** SHA-256("a" ‖ address): `addressKey`, computed natively. */
export function stateKeyOf(address: Bytes): Hash {
  tagged.set(address, 1);
  return nativeSha256(tagged);
}

/** The draft of the block under way, begun at the first touch. */
export function draftOf(account: Account, touched: Account[]): AccountDraft {
  if (account.draft !== null) return account.draft;
  const { record } = account;
  const draft: AccountDraft = {
    before: record,
    isNew: record.historySize === 0n,
    balance: record.balance,
    coinCount: record.coinCount,
    entries: [],
    created: [],
    spent: [],
  };
  account.draft = draft;
  touched.push(account);
  return draft;
}

/** Peaks on disk: one after the other. How many there are follows from the history's size. */
export function encodePeaks(peaks: readonly Hash[]): Bytes {
  return concat(...peaks);
}

export function decodePeaks(bytes: Bytes): Hash[] {
  const peaks: Hash[] = [];
  for (let at = 0; at < bytes.length; at += 32) peaks.push(bytes.slice(at, at + 32) as Hash);
  return peaks;
}
