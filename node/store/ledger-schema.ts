/**
 * The tables of the ledger database.
 *
 * Trees live in memory; on disk are their leaves, and for each block of the retention window what it
 * takes to go back before it (`undo`).
 */

import { bytes, u32, u64 } from './columns.ts';
import { index, primaryKey, sqliteTable, text, uniqueIndex } from './drizzle.ts';

/** One row a block, genesis included. */
export const block = sqliteTable('block', {
  height: u64('height').primaryKey(),
  header: bytes('header').notNull(),
  /** Leaf hashes of the block's transactions, 32 bytes each: what proofs are made of. */
  leaves: bytes('leaves').notNull(),
  /** What the block carries besides transactions, canonical bytes. Null once pruned. */
  extras: bytes('extras'),
  bodyBytes: u32('body_bytes').notNull(),
});

/** One row a transaction. `id` is height · 2^20 + position, so a block's rows lie together. */
export const payment = sqliteTable(
  'payment',
  {
    id: u64('id').primaryKey(),
    /** The first 8 bytes of the txid: the index over it is a third of one over whole ids. */
    prefix: u64('prefix').notNull(),
    txid: bytes('txid').notNull(),
    /** The signed transaction, canonical bytes. Null once pruned. */
    bytes: bytes('bytes'),
  },
  (table) => [index('payment_by_prefix').on(table.prefix)],
);

/** Transactions that a block carried and execution refused, for their senders' status calls. */
export const refusal = sqliteTable(
  'refusal',
  {
    txid: bytes('txid').primaryKey(),
    height: u64('height').notNull(),
    code: text('code').notNull(),
  },
  (table) => [index('refusal_by_height').on(table.height)],
);

/**
 * The unspent coins of addresses that have many, those of an address together. There is no index by
 * outpoint: whoever spends a coin shows whose it is.
 */
export const coin = sqliteTable(
  'coin',
  {
    addressId: u32('address_id').notNull(),
    /** SHA-256(txid ‖ index): the coin's key in its address's coin map. */
    key: bytes('key').notNull(),
    txid: bytes('txid').notNull(),
    output: u32('output').notNull(),
    amount: u64('amount').notNull(),
    height: u64('height').notNull(),
  },
  (table) => [primaryKey({ columns: [table.addressId, table.key] })],
);

export const address = sqliteTable(
  'address',
  {
    id: u32('id').primaryKey(),
    payload: bytes('payload').notNull(),
    /** Its address record in canonical bytes: what the state map has the hash of. */
    record: bytes('record').notNull(),
    /** The history list's complete subtrees, 32 bytes each: enough to append to it. */
    frontier: bytes('frontier').notNull(),
    /** Its unspent coins, 50 bytes each, while they are few; null: they are in `coin`. */
    coins: bytes('coins'),
  },
  (table) => [uniqueIndex('address_by_payload').on(table.payload)],
);

/** What the block of `height` replaced: `node/ledger/block-undo.ts` reads it. */
export const undo = sqliteTable('undo', {
  height: u64('height').primaryKey(),
  bytes: bytes('bytes').notNull(),
});

export const history = sqliteTable(
  'history',
  {
    addressId: u32('address_id').notNull(),
    index: u64('index').notNull(),
    height: u64('height').notNull(),
    position: u32('position').notNull(),
    txid: bytes('txid').notNull(),
    received: u64('received').notNull(),
    spent: u64('spent').notNull(),
  },
  (table) => [primaryKey({ columns: [table.addressId, table.index] })],
);

/** Complete subtrees of long histories, so that a proof hashes a few hundred leaves at most. */
export const historyNode = sqliteTable(
  'history_node',
  {
    addressId: u32('address_id').notNull(),
    level: u32('level').notNull(),
    index: u64('index').notNull(),
    hash: bytes('hash').notNull(),
  },
  (table) => [primaryKey({ columns: [table.addressId, table.level, table.index] })],
);

/** A history whose lines are not here, as a snapshot had it: its complete subtrees. */
export const historyBase = sqliteTable('history_base', {
  addressId: u32('address_id').primaryKey(),
  size: u64('size').notNull(),
  /** 32 bytes each, largest first. */
  peaks: bytes('peaks').notNull(),
});

/** The state's other records, by their key in the state map. */
export const stateRecord = sqliteTable('state_record', {
  key: bytes('key').primaryKey(),
  value: bytes('value').notNull(),
});

/** The header log's hashes at levels 0, 8, 16, …: the rows of its tiles. */
export const logHash = sqliteTable(
  'log_hash',
  {
    level: u32('level').notNull(),
    index: u64('index').notNull(),
    hash: bytes('hash').notNull(),
  },
  (table) => [primaryKey({ columns: [table.level, table.index] })],
);

/** Certified checkpoints, trimmed to a quorum: the most recent ones, and each epoch's last. */
export const checkpoint = sqliteTable('checkpoint', {
  size: u64('size').primaryKey(),
  /** A cosigned checkpoint in canonical bytes. */
  bytes: bytes('bytes').notNull(),
});

/** One row an epoch that has begun. `lastHeight` is null while it runs. */
export const epoch = sqliteTable('epoch', {
  epoch: u32('epoch').primaryKey(),
  validatorsHash: bytes('validators_hash').notNull(),
  lastHeight: u64('last_height'),
});

export const validatorSet = sqliteTable('validator_set', {
  hash: bytes('hash').primaryKey(),
  value: bytes('value').notNull(),
});

/** What validators did in an epoch, as far as this node saw it: reported, not proved. */
export const performance = sqliteTable(
  'performance',
  {
    epoch: u32('epoch').notNull(),
    validator: text('validator').notNull(),
    rounds: u64('rounds').notNull(),
    rewards: u64('rewards').notNull(),
    checkpoints: u64('checkpoints').notNull(),
    cosigned: u64('cosigned').notNull(),
    mismatched: u64('mismatched').notNull(),
  },
  (table) => [primaryKey({ columns: [table.epoch, table.validator] })],
);

/** Single values: the genesis file, counters, how far pruning is. */
export const meta = sqliteTable('meta', {
  name: text('name').primaryKey(),
  value: bytes('value').notNull(),
});
