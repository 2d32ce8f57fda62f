/**
 * The accounts of a test chain: what a block's payments do to them, and what the state then says.
 */
import { type AddressRecord, addressRecordCodec, UNUSED_ADDRESS } from '../chain/address-record.ts';
import { type Coin, coinValueCodec } from '../chain/coin.ts';
import { type HistoryEntry, historyEntryCodec } from '../chain/history-entry.ts';
import { addressKey, coinKey } from '../chain/state-keys.ts';
import type { Transaction } from '../chain/transaction.ts';
import type { AddressBytes } from '../crypto/address.ts';
import { leafHash, listRoot } from '../merkle/list.ts';
import { EMPTY_MAP, type MapRoot, type MapTree } from '../merkle/map-tree.ts';
import { assert } from '../primitives/assert.ts';
import { type Bytes, toHex } from '../primitives/bytes.ts';
import { type Hash, sha256 } from '../primitives/hash.ts';

/** What the chain holds for one address. Immutable: a block makes new ones. */
export interface Account {
  readonly address: AddressBytes;
  readonly record: AddressRecord;
  readonly coins: ReadonlyMap<string, Coin>;
  readonly coinsMap: MapRoot;
  readonly history: readonly HistoryEntry[];
}

export type Accounts = Map<string, Account>;

/** An address that nobody ever paid to. */
export function emptyAccount(address: AddressBytes): Account {
  return {
    address,
    record: UNUSED_ADDRESS,
    coins: new Map(),
    coinsMap: EMPTY_MAP,
    history: [],
  };
}

/** The coin of this name and whose it is. */
export function findCoin(
  accounts: ReadonlyMap<string, Account>,
  name: string,
): { readonly coin: Coin; readonly account: Account } | null {
  for (const account of accounts.values()) {
    const coin = account.coins.get(name);
    if (coin !== undefined) return { coin, account };
  }
  return null;
}

/** Moves a transaction's coins and writes its line of history. Returns the fee and who changed. */
export function applyPayment(
  accounts: Accounts,
  { inputs, outputs }: Transaction,
  txid: Hash,
  height: bigint,
  position: number,
): { readonly fee: bigint; readonly changed: readonly string[] } {
  const moved = new Map<
    string,
    { account: Account; coins: Map<string, Coin>; received: bigint; spent: bigint }
  >();
  const touch = (address: AddressBytes) => {
    const name = toHex(address);
    const account = accounts.get(name) ?? emptyAccount(address);
    const side = moved.get(name) ?? {
      ...{ account, coins: new Map(account.coins) },
      ...{ received: 0n, spent: 0n },
    };
    moved.set(name, side);
    return side;
  };
  let fee = 0n;
  for (const input of inputs) {
    const name = toHex(coinKey(input));
    const found = findCoin(accounts, name);
    assert(found !== null, 'admission checked that the coin is there');
    const side = touch(found.account.address);
    side.coins.delete(name);
    side.spent += found.coin.amount;
    fee += found.coin.amount;
  }
  outputs.forEach(({ amount, address }, index) => {
    const side = touch(address);
    side.coins.set(toHex(coinKey({ txid, index })), { txid, index, amount, height });
    side.received += amount;
    fee -= amount;
  });
  for (const [name, { account, coins, received, spent }] of moved) {
    const entry = { height, position, txid, received, spent };
    accounts.set(name, { ...account, coins, history: [...account.history, entry] });
  }
  return { fee, changed: [...moved.keys()] };
}

/** Makes an account's record of its coins and history, and says what the state has under its key. */
export function sealAccount(
  tree: MapTree,
  account: Account,
): { readonly account: Account; readonly key: Hash; readonly value: Bytes } {
  const coins = [...account.coins.values()];
  const { root: coinsMap } = tree.update(EMPTY_MAP, coins.map(coinLeaf));
  const entries = account.history.map((entry) => leafHash(historyEntryCodec.encode(entry)));
  const record: AddressRecord = {
    balance: coins.reduce((sum, { amount }) => sum + amount, 0n),
    coinCount: BigInt(coins.length),
    coinsRoot: tree.hash(coinsMap),
    historySize: BigInt(entries.length),
    historyRoot: listRoot(entries),
  };
  return {
    account: { ...account, record, coinsMap },
    key: addressKey(account.address),
    value: addressRecordCodec.encode(record),
  };
}

/** A coin's leaf in its address's map. */
export function coinLeaf(coin: Coin): { readonly key: Hash; readonly valueHash: Hash } {
  return { key: coinKey(coin), valueHash: sha256(coinValueCodec.encode(coin)) };
}
