/**
 * Single values of the ledger: what it began with, and how much it holds.
 */

import type { Bytes } from 'fanal/primitives/bytes.ts';
import { codec } from 'fanal/primitives/codec.ts';
import type { Database } from '../store/database.ts';
import { eq, sql } from '../store/drizzle.ts';
import { meta } from '../store/ledger-schema.ts';

export interface Counts {
  /** Unspent coins. */
  readonly coins: bigint;
  /** Addresses that were ever used. */
  readonly addresses: bigint;
  readonly payments: bigint;
  /** The lowest height whose body is here. */
  readonly firstBody: bigint;
  /** The lowest height whose effects on histories are here: 0, or where a snapshot began. */
  readonly firstHistory: bigint;
  /** The lowest height whose state can be made again from what is kept. */
  readonly oldestState: bigint;
}

const countsCodec = codec<Counts>(
  'ledger counts',
  48,
  (writer, { coins, addresses, payments, firstBody, firstHistory, oldestState }) => {
    writer.u64(coins).u64(addresses).u64(payments);
    writer.u64(firstBody).u64(firstHistory).u64(oldestState);
  },
  (reader) => ({
    coins: reader.u64(),
    addresses: reader.u64(),
    payments: reader.u64(),
    firstBody: reader.u64(),
    firstHistory: reader.u64(),
    oldestState: reader.u64(),
  }),
);

export class MetaStore {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#statements = prepare(database);
  }

  /** The genesis in canonical bytes; null in a new database. */
  genesis(): Bytes | null {
    return this.#statements.get.get({ name: 'genesis' })?.value ?? null;
  }

  setGenesis(value: Bytes): void {
    this.#statements.set.run({ name: 'genesis', value });
  }

  counts(): Counts | null {
    const row = this.#statements.get.get({ name: 'counts' });
    return row === undefined ? null : countsCodec.decode(row.value);
  }

  setCounts(counts: Counts): void {
    this.#statements.set.run({ name: 'counts', value: countsCodec.encode(counts) });
  }
}

function prepare({ query }: Database) {
  const value = sql.placeholder;
  return {
    get: query
      .select({ value: meta.value })
      .from(meta)
      .where(eq(meta.name, value('name')))
      .prepare(),
    set: query
      .insert(meta)
      .values({ name: value('name'), value: value('value') })
      .onConflictDoUpdate({ target: meta.name, set: { value: sql.raw('excluded.value') } })
      .prepare(),
  };
}
