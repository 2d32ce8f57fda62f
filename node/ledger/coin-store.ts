/**
 * The coins of each address: in its own row while they are few, else in a table; and their maps in
 * memory for addresses used lately.
 */

import { EMPTY_MAP, type MapChange, type MapRoot, MapTree } from 'fanal/merkle/map-tree.ts';
import { type Bytes, type Bytes32, compareBytes, equalBytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import type { Database } from '../store/database.ts';
import { and, asc, eq, gt, sql } from '../store/drizzle.ts';
import { coin } from '../store/ledger-schema.ts';
import type { Account } from './account.ts';
import { LEDGER_LIMITS } from './limits.ts';
import { nativeMapHasher } from './native-hash.ts';
import { changeOf, type StoredCoin } from './stored-coin.ts';

/** Whose coins, and those that stand in the address's row; null: they are in the table. */
export interface CoinHolder {
  readonly id: number;
  readonly few: readonly StoredCoin[] | null;
}

export class CoinStore {
  readonly #statements: ReturnType<typeof prepare>;
  #tree = new MapTree(nativeMapHasher);

  constructor(database: Database) {
    this.#statements = prepare(database);
  }

  get treeBytes(): number {
    return this.#tree.size.bytes;
  }

  /** Forgets the maps in memory; accounts must forget theirs too. */
  reload(): void {
    this.#tree = new MapTree(nativeMapHasher);
  }

  /** An unspent coin of an address by its key. */
  get({ id, few }: CoinHolder, key: Bytes): StoredCoin | null {
    if (few !== null) return few.find((each) => equalBytes(each.key, key)) ?? null;
    const row = this.#statements.get.get({ addressId: id, key });
    return row === undefined ? null : coinOf(row);
  }

  /** Every coin of an address. */
  all({ id, few }: CoinHolder): readonly StoredCoin[] {
    return few ?? this.#statements.ofAddress.all({ addressId: id }).map(coinOf);
  }

  /**
   * Takes coins from an address and gives it others, inside the caller's transaction.
   *
   * @returns the coins that belong into the address's row from now on; null: they are in the table
   */
  change(
    holder: CoinHolder,
    spent: readonly Pick<StoredCoin, 'key'>[],
    created: readonly StoredCoin[],
    count: bigint,
  ): readonly StoredCoin[] | null {
    const { id, few } = holder;
    if (few !== null) {
      const kept = spent.length === 0 ? few : few.filter((each) => !includes(spent, each));
      const next = [...kept, ...created];
      if (next.length <= LEDGER_LIMITS.fewCoins) return next;
      for (const each of next) this.insert(each);
      return null;
    }
    for (const { key } of spent) this.#statements.remove.run({ addressId: id, key });
    for (const each of created) this.insert(each);
    if (count > BigInt(LEDGER_LIMITS.fewAgain)) return null;
    const left = this.all(holder);
    this.#statements.removeAll.run({ addressId: id });
    return left;
  }

  /** Writes a coin into the table. */
  insert({ addressId, key, txid, index, amount, height }: StoredCoin): void {
    this.#statements.insert.run({ addressId, key, txid, output: index, amount, height });
  }

  /** Applies each account's draft to its coin map and returns the new roots, in the same order. */
  updateRoots(accounts: readonly Account[]): Hash[] {
    const updates = accounts.map((account) => {
      const { spent = [], created = [] } = account.draft ?? {};
      const isLoaded = account.coins !== null || account.record.coinCount === 0n;
      const changes: MapChange[] = isLoaded ? [] : this.all(account).map(changeOf);
      for (const { key } of spent) changes.push({ key, valueHash: null });
      for (const each of created) changes.push(changeOf(each));
      return { root: account.coins ?? EMPTY_MAP, changes };
    });
    const { roots, replaced } = this.#tree.updateAll(updates);
    this.#tree.free(replaced);
    return roots.map((root, i) => {
      (accounts[i] as Account).coins = root;
      return this.#tree.hash(root);
    });
  }

  /** Drops the coin maps of the least recently used accounts when there are too many coins. */
  trim(accounts: Iterable<Account>): void {
    if (this.#tree.size.leaves <= LEDGER_LIMITS.cachedCoins) return;
    const kept: Account[] = [];
    let leaves = BigInt(this.#tree.size.leaves);
    for (const account of accounts) {
      if (account.coins === null) continue;
      if (leaves > BigInt(LEDGER_LIMITS.cachedCoins / 2)) {
        leaves -= account.record.coinCount;
        account.coins = null;
      } else {
        kept.push(account);
      }
    }
    const roots = this.#tree.compact(kept.map(({ coins }) => coins as MapRoot));
    kept.forEach((account, i) => {
      account.coins = roots[i] as MapRoot;
    });
  }

  /**
   * Coins of an address as of `height` with a key above `after`, in key order.
   *
   * @param spentSince coins that were there at that height and are not any more
   */
  list(
    { id, few }: CoinHolder,
    height: bigint,
    after: Bytes,
    limit: number,
    spentSince: readonly StoredCoin[],
  ): StoredCoin[] {
    const isAfter = ({ key }: StoredCoin) => compareBytes(key, after) > 0;
    const found =
      few === null
        ? this.#statements.listAt.all({ addressId: id, height, after, limit }).map(coinOf)
        : few.filter((each) => each.height <= height && isAfter(each));
    return [...found, ...spentSince.filter(isAfter)]
      .sort((a, b) => compareBytes(a.key, b.key))
      .slice(0, limit);
  }
}

function includes(coins: readonly Pick<StoredCoin, 'key'>[], { key }: StoredCoin): boolean {
  return coins.some((each) => equalBytes(each.key, key));
}

function coinOf(row: typeof coin.$inferSelect): StoredCoin {
  return {
    key: row.key as Bytes32,
    txid: row.txid as Bytes32,
    index: row.output,
    amount: row.amount,
    height: row.height,
    addressId: row.addressId,
  };
}

function prepare({ query }: Database) {
  const value = sql.placeholder;
  const isOf = eq(coin.addressId, value('addressId'));
  const isThis = and(isOf, eq(coin.key, value('key')));
  return {
    get: query.select().from(coin).where(isThis).prepare(),
    insert: query
      .insert(coin)
      .values({
        addressId: value('addressId'),
        key: value('key'),
        txid: value('txid'),
        output: value('output'),
        amount: value('amount'),
        height: value('height'),
      })
      .prepare(),
    remove: query.delete(coin).where(isThis).prepare(),
    removeAll: query.delete(coin).where(isOf).prepare(),
    ofAddress: query.select().from(coin).where(isOf).orderBy(asc(coin.key)).prepare(),
    listAt: query
      .select()
      .from(coin)
      .where(and(isOf, gt(coin.key, value('after')), sql`${coin.height} <= ${value('height')}`))
      .orderBy(asc(coin.key))
      .limit(value('limit'))
      .prepare(),
  };
}
