/**
 * The gateway's tables: one database a chain, in a Durable Object or in a file.
 *
 * Sizes and times fit 53 bits (a log has at most 2^32 headers), so they are numbers here and
 * bigints everywhere else.
 */
import { customType, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Bytes } from 'fanal/primitives/bytes.ts';

/** Plain bytes, whichever of ArrayBuffer and Buffer the driver gives: a Buffer's slices alias. */
const bytes = customType<{ data: Bytes; driverData: ArrayBuffer | Bytes }>({
  dataType: () => 'blob',
  toDriver: (value) => value,
  fromDriver: (value) => new Uint8Array(value as ArrayBuffer),
});

/**
 * The tip twice: `trusted` is what we have verified last and verify the next one against,
 * `published` is what is served, and lags behind until all that hangs from it is in place.
 */
export const tips = sqliteTable('tips', {
  slot: text('slot', { enum: ['trusted', 'published'] }).primaryKey(),
  size: integer('size').notNull(),
  tip: bytes('tip').notNull(),
});

/** The right edge of the header log: the tile of each level that is still filling. */
export const edges = sqliteTable('edges', {
  level: integer('level').primaryKey(),
  hashes: bytes('hashes').notNull(),
});

/** The entries of the bundle that is still filling, and the last headers before it. */
export const headers = sqliteTable('headers', {
  height: integer('height').primaryKey(),
  header: bytes('header').notNull(),
});

/** Objects on their way to the object store; a row goes when its object has arrived. */
export const staged = sqliteTable('staged', {
  key: text('key').primaryKey(),
  size: integer('size').notNull(),
  bytes: bytes('bytes').notNull(),
});

/** Evidence files, by the hash of their bytes. */
export const evidence = sqliteTable('evidence', {
  id: text('id').primaryKey(),
  foundAt: integer('found_at').notNull(),
  file: bytes('file').notNull(),
});

/** Nodes that said something false, so that a restart does not forgive them. */
export const upstreams = sqliteTable('upstreams', {
  name: text('name').primaryKey(),
  lies: integer('lies').notNull(),
  shutOutUntil: integer('shut_out_until').notNull(),
});
