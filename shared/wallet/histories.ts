/**
 * One history of several addresses: newest first, a transaction that touched more than one of them
 * told once.
 */
import { type Bytes32, equalBytes } from '../primitives/bytes.ts';
import type { HistoryItem } from './client-types.ts';

/** A line of the wallet's history: what a transaction did to all its addresses together. */
export interface WalletHistoryItem {
  readonly trust: 'proved';
  readonly txid: Bytes32;
  readonly height: bigint;
  readonly position: number;
  /** Units that came to and left the wallet's addresses; change is in both. */
  readonly received: bigint;
  readonly spent: bigint;
}

/** Merges histories that each come newest first. Reads of each only as far as it is asked. */
export async function* mergeHistories(
  streams: readonly AsyncGenerator<HistoryItem, void, void>[],
): AsyncGenerator<WalletHistoryItem, void, void> {
  const heads: { stream: AsyncGenerator<HistoryItem, void, void>; item: HistoryItem }[] = [];
  const pull = async (stream: AsyncGenerator<HistoryItem, void, void>) => {
    const { done, value } = await stream.next();
    if (done !== true) heads.push({ stream, item: value });
  };
  try {
    for (const stream of streams) await pull(stream);
    while (heads.length > 0) {
      const newest = heads.reduce((a, b) => (isNewer(b.item, a.item) ? b : a)).item;
      const same = heads.filter(
        ({ item }) =>
          item.height === newest.height &&
          item.position === newest.position &&
          equalBytes(item.txid, newest.txid),
      );
      const { txid, height, position } = newest;
      yield {
        ...{ trust: 'proved' as const, txid, height, position },
        received: same.reduce((sum, { item }) => sum + item.received, 0n),
        spent: same.reduce((sum, { item }) => sum + item.spent, 0n),
      };
      for (const head of same) {
        heads.splice(heads.indexOf(head), 1);
        await pull(head.stream);
      }
    }
  } finally {
    for (const stream of streams) await stream.return();
  }
}

function isNewer(a: HistoryItem, b: HistoryItem): boolean {
  return a.height === b.height ? a.position > b.position : a.height > b.height;
}
