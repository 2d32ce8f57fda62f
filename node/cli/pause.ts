/**
 * Waiting between two looks of a command that goes on until it is interrupted.
 */
import { setTimeout } from 'node:timers/promises';

/** Waits so many milliseconds, or until the person has had enough. */
export async function pause(millis: number, signal: AbortSignal): Promise<void> {
  await setTimeout(millis, undefined, { signal }).catch(() => undefined);
}
