/**
 * The page's end of the line to its verifying worker.
 */
import { signal } from '@preact/signals';
import type {
  ClimbView,
  FromPage,
  FromWorker,
  Notice,
  Refusal,
  RequestName,
  Requests,
  SignaturesView,
  TipView,
  Verdict,
  WalletView,
} from './model.ts';

/** Blocks kept for the strip at the top. */
const STRIP_LENGTH = 24;
/** A recovery is told for so long. */
const RECOVERY_MILLIS = 20_000;

/** What the page shows; only the worker's notices change it. */
export const verdict = signal<Verdict>({ kind: 'syncing', note: 'starting the verifier' });
export const tips = signal<readonly TipView[]>([]);
export const signatures = signal<SignaturesView | null>(null);
export const climb = signal<ClimbView | null>(null);
export const wallet = signal<WalletView | null>(null);
/** Validators that a server reports as not signing now. */
export const silent = signal<readonly string[]>([]);
/** What was wrong until a moment ago, and is mended. */
export const recovery = signal<Recovery | null>(null);

/** The end of a time without fresh answers. */
export interface Recovery {
  readonly from: 'stale' | 'offline' | 'refused';
  readonly seconds: number;
  /** Blocks that arrived meanwhile and have been checked since. */
  readonly blocks: number;
}

/** The worker refused: `message` says why, `hint` what to do. */
export class RefusedError extends Error {
  readonly code: string;
  readonly hint: string | null;
  readonly step: string | null;

  constructor({ code, message, hint, step }: Refusal) {
    super(message);
    this.name = 'RefusedError';
    this.code = code;
    this.hint = hint;
    this.step = step;
  }
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

const worker = new Worker(new URL('./verifier/worker.ts', import.meta.url), { type: 'module' });
const waiting = new Map<number, Waiting>();
let lastId = 0;

worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
  if ('notice' in data) return take(data.notice);
  const call = waiting.get(data.id);
  waiting.delete(data.id);
  if ('refusal' in data) call?.reject(new RefusedError(data.refusal));
  else call?.resolve(data.answer);
});

worker.addEventListener('error', (event) => {
  verdict.value = {
    kind: 'refused',
    step: 'start',
    reason: event.message || 'the verifier stopped',
    code: 'page/worker',
    hint: 'Load the page again.',
  };
});

/**
 * Asks the worker, which verifies before it answers.
 *
 * @throws {RefusedError} when it refuses, with the step that did
 */
export function ask<Name extends RequestName>(
  name: Name,
  question: Requests[Name]['ask'],
): Promise<Requests[Name]['answer']> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
    worker.postMessage({ id, name, ask: question } as FromPage);
  });
}

function take(notice: Notice): void {
  switch (notice.kind) {
    case 'verdict':
      judge(notice.verdict);
      return;
    case 'tip':
      if (tips.value[0]?.height === notice.tip.height) return;
      tips.value = [notice.tip, ...tips.value].slice(0, STRIP_LENGTH);
      return;
    case 'signatures':
      signatures.value = notice.view;
      return;
    case 'climb':
      climb.value = notice.climb;
      return;
    case 'silent':
      silent.value = notice.names;
      return;
    case 'wallet':
      wallet.value = notice.wallet;
      return;
  }
}

let trouble: {
  readonly from: Recovery['from'];
  readonly at: number;
  readonly height: number;
} | null = null;

/** Takes a verdict, and remembers a bad time so that its end can be told. */
export function judge(next: Verdict): void {
  verdict.value = next;
  const height = Number(tips.value[0]?.height ?? 0);
  if (next.kind === 'stale' || next.kind === 'offline' || next.kind === 'refused') {
    trouble ??= { from: next.kind, at: Date.now(), height };
    recovery.value = null;
    return;
  }
  if (next.kind !== 'fresh' || trouble === null) return;
  const { from, at, height: before } = trouble;
  trouble = null;
  const told = { from, seconds: (Date.now() - at) / 1000, blocks: height - before };
  recovery.value = told;
  setTimeout(() => {
    if (recovery.value === told) recovery.value = null;
  }, RECOVERY_MILLIS);
}
