/**
 * What the follower writes down, and in which order it may be lost.
 *
 * Every method is one synchronous SQLite transaction: it has happened or it has not.
 */
import { and, asc, desc, eq, gt, gte, lt, lte } from 'drizzle-orm';
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { KEPT_HEADERS, MAX_EVIDENCE_FILES } from './limits.ts';
import * as schema from './schema.ts';
import { type Tip, tipCodec, tipSize } from './tip.ts';

/** An object on its way to the object store. */
export interface StagedObject {
  readonly key: string;
  readonly bytes: Bytes;
}

export interface StoredHeader {
  readonly height: bigint;
  readonly header: Bytes;
}

export interface EvidenceFile {
  /** SHA-256 of the file, in hex. */
  readonly id: string;
  readonly foundAt: number;
  readonly file: Bytes;
}

/** How long a node is shut out, and why. */
export interface ShutOut {
  readonly name: string;
  readonly lies: number;
  readonly until: number;
}

export interface Store {
  /** The tip that the next one is verified against. */
  trusted(): Tip | null;
  /** The tip that is served. */
  published(): Tip | null;
  /** Puts objects down before anything refers to them. Repeating it changes nothing. */
  stage(objects: readonly StagedObject[], size: bigint): void;
  /**
   * Replaces the trusted tip, if it is still the one of `from`, together with the headers that led
   * to it. False when somebody else was faster: then nothing has changed.
   */
  swap(from: bigint | null, to: Tip, headers: readonly StoredHeader[]): boolean;
  /** Objects that still have to reach the object store, oldest first. */
  staged(): StagedObject[];
  unstage(key: string): void;
  /** Lets the trusted tip be served. */
  publish(): void;
  /** Stored headers from a height on, without a gap, at most `limit`. */
  headers(from: bigint, limit: number): StoredHeader[];
  keepEvidence(file: EvidenceFile): void;
  evidence(): EvidenceFile[];
  shutOuts(): ShutOut[];
  shutOut(entry: ShutOut): void;
}

type Database = BaseSQLiteDatabase<'sync', unknown, typeof schema>;

const { tips, headers, staged, evidence, upstreams } = schema;

/** The store in SQLite: a Durable Object's, or a file. */
export class SqlStore implements Store {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  trusted(): Tip | null {
    return this.#tip('trusted');
  }

  published(): Tip | null {
    return this.#tip('published');
  }

  stage(objects: readonly StagedObject[], size: bigint): void {
    this.#db.transaction((tx) => {
      for (const { key, bytes } of objects) {
        tx.insert(staged)
          .values({ key, bytes, size: Number(size) })
          .onConflictDoUpdate({ target: staged.key, set: { bytes, size: Number(size) } })
          .run();
      }
    });
  }

  swap(from: bigint | null, to: Tip, filed: readonly StoredHeader[]): boolean {
    return this.#db.transaction((tx) => {
      const row = tx.select({ size: tips.size }).from(tips).where(eq(tips.slot, 'trusted')).get() as
        | { size: number }
        | undefined;
      if ((row === undefined ? null : BigInt(row.size)) !== from) return false;
      const size = Number(tipSize(to));
      const tip = tipCodec.encode(to);
      tx.insert(tips)
        .values({ slot: 'trusted', size, tip })
        .onConflictDoUpdate({ target: tips.slot, set: { size, tip } })
        .run();
      for (const { height, header } of filed) {
        tx.insert(headers)
          .values({ height: Number(height), header })
          .onConflictDoUpdate({ target: headers.height, set: { header } })
          .run();
      }
      const keep = Math.max(0, size - Number(KEPT_HEADERS));
      tx.delete(headers).where(lt(headers.height, keep)).run();
      return true;
    });
  }

  staged(): StagedObject[] {
    // What was staged for a tip that never came to be trusted is of no use to anyone.
    const trusted = this.trusted();
    const size = trusted === null ? 0 : Number(tipSize(trusted));
    this.#db.delete(staged).where(gt(staged.size, size)).run();
    return this.#db
      .select({ key: staged.key, bytes: staged.bytes })
      .from(staged)
      .where(lte(staged.size, size))
      .orderBy(asc(staged.size), asc(staged.key))
      .all() as StagedObject[];
  }

  unstage(key: string): void {
    this.#db.delete(staged).where(eq(staged.key, key)).run();
  }

  publish(): void {
    this.#db.transaction((tx) => {
      const row = tx.select().from(tips).where(eq(tips.slot, 'trusted')).get() as
        | { size: number; tip: Bytes }
        | undefined;
      if (row === undefined) return;
      const { size, tip } = row;
      tx.insert(tips)
        .values({ slot: 'published', size, tip })
        .onConflictDoUpdate({ target: tips.slot, set: { size, tip } })
        .run();
    });
  }

  headers(from: bigint, limit: number): StoredHeader[] {
    const rows = this.#db
      .select()
      .from(headers)
      .where(and(gte(headers.height, Number(from))))
      .orderBy(asc(headers.height))
      .limit(limit)
      .all() as { height: number; header: Bytes }[];
    const gap = rows.findIndex((row, i) => row.height !== Number(from) + i);
    return (gap < 0 ? rows : rows.slice(0, gap)).map(({ height, header }) => ({
      height: BigInt(height),
      header,
    }));
  }

  keepEvidence(entry: EvidenceFile): void {
    if (this.evidence().length >= MAX_EVIDENCE_FILES) return;
    this.#db.insert(evidence).values(entry).onConflictDoNothing().run();
  }

  evidence(): EvidenceFile[] {
    return this.#db.select().from(evidence).orderBy(desc(evidence.foundAt)).all() as EvidenceFile[];
  }

  shutOuts(): ShutOut[] {
    const rows = this.#db.select().from(upstreams).orderBy(asc(upstreams.name)).all() as {
      name: string;
      lies: number;
      shutOutUntil: number;
    }[];
    return rows.map(({ name, lies, shutOutUntil }) => ({ name, lies, until: shutOutUntil }));
  }

  shutOut({ name, lies, until }: ShutOut): void {
    this.#db
      .insert(upstreams)
      .values({ name, lies, shutOutUntil: until })
      .onConflictDoUpdate({ target: upstreams.name, set: { lies, shutOutUntil: until } })
      .run();
  }

  #tip(slot: 'trusted' | 'published'): Tip | null {
    const row = this.#db.select({ tip: tips.tip }).from(tips).where(eq(tips.slot, slot)).get() as
      | { tip: Bytes }
      | undefined;
    return row === undefined ? null : tipCodec.decode(row.tip);
  }
}
