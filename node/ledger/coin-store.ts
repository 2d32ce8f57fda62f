/**
 * The coins: rows on disk, and in memory the coin maps of addresses used lately.
 *
 * A spent coin's row stays, marked with the height that spent it, until that block is out of the
 * window. So the list of an address's coins can be read as of any provable height.
 */
import { and, asc, eq, gt, lte, or, sql } from 'drizzle-orm';
import { type Coin, coinValueCodec } from 'fanal/chain/coin.ts';
import { EMPTY_MAP, type MapChange, type MapRoot, MapTree } from 'fanal/merkle/map-tree.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import type { Database } from '../store/database.ts';
import { blockCoins, coin } from '../store/ledger-schema.ts';
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

  /** Counts the unspent coins: slow when there are many. */
  recount(): void {
    this.#count = this.#statements.count.get()?.count ?? 0n;
  }

  /** An unspent coin by its key. */
  get(key: Bytes): StoredCoin | null {
    const row = this.#statements.byKey.get({ key });
    if (row === undefined || row.spentHeight !== 0n) return null;
    return coinOf(row);
  }

  /** Writes a block's coins, inside the caller's transaction. */
  write(height: bigint, { created, spent }: CoinEffects): void {
    for (const { key, txid, index, addressId, amount } of created) {
      this.#statements.insert.run({ key, txid, output: index, addressId, amount, height });
    }
    for (const { key } of spent) this.#statements.spend.run({ key, height });
    this.#statements.addEffects.run({ height, created: keysOf(created), spent: keysOf(spent) });
    this.#count += BigInt(created.length) - BigInt(spent.length);
  }

  /** Writes a coin that was there from the start. */
  importCoin({ key, txid, index, addressId, amount, height }: StoredCoin): void {
    this.#statements.insert.run({ key, txid, output: index, addressId, amount, height });
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

  /** Coins of an address after the block of `height`, in key order, above the key `after`. */
  list(addressId: number, height: bigint, after: Bytes, limit: number): StoredCoin[] {
    return this.#statements.listAt.all({ addressId, height, after, limit }).map(coinOf);
  }

  /** Takes back the coins of the block of `height`, the newest. */
  rewind(height: bigint): void {
    const effects = this.#statements.effects.get({ height });
    if (effects === undefined) return;
    for (const key of eachKey(effects.created)) this.#statements.remove.run({ key });
    for (const key of eachKey(effects.spent)) this.#statements.spend.run({ key, height: 0n });
    this.#statements.dropEffects.run({ height });
  }

  /** Removes the rows of coins that the block of `height` spent. It cannot be taken back any more. */
  forget(height: bigint): void {
    const effects = this.#statements.effects.get({ height });
    if (effects === undefined) return;
    for (const key of eachKey(effects.spent)) this.#statements.remove.run({ key });
    this.#statements.dropEffects.run({ height });
  }

  #changesOf(addressId: number): MapChange[] {
    return this.#statements.unspentOf.all({ addressId }).map((row) => changeOf(coinOf(row)));
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

function keysOf(coins: readonly StoredCoin[]): Bytes {
  const keys = new Uint8Array(coins.length * 32);
  coins.forEach(({ key }, i) => {
    keys.set(key, i * 32);
  });
  return keys;
}

function* eachKey(keys: Bytes): Generator<Bytes> {
  for (let at = 0; at < keys.length; at += 32) yield keys.subarray(at, at + 32);
}

function prepare({ query }: Database) {
  const value = sql.placeholder;
  return {
    count: query
      .select({ count: sql<bigint>`count(*)` })
      .from(coin)
      .where(eq(coin.spentHeight, 0n))
      .prepare(),
    byKey: query
      .select()
      .from(coin)
      .where(eq(coin.key, value('key')))
      .prepare(),
    insert: query
      .insert(coin)
      .values({
        key: value('key'),
        txid: value('txid'),
        output: value('output'),
        addressId: value('addressId'),
        amount: value('amount'),
        height: value('height'),
        spentHeight: 0n,
      })
      .prepare(),
    spend: query
      .update(coin)
      .set({ spentHeight: sql`${value('height')}` })
      .where(eq(coin.key, value('key')))
      .prepare(),
    remove: query
      .delete(coin)
      .where(eq(coin.key, value('key')))
      .prepare(),
    unspentOf: query
      .select()
      .from(coin)
      .where(and(eq(coin.addressId, value('addressId')), eq(coin.spentHeight, 0n)))
      .orderBy(asc(coin.key))
      .prepare(),
    listAt: query
      .select()
      .from(coin)
      .where(
        and(
          eq(coin.addressId, value('addressId')),
          gt(coin.key, value('after')),
          lte(coin.height, value('height')),
          or(eq(coin.spentHeight, 0n), gt(coin.spentHeight, value('height'))),
        ),
      )
      .orderBy(asc(coin.key))
      .limit(value('limit'))
      .prepare(),
    addEffects: query
      .insert(blockCoins)
      .values({ height: value('height'), created: value('created'), spent: value('spent') })
      .prepare(),
    effects: query
      .select()
      .from(blockCoins)
      .where(eq(blockCoins.height, value('height')))
      .prepare(),
    dropEffects: query
      .delete(blockCoins)
      .where(eq(blockCoins.height, value('height')))
      .prepare(),
  };
}
