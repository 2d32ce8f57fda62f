/**
 * Watching: calls back when the proved tip moves, or when a proved address changes.
 */

import { MAX_SUBSCRIPTIONS } from '../chain/limits.ts';
import { FanalError } from '../primitives/errors.ts';
import { listen } from './hints.ts';
import type { AbortSignalLike, Platform } from './platform.ts';
import type { Sources } from './sources.ts';

/** Ends a watch. */
export type StopWatching = () => void;

export interface WatchOptions {
  readonly sources: Sources;
  readonly platform: Platform;
  /** An address in text to be woken for, too. */
  readonly address: string | null;
  /** The height that is known already. */
  readonly after: () => bigint;
  /** Syncs and verifies; called for each hint, and by the clock, never twice at once. */
  readonly onHint: (signal: AbortSignalLike) => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** How long to stay without a look when no hint comes. */
  readonly pollMillis: number;
}

/** Watches that one client may have open. */
export const MAX_WATCHES = MAX_SUBSCRIPTIONS;
const FIRST_RETRY_MILLIS = 500;
const MAX_RETRY_MILLIS = 15_000;

/** Watches until it is told to stop. Errors are reported and watching goes on. */
export function watch(options: WatchOptions): StopWatching {
  const { platform, onHint, onError, pollMillis } = options;
  const controller = platform.abortController();
  const { signal } = controller;
  let wake = () => {};
  let isWoken = true;

  const looking = async () => {
    while (!signal.aborted) {
      if (!isWoken) {
        await Promise.race([
          new Promise<void>((resolve) => {
            wake = resolve;
          }),
          platform.sleep(pollMillis, signal).catch(() => {}),
        ]);
      }
      if (signal.aborted) return;
      isWoken = false;
      await onHint(signal).catch((error: unknown) => {
        if (!signal.aborted) onError(error);
      });
    }
  };

  const listening = async () => {
    for (let failures = 0; !signal.aborted; ) {
      const [source] = options.sources.ranked();
      if (source === undefined) return;
      const started = platform.now();
      const request = { address: options.address, after: options.after(), signal };
      await listen(source, platform, request, () => {
        isWoken = true;
        wake();
      }).catch((error: unknown) => {
        // The clock goes on without a stream: that there is none is no error to report.
        if (!(error instanceof FanalError) && !signal.aborted) failures++;
      });
      failures = platform.now() - started > BigInt(MAX_RETRY_MILLIS) ? 0 : failures + 1;
      const delay = Math.min(MAX_RETRY_MILLIS, FIRST_RETRY_MILLIS * 2 ** Math.min(failures, 10));
      await platform.sleep(jittered(delay, platform), signal).catch(() => {});
    }
  };

  void looking();
  void listening();
  return () => controller.abort();
}

/** Between half and all of a delay, so that clients that were cut off together come back apart. */
function jittered(millis: number, { jitter }: Platform): number {
  return Math.floor(millis * (0.5 + jitter() / 2));
}
