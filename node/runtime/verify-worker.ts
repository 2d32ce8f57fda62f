/**
 * A thread that checks Ed25519 signatures with libsodium, behind the protocol's byte filter.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { TransactionRules } from 'fanal/chain/transaction-check.ts';
import { verifyNatively, verifyTransaction } from './native-verify.ts';
import { unpackBytes, unpackItems, type VerifyAnswer, type VerifyTask } from './verify-pool.ts';

const rules = workerData as TransactionRules | null;

parentPort?.on('message', ({ id, kind, packed, count }: VerifyTask) => {
  const results =
    kind === 'signatures'
      ? verifyNatively(unpackItems(packed, count))
      : unpackBytes(packed, count).map(
          (bytes) => rules !== null && verifyTransaction(bytes, rules),
        );
  const verdicts = Uint8Array.from(results, (verdict) => (verdict ? 1 : 0));
  parentPort?.postMessage({ id, verdicts } satisfies VerifyAnswer);
});
