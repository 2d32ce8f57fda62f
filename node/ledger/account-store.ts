/**
 * The addresses: on disk every one of them, in memory those used lately.
 */

import type { AddressRecord } from 'fanal/chain/address-record.ts';
import { ADDRESS_BYTES, type AddressBytes } from 'fanal/crypto/address.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import type { Database } from '../store/database.ts';
import { eq, sql } from '../store/drizzle.ts';
import { address } from '../store/ledger-schema.ts';
import { type Account, decodePeaks, encodePeaks, newAccount, stateKeyOf } from './account.ts';
import { textOf } from './byte-text.ts';
import { LEDGER_LIMITS } from './limits.ts';
import { recordBytes, recordFrom } from './record-bytes.ts';
import { decodeCoins, encodeCoins, type StoredCoin } from './stored-coin.ts';

/** An address as it is on disk. */
export interface StoredAccount {
  readonly id: number;
  readonly record: AddressRecord;
  /** Its coins while they are few; null: they are in the table of coins. */
  readonly few: readonly StoredCoin[] | null;
}

/** An address's entry in the state map. */
export interface AddressEntry {
  readonly id: number;
  readonly stateKey: Hash;
  /** Its record in canonical bytes. */
  readonly record: Bytes;
}

export class AccountStore {
  readonly #statements: ReturnType<typeof prepare>;
  /** Least recently used first. */
  readonly #byAddress = new Map<string, Account>();
  #nextId: number;
  #count: bigint;

  constructor(database: Database) {
    this.#statements = prepare(database);
    this.#nextId = 1;
    this.#count = 0n;
    this.reload(0n);
  }

  /** Addresses that were ever used. */
  get count(): bigint {
    return this.#count;
  }

  /** Forgets what is in memory, after a transaction that failed or was taken back. */
  reload(count: bigint): void {
    this.#byAddress.clear();
    this.#count = count;
    this.#nextId = Number(this.#statements.last.get()?.last ?? 0n) + 1;
  }

  /** Counts the addresses: slow when there are many. */
  recount(): void {
    this.#count = this.#statements.count.get()?.count ?? 0n;
  }

  /** The account of an address, made when there is none. */
  open(payload: AddressBytes): Account {
    const known = this.known(payload);
    if (known !== null) return known;
    const created = newAccount(this.#nextId, payload);
    this.#nextId += 1;
    return this.#remember(textOf(payload), created);
  }

  /** The account of an address; null when it was never used. */
  known(payload: Bytes): Account | null {
    const text = textOf(payload);
    const cached = this.#byAddress.get(text);
    if (cached !== undefined) {
      this.#byAddress.delete(text);
      this.#byAddress.set(text, cached);
      return cached;
    }
    const row = this.#statements.byPayload.get({ payload });
    return row === undefined ? null : this.#remember(text, accountOf(row));
  }

  /** Writes an account, inside the caller's transaction. */
  write(account: Account, isNew: boolean): void {
    if (isNew) {
      this.#statements.insert.run({ payload: account.address, ...rowOf(account) });
      this.#count += 1n;
    } else {
      this.#statements.update.run({ ...rowOf(account) });
    }
  }

  /** Makes an account of a snapshot that is remembered nowhere. */
  make(payload: AddressBytes): Account {
    const account = newAccount(this.#nextId, payload);
    this.#nextId += 1;
    return account;
  }

  /** An address as it is now; null when it was never used. */
  find(payload: Bytes): StoredAccount | null {
    const row = this.#statements.byPayload.get({ payload });
    if (row === undefined) return null;
    return { id: row.id, record: recordFrom(row.record), few: fewOf(row) };
  }

  /** The record of every address, in the order in which they were first used. */
  *records(client: Database['client']): Generator<AddressEntry> {
    // One value a row instead of two: reading them all is most of a node's start.
    const rows = client.prepare(
      'SELECT id, CAST(payload || record AS BLOB) FROM address ORDER BY id',
    );
    for (const row of rows.raw().iterate() as Iterable<[id: bigint, bytes: Bytes]>) {
      const [id, bytes] = row;
      const stateKey = stateKeyOf(bytes.subarray(0, ADDRESS_BYTES));
      yield { id: Number(id), stateKey, record: bytes.subarray(ADDRESS_BYTES) };
    }
  }

  /** Every address whole, in the order in which they were first used. */
  all(client: Database['client']): Generator<Account> {
    return eachAccount(client, 'id');
  }

  /** The same in the order of the addresses' bytes. */
  byPayload(client: Database['client']): Generator<Account> {
    return eachAccount(client, 'payload');
  }

  /** The account of an id, straight from the disk. */
  read(id: number): Account {
    return accountOf(this.#statements.byId.get({ id }) as AddressRow);
  }

  /** Removes an account that was made by a block which is taken back. */
  remove(id: number): void {
    this.#statements.remove.run({ id });
  }

  /** Drops the least recently used accounts beyond the limit. Never during a block. */
  trim(): void {
    for (const text of this.#byAddress.keys()) {
      if (this.#byAddress.size <= LEDGER_LIMITS.cachedAddresses) return;
      this.#byAddress.delete(text);
    }
  }

  /** Accounts in memory, least recently used first. */
  cached(): Iterable<Account> {
    return this.#byAddress.values();
  }

  #remember(text: string, account: Account): Account {
    this.#byAddress.set(text, account);
    return account;
  }
}

interface AddressRow {
  readonly id: number;
  readonly payload: Bytes;
  readonly record: Bytes;
  readonly frontier: Bytes;
  readonly coins: Bytes | null;
}

/** Streams the table: it may be larger than the memory. */
function* eachAccount(client: Database['client'], order: 'id' | 'payload'): Generator<Account> {
  const rows = client.prepare(
    `SELECT id, payload, record, frontier, coins FROM address ORDER BY ${order}`,
  );
  for (const row of rows.iterate() as Iterable<AddressRow>) {
    yield accountOf({ ...row, id: Number(row.id) });
  }
}

function accountOf(row: AddressRow): Account {
  const account = newAccount(row.id, row.payload as AddressBytes);
  account.record = recordFrom(row.record);
  account.peaks = decodePeaks(row.frontier);
  account.few = fewOf(row);
  return account;
}

function fewOf({ id, coins }: AddressRow): StoredCoin[] | null {
  return coins === null ? null : decodeCoins(coins, id);
}

function rowOf({ id, record, peaks, few }: Account): Omit<AddressRow, 'payload'> {
  const coins = few === null ? null : encodeCoins(few);
  return { id, record: recordBytes(record), frontier: encodePeaks(peaks), coins };
}

function prepare({ query }: Database) {
  const value = sql.placeholder;
  return {
    count: query.select({ count: sql<bigint>`count(*)` }).from(address).prepare(),
    last: query
      .select({ last: sql<bigint>`coalesce(max(${address.id}), 0)` })
      .from(address)
      .prepare(),
    byPayload: query
      .select()
      .from(address)
      .where(eq(address.payload, value('payload')))
      .prepare(),
    byId: query
      .select()
      .from(address)
      .where(eq(address.id, value('id')))
      .prepare(),
    insert: query
      .insert(address)
      .values({
        id: value('id'),
        payload: value('payload'),
        record: value('record'),
        frontier: value('frontier'),
        coins: value('coins'),
      })
      .prepare(),
    update: query
      .update(address)
      .set({
        record: sql`${value('record')}`,
        frontier: sql`${value('frontier')}`,
        coins: sql`${value('coins')}`,
      })
      .where(eq(address.id, value('id')))
      .prepare(),
    remove: query
      .delete(address)
      .where(eq(address.id, value('id')))
      .prepare(),
  };
}
