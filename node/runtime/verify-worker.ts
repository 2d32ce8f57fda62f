/**
 * A thread that checks Ed25519 signatures with libsodium, behind the protocol's byte filter.
 */
import { parentPort } from 'node:worker_threads';
import { verifyNatively } from './native-verify.ts';
import { unpackItems, type VerifyAnswer, type VerifyTask } from './verify-pool.ts';

parentPort?.on('message', ({ id, packed, count }: VerifyTask) => {
  const verdicts = new Uint8Array(count);
  const results = verifyNatively(unpackItems(packed, count));
  for (let i = 0; i < count; i++) verdicts[i] = results[i] ? 1 : 0;
  parentPort?.postMessage({ id, verdicts } satisfies VerifyAnswer);
});
