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

/** A run that takes longer than this has an endless loop in it. */
const HANG_MILLIS = 300_000;

/** Runs every plan; the reports come in no particular order. */
export async function runBatch(
  plans: readonly Plan[],
  { jobs, realCrypto }: BatchOptions,
  onReport: (report: RunReport) => void,
): Promise<void> {
  const waiting = plans.values();
  const lanes = Array.from({ length: Math.min(jobs, plans.length) }, async () => {
    let worker = startWorker();
    for (const plan of waiting) {
      const report = await ask(worker, { plan, realCrypto });
      if (report !== null) onReport(report);
      else {
        await worker.terminate();
        worker = startWorker();
        onReport(hungReport(plan.seed));
      }
    }
    await worker.terminate();
  });
  await Promise.all(lanes);
}

function startWorker(): Worker {
  return new Worker(new URL('./worker.ts', import.meta.url));
}

/** Null when there was no answer in time. */
function ask(worker: Worker, task: WorkerTask): Promise<RunReport | null> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      worker.off('message', answered);
      worker.off('error', failed);
    };
    const answered = (report: RunReport) => {
      end();
      resolve(report);
    };
    const failed = (error: unknown) => {
      end();
      reject(error);
    };
    const timer = setTimeout(() => {
      end();
      resolve(null);
    }, HANG_MILLIS);
    worker.on('message', answered);
    worker.on('error', failed);
    worker.postMessage(task);
  });
}

function hungReport(seed: number): RunReport {
  return {
    seed,
    violation: {
      invariant: 'S0',
      message: `no end after ${HANG_MILLIS / 1_000} s of real time`,
      atMillis: 0,
    },
    trace: '',
    virtualSeconds: 0,
    processorSeconds: HANG_MILLIS / 1_000,
    steps: 0,
    commits: 0,
    blocks: 0,
    payments: 0,
    counters: {},
    marks: {},
    kept: {},
  };
}
