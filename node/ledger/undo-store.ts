/**
 * The undo of each block of the window: on disk, and in memory for those who ask what was before.
 */

import type { AddressRecord } from 'fanal/chain/address-record.ts';
import { assert } from 'fanal/primitives/assert.ts';
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import type { Database } from '../store/database.ts';
import { asc, eq, lte, sql } from '../store/drizzle.ts';
import { undo } from '../store/ledger-schema.ts';
import { BlockUndo, encodeUndo, type UndoParts } from './block-undo.ts';
import type { StoredCoin } from './stored-coin.ts';

export class UndoStore {
  readonly #statements: ReturnType<typeof prepare>;
  /** Ascending, without a gap. */
  readonly #byHeight = new Map<bigint, BlockUndo>();
  #newest = 0n;

  constructor(database: Database) {
    this.#statements = prepare(database);
    this.reload();
  }

  /** Reads everything again, after a transaction that failed. */
  reload(): void {
    this.#byHeight.clear();
    this.#newest = 0n;
    for (const { height, bytes } of this.#statements.all.all()) {
      this.#byHeight.set(height, new BlockUndo(bytes));
      this.#newest = height;
    }
  }

  /** Writes the next block's undo, inside the caller's transaction. It counts once `keep` says so. */
  write(height: bigint, parts: UndoParts): Bytes {
    const bytes = encodeUndo(parts);
    this.#statements.add.run({ height, bytes });
    return bytes;
  }

  /** Takes over what was written, now that the block is on disk. */
  keep(height: bigint, bytes: Bytes): void {
    this.#byHeight.set(height, new BlockUndo(bytes));
    this.#newest = height;
  }

  of(height: bigint): BlockUndo {
    const found = this.#byHeight.get(height);
    assert(found !== undefined, `block ${height} can be taken back`);
    return found;
  }

  /** An address's record after the block of `height`; null when no later block changed it. */
  accountAt(id: number, height: bigint): AddressRecord | null {
    for (let above = height + 1n; above <= this.#newest; above++) {
      const record = this.#byHeight.get(above)?.account(id) ?? null;
      if (record !== null) return record;
    }
    return null;
  }

  /** A state record after the block of `height`; undefined when no later block changed it. */
  recordAt(key: Bytes, height: bigint): Bytes | null | undefined {
    for (let above = height + 1n; above <= this.#newest; above++) {
      const found = this.#byHeight
        .get(above)
        ?.records.find((record) => equalBytes(record.key, key));
      if (found !== undefined) return found.value;
    }
    return undefined;
  }

  /** Coins of an address that were there at `height` and were spent since. */
  coinsSpentSince(addressId: number, height: bigint): StoredCoin[] {
    const found: StoredCoin[] = [];
    for (let above = height + 1n; above <= this.#newest; above++) {
      for (const coin of this.#byHeight.get(above)?.spent ?? []) {
        if (coin.addressId === addressId && coin.height <= height) found.push(coin);
      }
    }
    return found;
  }

  /** Gives up taking back blocks up to and with `height`. */
  forget(height: bigint): void {
    this.#statements.forget.run({ height });
    for (const known of this.#byHeight.keys()) {
      if (known > height) return;
      this.#byHeight.delete(known);
    }
  }

  /** Removes the undo of the newest block, once it is taken back. */
  drop(height: bigint): void {
    this.#statements.drop.run({ height });
  }
}

function prepare({ query }: Database) {
  const value = sql.placeholder;
  return {
    all: query.select().from(undo).orderBy(asc(undo.height)).prepare(),
    add: query
      .insert(undo)
      .values({ height: value('height'), bytes: value('bytes') })
      .prepare(),
    forget: query
      .delete(undo)
      .where(lte(undo.height, value('height')))
      .prepare(),
    drop: query
      .delete(undo)
      .where(eq(undo.height, value('height')))
      .prepare(),
  };
}
