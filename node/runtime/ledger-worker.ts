/**
 * The ledger's own thread: opens it, and answers the main thread's calls one after the other.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { openLedger } from '../ledger/sqlite-ledger.ts';
import type { LedgerCalls, LedgerThreadData } from './ledger-client.ts';
import { packExecuted, packFound, unpackWanted } from './ledger-packing.ts';
import { verifyNatively } from './native-verify.ts';
import { serveThread, threadData } from './thread.ts';

serveThread<LedgerCalls>(() => {
  const data = threadData<LedgerThreadData>();
  const { execute, spendable, close, ...ledger } = openLedger({ ...data, verify: verifyNatively });
  return {
    api: {
      ...ledger,
      executePacked: ({ lengths, ...block }, packed, verified) =>
        packExecuted(execute({ ...block, transactions: unpack(packed, lengths) }, verified)),
      spendablePacked: (packed) => {
        const wanted = unpackWanted(packed);
        return packFound(wanted, spendable(wanted));
      },
    },
    onClose: close,
  };
});

function unpack(packed: Bytes, lengths: Uint32Array): Bytes[] {
  const transactions: Bytes[] = [];
  let at = 0;
  for (const length of lengths) {
    // Copies: whoever keeps one must not keep them all.
    transactions.push(packed.slice(at, at + length));
    at += length;
  }
  return transactions;
}
