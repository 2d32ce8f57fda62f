/**
 * The tables of the consensus journal: what a validator must still know after a crash.
 */

import { bytes, u32, u64 } from './columns.ts';
import { index, primaryKey, sqliteTable, text } from './drizzle.ts';

export const vertex = sqliteTable(
  'vertex',
  {
    id: u64('id').primaryKey(),
    epoch: u32('epoch').notNull(),
    round: u32('round').notNull(),
    author: u32('author').notNull(),
    digest: bytes('digest').notNull(),
    bytes: bytes('bytes').notNull(),
  },
  (table) => [index('vertex_by_slot').on(table.epoch, table.round, table.author, table.digest)],
);

export const committed = sqliteTable(
  'committed',
  {
    epoch: u32('epoch').notNull(),
    index: u64('index').notNull(),
    bytes: bytes('bytes').notNull(),
    /** The leader schedule after this commit. */
    schedule: bytes('schedule').notNull(),
  },
  (table) => [primaryKey({ columns: [table.epoch, table.index] })],
);

/** Two rows, `vertex` and `checkpoint`: what each key signed last. */
export const guard = sqliteTable('guard', {
  key: text('key').primaryKey(),
  epoch: u32('epoch').notNull(),
  /** A round, or a size. */
  position: u64('position').notNull(),
  /** A vertex digest, or a root. */
  digest: bytes('digest').notNull(),
});

export const certificate = sqliteTable('certificate', {
  size: u64('size').primaryKey(),
  epoch: u32('epoch').notNull(),
  bytes: bytes('bytes').notNull(),
});

export const evidence = sqliteTable('evidence', {
  id: u64('id').primaryKey(),
  epoch: u32('epoch').notNull(),
  kind: text('kind').notNull(),
  first: bytes('first').notNull(),
  second: bytes('second').notNull(),
});

export const epochRecord = sqliteTable('epoch_record', {
  epoch: u32('epoch').primaryKey(),
  bytes: bytes('bytes').notNull(),
});

/** What a boot needs of each epoch: nothing below these. */
export const horizon = sqliteTable('horizon', {
  epoch: u32('epoch').primaryKey(),
  round: u32('round').notNull(),
  commit: u64('commit').notNull(),
});

/** Set when a divergence was found; cleared by the operator alone. */
export const divergence = sqliteTable('divergence', {
  id: u32('id').primaryKey(),
  info: text('info').notNull(),
});
