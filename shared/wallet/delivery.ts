/**
 * Sending through bad times: a payment is offered again until a server takes it or refuses it for
 * a reason of its own. Safe, because it stays the same transaction.
 */
import type { ProblemCode } from '../api/problem.ts';
import type { Broadcast } from './client-types.ts';
import type { Draft } from './draft.ts';
import { NetworkError, ProblemError, RateLimitError } from './errors.ts';
import type { AbortSignalLike } from './platform.ts';
import type { Wallet } from './wallet.ts';

export interface DeliverOptions {
  readonly signal?: AbortSignalLike;
  /** How long to go on offering it; half a minute by default. */
  readonly forMillis?: number;
  /** Told about each failure that is not the last. */
  readonly onRetry?: (error: Error) => void;
}

const FOR_MILLIS = 30_000;
const PAUSE_MILLIS = 1_500;

/** What a server says about the payment, not about itself. */
const FINAL: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'transaction-invalid',
  'transaction-conflict',
  'fee-too-low',
  'invalid-request',
  'payload-too-large',
]);

/** Sends a draft, again and again while servers cannot be reached or cannot answer. */
export async function deliver(
  wallet: Wallet,
  draft: Draft,
  { signal, forMillis = FOR_MILLIS, onRetry = () => {} }: DeliverOptions = {},
): Promise<Broadcast> {
  const { platform } = wallet.client;
  const until = platform.now() + BigInt(forMillis);
  for (;;) {
    try {
      return await wallet.send(draft, signal === undefined ? {} : { signal });
    } catch (error) {
      const wait = pauseAfter(error);
      if (wait === null || platform.now() + BigInt(wait) > until) throw error;
      onRetry(error as Error);
      await platform.sleep(wait, signal);
    }
  }
}

/** Milliseconds to wait before the next try; null when another would end the same. */
function pauseAfter(error: unknown): number | null {
  if (error instanceof RateLimitError) return error.retryAfter * 1_000;
  if (error instanceof NetworkError) return PAUSE_MILLIS;
  if (error instanceof ProblemError && !FINAL.has(error.problem)) return PAUSE_MILLIS;
  return null;
}
