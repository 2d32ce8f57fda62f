/**
 * Runs many plans, on one core or on several, and hands over each report as it comes.
 */
import { Worker } from 'node:worker_threads';
import type { Plan } from './plan.ts';
import type { RunReport } from './run.ts';

export interface BatchOptions {
  /** Worker threads; 1 runs everything right here. */
  readonly jobs: number;
  readonly realCrypto: boolean;
}

/** What a worker is sent, and what it answers. */
export interface WorkerTask {
  readonly plan: Plan;
  readonly realCrypto: boolean;
}

/** Runs every plan; the reports come in no particular order. */
export async function runBatch(
  plans: readonly Plan[],
  { jobs, realCrypto }: BatchOptions,
  onReport: (report: RunReport) => void,
): Promise<void> {
  const waiting = plans.values();
  const workers = Array.from(
    { length: Math.min(jobs, plans.length) },
    () => new Worker(new URL('./worker.ts', import.meta.url)),
  );
  await Promise.all(
    workers.map(async (worker) => {
      try {
        for (const plan of waiting) onReport(await ask(worker, { plan, realCrypto }));
      } finally {
        await worker.terminate();
      }
    }),
  );
}

function ask(worker: Worker, task: WorkerTask): Promise<RunReport> {
  return new Promise((resolve, reject) => {
    worker.once('message', (report: RunReport) => {
      worker.off('error', reject);
      resolve(report);
    });
    worker.once('error', reject);
    worker.postMessage(task);
  });
}
