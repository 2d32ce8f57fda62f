/**
 * The addresses: on disk every one of them, in memory those used lately, and for each block of the
 * window what they were before it.
 */
import { and, asc, eq, gt, gte, sql } from 'drizzle-orm';
import type { AddressRecord } from 'fanal/chain/address-record.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import type { Database } from '../store/database.ts';
import { address, addressVersion } from '../store/ledger-schema.ts';
import {
  type Account,
  type AccountDraft,
  decodePeaks,
  encodePeaks,
  newAccount,
} from './account.ts';
import { LEDGER_LIMITS } from './limits.ts';

/** An address's record at some height, and its id on disk. */
export interface StoredAccount {
  readonly id: number;
  readonly record: AddressRecord;
  readonly peaks: readonly Hash[];
}

export class AccountStore {
  readonly #statements: ReturnType<typeof prepare>;
  /** Least recently used first. */
  readonly #byAddress = new Map<string, Account>();
  readonly #byId = new Map<number, Account>();
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
    this.#byId.clear();
    this.#count = count;
    this.#nextId = Number(this.#statements.last.get()?.last ?? 0n) + 1;
  }

  /** Counts the addresses: slow when there are many. */
  recount(): void {
    this.#count = this.#statements.count.get()?.count ?? 0n;
  }

  /** The account of an address, made when there is none. */
  open(payload: AddressBytes): Account {
    const text = textOf(payload);
    const known = this.#byAddress.get(text);
    if (known !== undefined) {
      this.#byAddress.delete(text);
      this.#byAddress.set(text, known);
      return known;
    }
    const row = this.#statements.byPayload.get({ payload });
    if (row !== undefined) return this.#remember(text, accountOf(row));
    const created = newAccount(this.#nextId, payload);
    this.#nextId += 1;
    return this.#remember(text, created);
  }

  /** The account that a coin's row names. */
  byId(id: number): Account {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const account = accountOf(this.#statements.byId.get({ id }) as AddressRow);
    return this.#remember(textOf(account.address), account);
  }

  /** Writes what a block did to an account, and what it was before. */
  write(account: Account, draft: AccountDraft, height: bigint): void {
    const { id, address: payload, record } = account;
    const row = { id, ...rowOf(record, account.peaks) };
    if (draft.isNew) {
      this.#statements.insert.run({ ...row, payload });
      this.#count += 1n;
    } else {
      this.#statements.update.run(row);
    }
    const before = rowOf(draft.before, draft.peaksBefore);
    this.#statements.addVersion.run({ id, height, ...before });
  }

  /** Writes an account that was there from the start. */
  writeFirst({ id, address: payload, record, peaks }: Account): void {
    this.#statements.insert.run({ id, payload, ...rowOf(record, peaks) });
    this.#count += 1n;
  }

  /** Writes an account of a snapshot, and remembers nothing of it. */
  importAccount(payload: AddressBytes, record: AddressRecord, peaks: readonly Hash[]): Account {
    const account = newAccount(this.#nextId, payload);
    this.#nextId += 1;
    this.#statements.insert.run({ id: account.id, payload, ...rowOf(record, peaks) });
    return account;
  }

  /** The record of an address after the block of `height`; null when it was not used by then. */
  at(payload: Bytes, height: bigint): StoredAccount | null {
    const row = this.#statements.byPayload.get({ payload });
    if (row === undefined) return null;
    const version = this.#statements.versionAfter.get({ id: row.id, height });
    const found = version ?? row;
    if (found.historySize === 0n) return null;
    return { id: row.id, record: recordOf(found), peaks: decodePeaks(found.frontier) };
  }

  /** Every address with its newest record, in the order in which they were first used. */
  all(client: Database['client']): Generator<{ id: number; account: Account }> {
    return eachAccount(client, 'id');
  }

  /** The same in the order of the addresses' bytes. */
  byPayload(client: Database['client']): Generator<{ id: number; account: Account }> {
    return eachAccount(client, 'payload');
  }

  /** What accounts were before the blocks from `height` on, newest block first. */
  versionsFrom(height: bigint): VersionRow[] {
    return this.#statements.versionsFrom.all({ height });
  }

  /** Makes accounts what they were before the block of `height`, the newest. */
  rewind(height: bigint): { id: number; historySize: bigint }[] {
    const versions = this.#statements.versionsOf.all({ height });
    for (const version of versions) {
      if (version.historySize === 0n) this.#statements.remove.run({ id: version.addressId });
      else this.#statements.update.run({ ...version, id: version.addressId });
    }
    this.#statements.dropVersions.run({ height });
    return versions.map(({ addressId, historySize }) => ({ id: addressId, historySize }));
  }

  /** Gives up what accounts were before the block of `height`. */
  forget(height: bigint): void {
    this.#statements.dropVersions.run({ height });
  }

  /** Drops the least recently used accounts beyond the limit. Never during a block. */
  trim(): void {
    for (const [text, account] of this.#byAddress) {
      if (this.#byAddress.size <= LEDGER_LIMITS.cachedAddresses) return;
      this.#byAddress.delete(text);
      this.#byId.delete(account.id);
    }
  }

  /** Accounts in memory, least recently used first. */
  cached(): Iterable<Account> {
    return this.#byAddress.values();
  }

  #remember(text: string, account: Account): Account {
    this.#byAddress.set(text, account);
    this.#byId.set(account.id, account);
    return account;
  }
}

interface RecordRow {
  readonly balance: bigint;
  readonly coinCount: bigint;
  readonly coinsRoot: Bytes;
  readonly historySize: bigint;
  readonly historyRoot: Bytes;
  readonly frontier: Bytes;
}

interface AddressRow extends RecordRow {
  readonly id: number;
  readonly payload: Bytes;
}

export interface VersionRow extends RecordRow {
  readonly height: bigint;
  readonly addressId: number;
}

/** Byte strings as keys of a `Map`. */
export function textOf(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function recordOf(row: RecordRow): AddressRecord {
  return {
    balance: row.balance,
    coinCount: row.coinCount,
    coinsRoot: row.coinsRoot as Hash,
    historySize: row.historySize,
    historyRoot: row.historyRoot as Hash,
  };
}

/** Streams the table: it may be larger than the memory. */
function* eachAccount(
  client: Database['client'],
  order: 'id' | 'payload',
): Generator<{ id: number; account: Account }> {
  const rows = client.prepare(`SELECT id, payload, balance, coin_count AS coinCount,
    coins_root AS coinsRoot, history_size AS historySize, history_root AS historyRoot, frontier
    FROM address ORDER BY ${order}`);
  for (const row of rows.iterate() as Iterable<AddressRow>) {
    const id = Number(row.id);
    yield { id, account: accountOf({ ...row, id }) };
  }
}

function accountOf(row: AddressRow): Account {
  const account = newAccount(row.id, row.payload as AddressBytes);
  account.record = recordOf(row);
  account.peaks = decodePeaks(row.frontier);
  return account;
}

function rowOf(record: AddressRecord, peaks: readonly Hash[]): RecordRow {
  return { ...record, frontier: encodePeaks(peaks) };
}

function prepare({ query }: Database) {
  const value = sql.placeholder;
  const record = {
    balance: value('balance'),
    coinCount: value('coinCount'),
    coinsRoot: value('coinsRoot'),
    historySize: value('historySize'),
    historyRoot: value('historyRoot'),
    frontier: value('frontier'),
  };
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
      .values({ id: value('id'), payload: value('payload'), ...record })
      .prepare(),
    update: query
      .update(address)
      .set({
        balance: sql`${value('balance')}`,
        coinCount: sql`${value('coinCount')}`,
        coinsRoot: sql`${value('coinsRoot')}`,
        historySize: sql`${value('historySize')}`,
        historyRoot: sql`${value('historyRoot')}`,
        frontier: sql`${value('frontier')}`,
      })
      .where(eq(address.id, value('id')))
      .prepare(),
    remove: query
      .delete(address)
      .where(eq(address.id, value('id')))
      .prepare(),
    addVersion: query
      .insert(addressVersion)
      .values({ height: value('height'), addressId: value('id'), ...record })
      .prepare(),
    versionAfter: query
      .select()
      .from(addressVersion)
      .where(
        and(eq(addressVersion.addressId, value('id')), gt(addressVersion.height, value('height'))),
      )
      .orderBy(asc(addressVersion.height))
      .limit(1)
      .prepare(),
    versionsOf: query
      .select()
      .from(addressVersion)
      .where(eq(addressVersion.height, value('height')))
      .orderBy(asc(addressVersion.addressId))
      .prepare(),
    versionsFrom: query
      .select()
      .from(addressVersion)
      .where(gte(addressVersion.height, value('height')))
      .orderBy(asc(addressVersion.height), asc(addressVersion.addressId))
      .prepare(),
    dropVersions: query
      .delete(addressVersion)
      .where(eq(addressVersion.height, value('height')))
      .prepare(),
  };
}
