/**
 * The coins: rows on disk, and in memory the coin maps of addresses used lately.
 */
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { type Coin, coinValueCodec } from 'fanal/chain/coin.ts';
import { EMPTY_MAP, type MapChange, type MapRoot, MapTree } from 'fanal/merkle/map-tree.ts';
import { type Bytes, type Bytes32, compareBytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import type { Database } from '../store/database.ts';
import { coin } from '../store/ledger-schema.ts';
import type { Account } from './account.ts';
import { LEDGER_LIMITS } from './limits.ts';
import { nativeMapHasher, nativeSha256 } from './native-hash.ts';

/** A coin with its key and the id of its owner. */
export interface StoredCoin extends Coin {
  readonly key: Bytes32;
  readonly addressId: number;
}

/** What a block did to coins that were there before it, or are after it. */
export interface CoinEffects {
  readonly created: readonly StoredCoin[];
  readonly spent: readonly StoredCoin[];
}

export class CoinStore {
  readonly #statements: ReturnType<typeof prepare>;
  #tree = new MapTree(nativeMapHasher);
  #count: bigint;

  constructor(database: Database) {
    this.#statements = prepare(database);
    this.#count = 0n;
  }

  /** Unspent coins. */
  get count(): bigint {
    return this.#count;
  }

  get treeBytes(): number {
    return this.#tree.size.bytes;
  }

  /** Forgets what is in memory; accounts must forget their coin maps too. */
  reload(count: bigint): void {
    this.#tree = new MapTree(nativeMapHasher);
    this.#count = count;
  }

  /** Counts the coins: slow when there are many. */
  recount(): void {
    this.#count = this.#statements.count.get()?.count ?? 0n;
  }

  /** An unspent coin of an address by its key. */
  get(addressId: number, key: Bytes): StoredCoin | null {
    const row = this.#statements.get.get({ addressId, key });
    return row === undefined ? null : coinOf(row);
  }

  /** Writes a block's coins, inside the caller's transaction. */
  write({ created, spent }: CoinEffects): void {
    for (const each of created) this.#insert(each);
    for (const { addressId, key } of spent) this.#statements.remove.run({ addressId, key });
    this.#count += BigInt(created.length) - BigInt(spent.length);
  }

  /** Writes a coin that was there from the start. */
  importCoin(value: StoredCoin): void {
    this.#insert(value);
    this.#count += 1n;
  }

  /** Applies each account's coin changes and returns the new coin roots, in the same order. */
  updateRoots(accounts: readonly Account[]): Hash[] {
    const updates = accounts.map((account) => {
      const changes = account.draft?.coinChanges ?? [];
      if (account.coins !== null || account.record.coinCount === 0n) {
        return { root: account.coins ?? EMPTY_MAP, changes };
      }
      return { root: EMPTY_MAP, changes: [...this.#changesOf(account.id), ...changes] };
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
    addressId: number,
    height: bigint,
    after: Bytes,
    limit: number,
    spentSince: readonly StoredCoin[],
  ): StoredCoin[] {
    const found = this.#statements.listAt.all({ addressId, height, after, limit }).map(coinOf);
    const gone = spentSince.filter(({ key }) => compareBytes(key, after) > 0);
    if (gone.length === 0) return found;
    return [...found, ...gone].sort((a, b) => compareBytes(a.key, b.key)).slice(0, limit);
  }

  /** Takes back a block's coins. */
  rewind(
    created: readonly Pick<StoredCoin, 'addressId' | 'key'>[],
    spent: readonly StoredCoin[],
  ): void {
    for (const { addressId, key } of created) this.#statements.remove.run({ addressId, key });
    for (const each of spent) this.#insert(each);
  }

  #insert({ addressId, key, txid, index, amount, height }: StoredCoin): void {
    this.#statements.insert.run({ addressId, key, txid, output: index, amount, height });
  }

  #changesOf(addressId: number): MapChange[] {
    return this.#statements.ofAddress.all({ addressId }).map((row) => changeOf(coinOf(row)));
  }
}

/** A coin's entry in its address's coin map. */
export function changeOf(value: StoredCoin): MapChange {
  return { key: value.key, valueHash: nativeSha256(coinValueCodec.encode(value)) };
}

type Row = typeof coin.$inferSelect;

function coinOf(row: Row): StoredCoin {
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
  const isThis = and(eq(coin.addressId, value('addressId')), eq(coin.key, value('key')));
  return {
    count: query.select({ count: sql<bigint>`count(*)` }).from(coin).prepare(),
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
    ofAddress: query
      .select()
      .from(coin)
      .where(eq(coin.addressId, value('addressId')))
      .orderBy(asc(coin.key))
      .prepare(),
    listAt: query
      .select()
      .from(coin)
      .where(
        and(
          eq(coin.addressId, value('addressId')),
          gt(coin.key, value('after')),
          sql`${coin.height} <= ${value('height')}`,
        ),
      )
      .orderBy(asc(coin.key))
      .limit(value('limit'))
      .prepare(),
  };
}
