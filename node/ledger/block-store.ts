/**
 * The blocks: headers for good, bodies as long as they are kept, and where each transaction stands.
 */

import { type Block, blockCodec } from 'fanal/chain/block.ts';
import { HEADER_BYTES, headerCodec } from 'fanal/chain/header.ts';
import { EMPTY_ROOT } from 'fanal/merkle/list.ts';
import { type Bytes, type Bytes32, equalBytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import type { Database } from '../store/database.ts';
import { and, asc, desc, eq, gte, lt, sql } from '../store/drizzle.ts';
import { block, payment, refusal } from '../store/ledger-schema.ts';
import { LEDGER_LIMITS } from './limits.ts';

/** A transaction's row id is its block's height with 20 bits for the position. */
const POSITION_BITS = 20n;

export interface StoredPayment {
  readonly txid: Bytes32;
  readonly height: bigint;
  readonly position: number;
  /** Null when the body was pruned. */
  readonly bytes: Bytes | null;
}

/** A transaction as a new block has it. */
export interface BlockPayment {
  readonly txid: Bytes32;
  readonly bytes: Bytes;
  /** Its leaf hash in the block's tree. */
  readonly leaf: Hash;
}

export class BlockStore {
  readonly #statements: ReturnType<typeof prepare>;
  /** Leaf hashes of blocks that were asked about lately. */
  readonly #leaves = new Map<bigint, Hash[]>();

  constructor(database: Database) {
    this.#statements = prepare(database);
  }

  /** Writes a block, inside the caller's transaction. Returns its size in bytes. */
  write(
    body: Omit<Block, 'transactions'>,
    header: Bytes,
    payments: readonly BlockPayment[],
  ): number {
    const { height } = body.header;
    const leaves = new Uint8Array(payments.length * 32);
    let bodyBytes = 0;
    payments.forEach(({ txid, bytes, leaf }, position) => {
      leaves.set(leaf, position * 32);
      bodyBytes += bytes.length;
      this.#statements.addPayment.run({
        ...{ id: paymentId(height, position), txid, bytes },
        prefix: prefixOf(txid),
      });
    });
    // What a block carries besides transactions is kept as a block without any.
    const extras = blockCodec.encode({ ...body, transactions: [] }).subarray(HEADER_BYTES);
    this.#statements.addBlock.run({ height, header, leaves, extras, bodyBytes });
    return header.length + extras.length + bodyBytes;
  }

  /** Writes the header of a block whose body is not here. */
  writeHeader(height: bigint, header: Bytes): void {
    const nothing = new Uint8Array(0);
    this.#statements.addBlock.run({ height, header, leaves: nothing, extras: null, bodyBytes: 0 });
  }

  refuse(txid: Bytes, height: bigint, code: string): void {
    this.#statements.addRefusal.run({ txid, height, code });
  }

  header(height: bigint): Bytes | null {
    return this.#statements.header.get({ height })?.header ?? null;
  }

  headers(first: bigint, limit: number): Bytes[] {
    return this.#statements.headers.all({ first, limit }).map(({ header }) => header);
  }

  newestHeight(): bigint | null {
    return this.#statements.newest.get()?.height ?? null;
  }

  /** A block in canonical bytes; null when it is not here, or pruned. */
  block(height: bigint): Bytes | null {
    const row = this.#statements.block.get({ height });
    if (row === undefined || row.extras === null) return null;
    const rest = new Uint8Array(HEADER_BYTES + row.extras.length);
    rest.set(row.header);
    rest.set(row.extras, HEADER_BYTES);
    const { transactions: _, ...body } = blockCodec.decode(rest);
    const payments = this.payments(height, 0, Number.MAX_SAFE_INTEGER);
    return blockCodec.encode({
      ...body,
      transactions: payments.map(({ bytes }) => bytes as Bytes),
    });
  }

  payments(height: bigint, first: number, limit: number): StoredPayment[] {
    const from = paymentId(height, first);
    const to = paymentId(height + 1n, 0);
    return this.#statements.payments.all({ from, to, limit }).map(paymentOf);
  }

  payment(txid: Bytes): StoredPayment | null {
    const row = this.#statements.byTxid.get({ prefix: prefixOf(txid), txid });
    return row === undefined ? null : paymentOf(row);
  }

  refusal(txid: Bytes): { height: bigint; code: string } | null {
    return this.#statements.refusal.get({ txid }) ?? null;
  }

  /** The leaf hashes of a block's transactions. Null when they are not here. */
  leaves(height: bigint): Hash[] | null {
    const known = this.#leaves.get(height);
    if (known !== undefined) return known;
    const row = this.#statements.leaves.get({ height });
    if (row === undefined) return null;
    const leaves: Hash[] = [];
    for (let at = 0; at < row.leaves.length; at += 32) {
      leaves.push(row.leaves.slice(at, at + 32) as Hash);
    }
    const { txRoot } = headerCodec.decode(row.header);
    if (leaves.length === 0 && !equalBytes(txRoot, EMPTY_ROOT)) return null;
    if (this.#leaves.size >= LEDGER_LIMITS.cachedBlocks) {
      this.#leaves.delete(this.#leaves.keys().next().value as bigint);
    }
    this.#leaves.set(height, leaves);
    return leaves;
  }

  /** Drops the body of a block. Its header and its transactions' places stay. */
  pruneBody(height: bigint): void {
    this.#statements.dropExtras.run({ height });
    const from = paymentId(height, 0);
    const to = paymentId(height + 1n, 0);
    this.#statements.dropBytes.run({ from, to });
  }

  /** Forgets refusals up to and with a height. */
  pruneRefusals(height: bigint): void {
    this.#statements.dropRefusals.run({ height });
  }

  /** Takes back the block of `height`, the newest. */
  rewind(height: bigint): void {
    this.#leaves.delete(height);
    const from = paymentId(height, 0);
    const to = paymentId(height + 1n, 0);
    this.#statements.dropPayments.run({ from, to });
    this.#statements.dropRefusalsOf.run({ height });
    this.#statements.dropBlock.run({ height });
  }

  /** Counts the transactions in all blocks: slow in a long chain. */
  count(): bigint {
    return this.#statements.count.get()?.count ?? 0n;
  }
}

function paymentId(height: bigint, position: number): bigint {
  return (height << POSITION_BITS) | BigInt(position);
}

/** The first 8 bytes of a txid as SQLite's signed integer. */
function prefixOf(txid: Bytes): bigint {
  return new DataView(txid.buffer, txid.byteOffset).getBigInt64(0);
}

function paymentOf(row: { id: bigint; txid: Bytes; bytes: Bytes | null }): StoredPayment {
  return {
    txid: row.txid as Bytes32,
    height: row.id >> POSITION_BITS,
    position: Number(row.id & ((1n << POSITION_BITS) - 1n)),
    bytes: row.bytes,
  };
}

function prepare({ query }: Database) {
  const value = sql.placeholder;
  const isOfBlock = and(gte(payment.id, value('from')), lt(payment.id, value('to')));
  return {
    addBlock: query
      .insert(block)
      .values({
        height: value('height'),
        header: value('header'),
        leaves: value('leaves'),
        extras: value('extras'),
        bodyBytes: value('bodyBytes'),
      })
      .prepare(),
    addPayment: query
      .insert(payment)
      .values({
        id: value('id'),
        prefix: value('prefix'),
        txid: value('txid'),
        bytes: value('bytes'),
      })
      .prepare(),
    addRefusal: query
      .insert(refusal)
      .values({ txid: value('txid'), height: value('height'), code: value('code') })
      .onConflictDoUpdate({
        target: refusal.txid,
        set: { height: sql.raw('excluded.height'), code: sql.raw('excluded.code') },
      })
      .prepare(),
    header: query
      .select({ header: block.header })
      .from(block)
      .where(eq(block.height, value('height')))
      .prepare(),
    headers: query
      .select({ header: block.header })
      .from(block)
      .where(gte(block.height, value('first')))
      .orderBy(asc(block.height))
      .limit(value('limit'))
      .prepare(),
    newest: query
      .select({ height: block.height })
      .from(block)
      .orderBy(desc(block.height))
      .limit(1)
      .prepare(),
    block: query
      .select({ header: block.header, extras: block.extras })
      .from(block)
      .where(eq(block.height, value('height')))
      .prepare(),
    leaves: query
      .select({ header: block.header, leaves: block.leaves })
      .from(block)
      .where(eq(block.height, value('height')))
      .prepare(),
    payments: query
      .select()
      .from(payment)
      .where(isOfBlock)
      .orderBy(asc(payment.id))
      .limit(value('limit'))
      .prepare(),
    byTxid: query
      .select()
      .from(payment)
      .where(and(eq(payment.prefix, value('prefix')), eq(payment.txid, value('txid'))))
      .orderBy(asc(payment.id))
      .limit(1)
      .prepare(),
    refusal: query
      .select({ height: refusal.height, code: refusal.code })
      .from(refusal)
      .where(eq(refusal.txid, value('txid')))
      .prepare(),
    dropExtras: query
      .update(block)
      .set({ extras: null, bodyBytes: 0 })
      .where(eq(block.height, value('height')))
      .prepare(),
    dropBytes: query.update(payment).set({ bytes: null }).where(isOfBlock).prepare(),
    dropRefusals: query
      .delete(refusal)
      .where(lt(refusal.height, value('height')))
      .prepare(),
    dropPayments: query.delete(payment).where(isOfBlock).prepare(),
    dropRefusalsOf: query
      .delete(refusal)
      .where(eq(refusal.height, value('height')))
      .prepare(),
    dropBlock: query
      .delete(block)
      .where(eq(block.height, value('height')))
      .prepare(),
    count: query.select({ count: sql<bigint>`count(*)` }).from(payment).prepare(),
  };
}
