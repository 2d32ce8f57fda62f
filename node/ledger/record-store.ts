/**
 * The state's records that belong to no address (parameters, the epoch's accounts, validators) by
 * their key in the state map, and for each block of the window what they were before it.
 */
import { and, asc, eq, gt, gte, sql } from 'drizzle-orm';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Database } from '../store/database.ts';
import { stateRecord, stateVersion } from '../store/ledger-schema.ts';

export interface StateRecord {
  readonly key: Bytes;
  readonly value: Bytes;
}

export class RecordStore {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#statements = prepare(database);
  }

  get(key: Bytes): Bytes | null {
    return this.#statements.get.get({ key })?.value ?? null;
  }

  all(): StateRecord[] {
    return this.#statements.all.all();
  }

  /** Writes a record that the block of `height` changed, and what it was before. */
  write(height: bigint, { key, value }: StateRecord): void {
    this.#statements.addVersion.run({ height, key, value: this.get(key) });
    this.#statements.set.run({ key, value });
  }

  /** Writes a record that was there from the start. */
  begin({ key, value }: StateRecord): void {
    this.#statements.set.run({ key, value });
  }

  /** A record after the block of `height`; null when there was none. */
  at(key: Bytes, height: bigint): Bytes | null {
    const version = this.#statements.versionAfter.get({ key, height });
    return version === undefined ? this.get(key) : version.value;
  }

  /** What records were before the blocks from `height` on, oldest block first. */
  versionsFrom(height: bigint): { height: bigint; key: Bytes; value: Bytes | null }[] {
    return this.#statements.versionsFrom.all({ height });
  }

  /** Makes records what they were before the block of `height`, the newest. */
  rewind(height: bigint): void {
    for (const version of this.#statements.versionsOf.all({ height })) {
      const { key, value } = version;
      if (value === null) this.#statements.remove.run({ key });
      else this.#statements.set.run({ key, value });
    }
    this.forget(height);
  }

  forget(height: bigint): void {
    this.#statements.dropVersions.run({ height });
  }
}

function prepare({ query }: Database) {
  const value = sql.placeholder;
  return {
    get: query
      .select({ value: stateRecord.value })
      .from(stateRecord)
      .where(eq(stateRecord.key, value('key')))
      .prepare(),
    all: query.select().from(stateRecord).orderBy(asc(stateRecord.key)).prepare(),
    set: query
      .insert(stateRecord)
      .values({ key: value('key'), value: value('value') })
      .onConflictDoUpdate({
        target: stateRecord.key,
        set: { value: sql.raw('excluded.value') },
      })
      .prepare(),
    remove: query
      .delete(stateRecord)
      .where(eq(stateRecord.key, value('key')))
      .prepare(),
    addVersion: query
      .insert(stateVersion)
      .values({ height: value('height'), key: value('key'), value: value('value') })
      .prepare(),
    versionAfter: query
      .select({ value: stateVersion.value })
      .from(stateVersion)
      .where(and(eq(stateVersion.key, value('key')), gt(stateVersion.height, value('height'))))
      .orderBy(asc(stateVersion.height))
      .limit(1)
      .prepare(),
    versionsOf: query
      .select()
      .from(stateVersion)
      .where(eq(stateVersion.height, value('height')))
      .orderBy(asc(stateVersion.key))
      .prepare(),
    versionsFrom: query
      .select()
      .from(stateVersion)
      .where(gte(stateVersion.height, value('height')))
      .orderBy(asc(stateVersion.height), asc(stateVersion.key))
      .prepare(),
    dropVersions: query
      .delete(stateVersion)
      .where(eq(stateVersion.height, value('height')))
      .prepare(),
  };
}
