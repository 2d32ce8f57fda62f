/**
 * One node a folder. The lock is a file lock held by the operating system, so it cannot go stale:
 * it ends with the process, however that ends.
 *
 * SQLite takes the lock for us, in the same way on every platform; a note beside it says who holds
 * it, for the message alone.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { AlreadyRunningError, storeError } from './errors.ts';

export interface InstanceLock {
  release(): void;
}

/**
 * Takes the folder for this process.
 *
 * @param holder who takes it, for the other's message: `pid 1234 since …`
 * @throws {AlreadyRunningError} when another process has it
 */
export function lockFolder(folder: string, holder: string): InstanceLock {
  const path = join(folder, 'instance.lock');
  const note = join(folder, 'instance.txt');
  const client = take(path, () => new AlreadyRunningError(folder, readHolder(note)));
  writeFileSync(note, `${holder}\n`, { mode: 0o600 });
  return {
    release() {
      rmSync(note, { force: true });
      client.close();
    },
  };
}

function take(path: string, refuse: () => Error): Sqlite.Database {
  let client: Sqlite.Database | undefined;
  try {
    client = new Sqlite(path, { timeout: 0 });
    client.pragma('journal_mode = memory');
    client.exec('BEGIN EXCLUSIVE');
    return client;
  } catch (cause) {
    client?.close();
    const code = (cause as { code?: string }).code ?? '';
    throw code.startsWith('SQLITE_BUSY') ? refuse() : storeError(`locking ${path}`, cause);
  }
}

function readHolder(note: string): string {
  try {
    return readFileSync(note, 'utf8').trim().slice(0, 200);
  } catch {
    return 'another process';
  }
}
