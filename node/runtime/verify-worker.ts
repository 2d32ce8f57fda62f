/**
 * A thread that checks Ed25519 signatures with libsodium, behind the protocol's byte filter.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { checkShape, type TransactionRules } from 'fanal/chain/transaction-check.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { nativeTaggedHash } from '../ledger/native-hash.ts';
import { verifyNatively } from './native-verify.ts';
import { unpackBytes, unpackItems, type VerifyAnswer, type VerifyTask } from './verify-pool.ts';

const rules = workerData as TransactionRules | null;

parentPort?.on('message', ({ id, kind, packed, count }: VerifyTask) => {
  const results =
    kind === 'signatures'
      ? verifyNatively(unpackItems(packed, count))
      : unpackBytes(packed, count).map(verifyTransaction);
  const verdicts = Uint8Array.from(results, (verdict) => (verdict ? 1 : 0));
  parentPort?.postMessage({ id, verdicts } satisfies VerifyAnswer);
});

function verifyTransaction(bytes: Bytes): boolean {
  if (rules === null) return false;
  const verdict = checkShape(bytes, { ...rules, taggedHash: nativeTaggedHash });
  return verdict.kind === 'shaped' && verifyNatively(verdict.shaped.items).every(Boolean);
}
