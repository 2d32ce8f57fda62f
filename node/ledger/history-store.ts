/**
 * The histories of addresses: their lines on disk, and the proofs that a page of them is complete.
 *
 * Every 256th line the hash of the subtree below is kept, so that the deepest look-up hashes a few
 * hundred lines. A node that began with a snapshot has no lines from before it, only the subtrees
 * that make up the history as it was then: enough to prove every later page.
 */

import { HISTORY_ENTRY_BYTES, type HistoryEntry } from 'fanal/chain/history-entry.ts';
import {
  appendLeaf,
  type CompactRange,
  foldPlan,
  type NodeCoordinate,
  peakNodes,
  rangeNodes,
  rangeRoot,
} from 'fanal/merkle/list.ts';
import { listRoot } from 'fanal/merkle/list-proof.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import type { Database } from '../store/database.ts';
import { and, asc, eq, gte, lt, sql } from '../store/drizzle.ts';
import { history, historyBase, historyNode } from '../store/ledger-schema.ts';
import { type Account, decodePeaks } from './account.ts';
import { nativeListHasher, nativeSha256 } from './native-hash.ts';

/** Levels between two that are kept. */
const STEP = 8;

export class HistoryStore {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#statements = prepare(database);
  }

  /** Appends lines to an account's history, inside the caller's transaction. */
  append(account: Account, entries: readonly HistoryEntry[]): { size: bigint; root: Hash } {
    let range: CompactRange = { size: account.record.historySize, nodes: account.peaks };
    for (const entry of entries) {
      this.#statements.add.run({ addressId: account.id, index: range.size, ...entry });
      range = appendLeaf(
        range,
        historyLeaf(entry),
        ({ level, index }, hash) => {
          if (level === 0 || level % STEP !== 0) return;
          this.#statements.addNode.run({ addressId: account.id, level, index, hash });
        },
        nativeListHasher,
      );
    }
    account.peaks = range.nodes;
    return { size: range.size, root: rangeRoot(range, nativeListHasher) };
  }

  /** Lines from number `first` on, at most `limit`, of a history of `size` lines. */
  entries(addressId: number, first: bigint, limit: number, size: bigint): HistoryEntry[] {
    const end = first + BigInt(limit) < size ? first + BigInt(limit) : size;
    if (first >= end) return [];
    const rows = this.#statements.between.all({ addressId, first, end });
    if (BigInt(rows.length) !== end - first) throw pruned(first);
    return rows.map((row) => ({
      height: row.height,
      position: row.position,
      txid: row.txid as Bytes32,
      received: row.received,
      spent: row.spent,
    }));
  }

  /** The hashes beside the lines from `first` to `end` in a history of `size` lines. */
  rangePath(addressId: number, first: bigint, end: bigint, size: bigint): Hash[] {
    if (first >= end) return [];
    const plan = rangeNodes(first, end, size);
    return foldPlan(plan, (node) => this.#hash(addressId, node), nativeListHasher);
  }

  /** The complete subtrees of the first `size` lines. */
  peaks(addressId: number, size: bigint): Hash[] {
    return peakNodes(size).map((node) => this.#hash(addressId, node));
  }

  /** Where the lines that are kept begin: nowhere, or what a snapshot had. */
  base(addressId: number): CompactRange {
    const base = this.#statements.base.get({ addressId });
    if (base === undefined) return { size: 0n, nodes: [] };
    return { size: base.size, nodes: decodePeaks(base.peaks) };
  }

  /** Takes back the lines from number `size` on. */
  truncate(addressId: number, size: bigint): void {
    this.#statements.truncate.run({ addressId, size });
    for (const { level, index } of this.#statements.nodesOf.all({ addressId })) {
      if ((index + 1n) << BigInt(level) <= size) continue;
      this.#statements.removeNode.run({ addressId, level, index });
    }
  }

  /** Keeps the subtrees of a history whose lines are not here. */
  importBase(addressId: number, size: bigint, peaks: Bytes): void {
    this.#statements.addBase.run({ addressId, size, peaks });
  }

  #hash(addressId: number, node: NodeCoordinate): Hash {
    const kept = this.#statements.node.get({ addressId, ...node });
    if (kept !== undefined) return kept.hash as Hash;
    if (node.level <= STEP) {
      const width = 2 ** node.level;
      const leaves = this.#leaves(addressId, node.index << BigInt(node.level), width);
      if (leaves.length === width) return listRoot(leaves, nativeListHasher);
    }
    const peak = this.#peak(addressId, node);
    if (peak !== null) return peak;
    if (node.level === 0) throw pruned(node.index);
    const below = { level: node.level - 1, index: node.index << 1n };
    const left = this.#hash(addressId, below);
    const right = this.#hash(addressId, { ...below, index: below.index + 1n });
    return nativeListHasher.node(left, right);
  }

  /** A subtree that came with a snapshot. */
  #peak(addressId: number, { level, index }: NodeCoordinate): Hash | null {
    const base = this.#statements.base.get({ addressId });
    if (base === undefined) return null;
    const place = peakNodes(base.size).findIndex(
      (node) => node.level === level && node.index === index,
    );
    return place < 0 ? null : (base.peaks.slice(place * 32, place * 32 + 32) as Hash);
  }

  #leaves(addressId: number, first: bigint, width: number): Hash[] {
    const rows = this.#statements.between.all({ addressId, first, end: first + BigInt(width) });
    return rows.map((row) => historyLeaf({ ...row, txid: row.txid as Bytes32 }));
  }
}

// Leaves are hashed several times a transaction, so they are written into the same bytes each time.
const leaf = new Uint8Array(1 + HISTORY_ENTRY_BYTES);
const leafView = new DataView(leaf.buffer);

/** The leaf hash of a line: SHA-256(0x00 ‖ entry). */
export function historyLeaf({ height, position, txid, received, spent }: HistoryEntry): Hash {
  leafView.setBigUint64(1, height);
  leafView.setUint32(9, position);
  leaf.set(txid, 13);
  leafView.setBigUint64(45, received);
  leafView.setBigUint64(53, spent);
  return nativeSha256(leaf);
}

function pruned(index: bigint): FanalError {
  return new FanalError('ledger/pruned', `history line ${index} is not kept here`, {
    hint: 'This node began with a snapshot. Ask one that has the whole chain.',
  });
}

function prepare({ query }: Database) {
  const value = sql.placeholder;
  return {
    add: query
      .insert(history)
      .values({
        addressId: value('addressId'),
        index: value('index'),
        height: value('height'),
        position: value('position'),
        txid: value('txid'),
        received: value('received'),
        spent: value('spent'),
      })
      .prepare(),
    between: query
      .select()
      .from(history)
      .where(
        and(
          eq(history.addressId, value('addressId')),
          gte(history.index, value('first')),
          lt(history.index, value('end')),
        ),
      )
      .orderBy(asc(history.index))
      .prepare(),
    addBase: query
      .insert(historyBase)
      .values({ addressId: value('addressId'), size: value('size'), peaks: value('peaks') })
      .prepare(),
    base: query
      .select()
      .from(historyBase)
      .where(eq(historyBase.addressId, value('addressId')))
      .prepare(),
    truncate: query
      .delete(history)
      .where(and(eq(history.addressId, value('addressId')), gte(history.index, value('size'))))
      .prepare(),
    addNode: query
      .insert(historyNode)
      .values({
        addressId: value('addressId'),
        level: value('level'),
        index: value('index'),
        hash: value('hash'),
      })
      .prepare(),
    node: query
      .select({ hash: historyNode.hash })
      .from(historyNode)
      .where(
        and(
          eq(historyNode.addressId, value('addressId')),
          eq(historyNode.level, value('level')),
          eq(historyNode.index, value('index')),
        ),
      )
      .prepare(),
    nodesOf: query
      .select({ level: historyNode.level, index: historyNode.index })
      .from(historyNode)
      .where(eq(historyNode.addressId, value('addressId')))
      .orderBy(asc(historyNode.level), asc(historyNode.index))
      .prepare(),
    removeNode: query
      .delete(historyNode)
      .where(
        and(
          eq(historyNode.addressId, value('addressId')),
          eq(historyNode.level, value('level')),
          eq(historyNode.index, value('index')),
        ),
      )
      .prepare(),
  };
}
