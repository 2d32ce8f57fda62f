/**
 * The ledger as the main thread sees it: every method a promise, the work on another thread.
 *
 * A block's transactions cross as one buffer: as objects they would cost more than their execution.
 */
import type { Genesis } from 'fanal/chain/genesis.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { BlockInput } from '../core/types.ts';
import type { AsyncLedger, Ledger, RetentionMode } from '../ledger/ledger.ts';
import { type PackedExecuted, packWanted, unpackExecuted, unpackFound } from './ledger-packing.ts';
import { startThread } from './thread.ts';

export interface LedgerThreadData {
  readonly path: string;
  readonly genesis: Genesis;
  readonly mode: RetentionMode;
}

/** A block input without its transactions, which come packed beside it. */
export type PackedBlock = Omit<BlockInput, 'transactions'> & { readonly lengths: Uint32Array };

export type LedgerCalls = Omit<Ledger, 'execute' | 'spendable' | 'close'> & {
  executePacked(block: PackedBlock, packed: Bytes, verified: Uint8Array): PackedExecuted;
  spendablePacked(wanted: Bytes): Bytes;
};

/** Starts the thread and opens the ledger in it. Calls fail with what opening failed with. */
export function startLedger(
  data: LedgerThreadData,
  onFailure: (error: Error) => void,
): AsyncLedger {
  const thread = startThread<LedgerCalls>(
    new URL('./ledger-worker.ts', import.meta.url),
    'ledger',
    data,
    onFailure,
  );
  const own: Partial<AsyncLedger> = {
    execute(block, verified = new Uint8Array(block.transactions.length)) {
      const { transactions, ...rest } = block;
      const { packed, lengths } = pack(transactions);
      return thread
        .call(
          'executePacked',
          [{ ...rest, lengths }, packed, verified],
          [packed.buffer as ArrayBuffer],
        )
        .then(unpackExecuted);
    },
    spendable: (inputs) =>
      thread
        .call('spendablePacked', [packWanted(inputs)])
        .then((found) => unpackFound(inputs, found)),
    close: () => thread.close(),
  };
  return new Proxy(own as AsyncLedger, {
    get(target, name) {
      const known = target[name as keyof AsyncLedger];
      // A proxy that looked like a promise would be awaited.
      if (known !== undefined || typeof name !== 'string' || name === 'then') return known;
      return (...args: unknown[]) => thread.call(name as keyof LedgerCalls, args as never);
    },
  });
}

function pack(transactions: readonly Bytes[]): { packed: Bytes; lengths: Uint32Array } {
  const lengths = Uint32Array.from(transactions, ({ length }) => length);
  const packed = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const transaction of transactions) {
    packed.set(transaction, at);
    at += transaction.length;
  }
  return { packed, lengths };
}
