/**
 * What can go wrong with the disk. Every one of these stops the node: after a failed write it
 * does not know what is stored, and guessing is how money is lost.
 */
import { FanalError } from 'fanal/primitives/errors.ts';

/**
 * The disk refused, lost or garbled something. The process that sees one stops, keeping its data.
 */
export class StoreError extends FanalError {
  constructor(
    code: `store/${string}`,
    message: string,
    details: { hint?: string; cause?: unknown } = {},
  ) {
    super(code, message, details);
    this.name = 'StoreError';
  }
}

/** Another process already runs on this folder: the command line exits with 9. */
export class AlreadyRunningError extends FanalError {
  constructor(folder: string, holder: string) {
    super('store/already-running', `${folder} is in use by ${holder}`, {
      hint: 'One folder, one node. Stop the other process, or give this one a folder of its own.',
    });
    this.name = 'AlreadyRunningError';
  }
}

/** SQLite's result codes that deserve a hint of their own. */
const HINTS: readonly (readonly [prefix: string, code: `store/${string}`, hint: string])[] = [
  ['SQLITE_FULL', 'store/disk-full', 'Free some disk space, then start again: nothing is lost.'],
  ['SQLITE_IOERR', 'store/io', 'The disk reports errors. Look at the system log before a restart.'],
  ['SQLITE_CORRUPT', 'store/corrupt', 'Restore a snapshot, or sync again; keep the old files.'],
  ['SQLITE_NOTADB', 'store/corrupt', 'This is no database of ours. Restore a snapshot.'],
  ['SQLITE_READONLY', 'store/read-only', 'Check the owner and the mode of the data folder.'],
  ['SQLITE_CANTOPEN', 'store/open', 'Check that the folder exists and belongs to this user.'],
  ['SQLITE_BUSY', 'store/busy', 'Another program holds the database open. Stop it.'],
  ['SQLITE_PERM', 'store/permission', 'Check the owner and the mode of the data folder.'],
];

/** Makes a `StoreError` of whatever SQLite or the file system threw. */
export function storeError(what: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const name = codeOf(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  const known = HINTS.find(([prefix]) => name.startsWith(prefix));
  if (known !== undefined) {
    return new StoreError(known[1], `${what}: ${message} (${name})`, { hint: known[2], cause });
  }
  if (name === 'ENOSPC') {
    return new StoreError('store/disk-full', `${what}: ${message}`, {
      hint: 'Free some disk space, then start again: nothing is lost.',
      cause,
    });
  }
  return new StoreError('store/failed', `${what}: ${message}`, { cause });
}

/** Says whether an error came from SQLite or the file system rather than from our own code. */
export function isDiskError(cause: unknown): boolean {
  return cause instanceof StoreError || /^(SQLITE_|E[A-Z]+$)/.test(codeOf(cause));
}

function codeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return '';
  return typeof cause.code === 'string' ? cause.code : '';
}
