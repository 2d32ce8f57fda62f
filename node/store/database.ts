/**
 * One SQLite file, opened the one safe way: WAL, `synchronous=FULL`, integers as `bigint`, only
 * files that are ours, migrations applied, and no use after a failed write.
 */
import Sqlite from 'better-sqlite3';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { drizzle } from './drizzle.ts';
import { isDiskError, StoreError, storeError } from './errors.ts';
import { STORE_LIMITS } from './limits.ts';
import { migrate } from './migrate.ts';

/** Which of our databases a file is: written into its header, so that no other is ever opened. */
export type DatabaseKind = 'ledger' | 'journal';

const APPLICATION_IDS: Record<DatabaseKind, number> = {
  ledger: 0x466e_4c01,
  journal: 0x466e_4a01,
};

export interface DatabaseOptions {
  readonly path: string;
  readonly kind: DatabaseKind;
  /** Open for reading beside the process that writes: no migration, no change. */
  readonly readOnly?: boolean;
  readonly cacheMebibytes?: number;
  /** Every commit waits for the disk. Only a file that can be made again may do without. */
  readonly durable?: boolean;
}

export interface Database {
  readonly path: string;
  /** Typed queries. Prepare those that run often: an unprepared one is twenty times slower. */
  readonly query: BetterSQLite3Database;
  /** The driver itself, for pragmas and streaming. */
  readonly client: Sqlite.Database;
  /**
   * Runs `work` in one transaction. When it returns, the changes are on disk; when it throws,
   * there are none. A disk error makes the database refuse everything that follows.
   *
   * @throws {StoreError}
   */
  transaction<T>(work: () => T): T;
  /** Runs a read, with disk errors made typed. */
  read<T>(work: () => T): T;
  sizeBytes(): number;
  close(): void;
}

/**
 * Opens a database, making it first where there is none.
 *
 * @throws {StoreError} `store/foreign-file`, `store/newer-format`, `store/migration-changed`, …
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { path, kind, readOnly = false, durable = true } = options;
  const client = openClient(path, readOnly);
  try {
    checkOwner(client, path, kind, readOnly);
    client.defaultSafeIntegers(true);
    client.pragma(
      `cache_size = -${(options.cacheMebibytes ?? STORE_LIMITS.cacheMebibytes) * 1024}`,
    );
    client.pragma('trusted_schema = off');
    client.pragma('temp_store = memory');
    client.pragma(`busy_timeout = ${STORE_LIMITS.busyMillis}`);
    if (!readOnly) {
      client.pragma('journal_mode = wal');
      client.pragma(`journal_size_limit = ${STORE_LIMITS.walBytes}`);
      client.pragma(`wal_autocheckpoint = ${STORE_LIMITS.walPages}`);
      client.pragma(`synchronous = ${durable ? 'full' : 'off'}`);
      migrate(client, kind);
    }
  } catch (cause) {
    client.close();
    throw isDiskError(cause) ? storeError(`opening ${path}`, cause) : cause;
  }
  return wrap(path, client);
}

function openClient(path: string, readOnly: boolean): Sqlite.Database {
  try {
    return new Sqlite(path, { readonly: readOnly, fileMustExist: readOnly });
  } catch (cause) {
    throw storeError(`opening ${path}`, cause);
  }
}

/** A file with tables in it must carry our mark; an empty one gets it. */
function checkOwner(
  client: Sqlite.Database,
  path: string,
  kind: DatabaseKind,
  readOnly: boolean,
): void {
  const expected = APPLICATION_IDS[kind];
  const found = Number(client.pragma('application_id', { simple: true }));
  if (found === expected) return;
  const tables = client.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (found !== 0 || tables !== 0 || readOnly) {
    throw new StoreError(
      'store/foreign-file',
      `${path} is not a ${kind} database of this program`,
      {
        hint: 'Only files that the node itself made are opened. Move this one away.',
      },
    );
  }
  client.pragma(`application_id = ${expected}`);
}

function wrap(path: string, client: Sqlite.Database): Database {
  let failure: StoreError | undefined;

  function guarded<T>(what: string, work: () => T): T {
    if (failure !== undefined) throw failure;
    try {
      return work();
    } catch (cause) {
      if (!isDiskError(cause)) throw cause;
      failure = storeError(`${what} ${path}`, cause);
      throw failure;
    }
  }

  // `immediate` takes the write lock at once, so a second writer shows here and not half-way.
  const runner = client.transaction((work: () => unknown) => work());
  return {
    path,
    client,
    query: drizzle(client),
    transaction: (work) =>
      guarded('writing', () => runner.immediate(work as () => unknown)) as ReturnType<typeof work>,
    read: (work) => guarded('reading', work),
    sizeBytes() {
      const pages = client.pragma('page_count', { simple: true }) as number;
      const size = client.pragma('page_size', { simple: true }) as number;
      return Number(pages) * Number(size);
    },
    close() {
      client.close();
    },
  };
}
