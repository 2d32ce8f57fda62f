/** Runs the plans that `batch.ts` sends, one after the other. */
import { parentPort } from 'node:worker_threads';
import type { WorkerTask } from './batch.ts';
import { realCore } from './real-core.ts';
import { run } from './run.ts';

parentPort?.on('message', ({ plan, realCrypto }: WorkerTask) => {
  void run(plan, { makeCore: realCore, realCrypto }).then((report) => {
    parentPort?.postMessage(report);
  });
});
