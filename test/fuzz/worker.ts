/**
 * One thread of a fuzz run.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { answerTargets } from './answers.ts';
import { decoderTargets } from './decoders.ts';
import { nodeDecoderTargets } from './node-decoders.ts';
import { fuzz } from './run.ts';

export interface WorkerTask {
  readonly seed: number;
  readonly mutations: number;
  readonly seconds: number;
  readonly only: string | null;
}

export type WorkerMessage =
  | { readonly kind: 'progress'; readonly mutations: number }
  | { readonly kind: 'done'; readonly report: Awaited<ReturnType<typeof fuzz>> };

const { seed, mutations, seconds, only } = workerData as WorkerTask;
const post = (message: WorkerMessage) => parentPort?.postMessage(message);

// Answers are what can lie, so they get three of four mutations.
const answers = answerTargets();
const all = [...answers, ...answers, ...answers, ...decoderTargets(), ...nodeDecoderTargets()];
const targets = only === null ? all : all.filter(({ name }) => name.includes(only));
const end = performance.now() + seconds * 1_000;
const report = await fuzz(
  targets,
  seed,
  (count) => count >= mutations || (count % 64 === 0 && performance.now() >= end),
  (count) => post({ kind: 'progress', mutations: count }),
);
post({ kind: 'done', report });
