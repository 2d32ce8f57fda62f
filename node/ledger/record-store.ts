/**
 * The state's records that belong to no address (parameters, the epoch's accounts, validators) by
 * their key in the state map.
 */

import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Database } from '../store/database.ts';
import { asc, eq, sql } from '../store/drizzle.ts';
import { stateRecord } from '../store/ledger-schema.ts';

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

  set({ key, value }: StateRecord): void {
    this.#statements.set.run({ key, value });
  }

  remove(key: Bytes): void {
    this.#statements.remove.run({ key });
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
  };
}
