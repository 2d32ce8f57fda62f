/**
 * The node's log: JSON lines on stderr, or readable ones where a person watches.
 */

import { FanalError } from 'fanal/primitives/errors.ts';
import { type LevelWithSilent, type Logger, pino } from 'pino';

export type Log = Logger;

/** Lines are cut here: nothing that a peer sends may fill the disk. */
const MAX_TEXT = 2_000;

export async function openLog(level: LevelWithSilent, name: string): Promise<Log> {
  const options = {
    level,
    base: name === '' ? null : { node: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (process.stderr.isTTY !== true) return pino(options, pino.destination({ fd: 2, sync: true }));
  const { PinoPretty } = await import('pino-pretty');
  return pino(options, PinoPretty({ destination: 2, sync: true, ignore: 'pid,hostname,node' }));
}

/** An error's code, message and hint; the stack only for what should never happen. */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error).slice(0, MAX_TEXT) };
  const message = error.message.slice(0, MAX_TEXT);
  if (error instanceof FanalError) {
    const { code, hint } = error;
    const isOurs = code.startsWith('internal/');
    return { code, message, ...(hint && { hint }), ...(isOurs && { stack: error.stack }) };
  }
  return { message, stack: error.stack?.slice(0, MAX_TEXT) };
}
