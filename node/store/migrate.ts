/**
 * Brings a database to the newest format: numbered SQL files, forward only, each in one
 * transaction with the number it leads to.
 *
 * drizzle-kit writes the files and their list (`migrations/README.md`). A file that was applied may
 * never change, and a database from a newer program is refused rather than read wrongly.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type Sqlite from 'better-sqlite3';
import type { DatabaseKind } from './database.ts';
import { StoreError } from './errors.ts';

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly hash: Uint8Array;
}

const FOLDER = new URL('../../migrations/node/', import.meta.url);

/** Reads the migrations of a kind of database, in order. */
export function readMigrations(kind: DatabaseKind, folder: URL = FOLDER): readonly Migration[] {
  const list = JSON.parse(readFileSync(new URL(`${kind}/meta/_journal.json`, folder), 'utf8')) as {
    entries: { idx: number; tag: string }[];
  };
  return list.entries.map(({ idx, tag }) => {
    const sql = readFileSync(new URL(`${kind}/${tag}.sql`, folder), 'utf8');
    return { number: idx + 1, name: tag, sql, hash: createHash('sha256').update(sql).digest() };
  });
}

/**
 * Applies what is missing.
 *
 * @throws {StoreError} `store/newer-format` or `store/migration-changed`
 */
export function migrate(
  client: Sqlite.Database,
  kind: DatabaseKind,
  migrations: readonly Migration[] = readMigrations(kind),
): void {
  const version = Number(client.pragma('user_version', { simple: true }));
  if (version > migrations.length) {
    throw new StoreError(
      'store/newer-format',
      `the ${kind} database has format ${version}, this program knows ${migrations.length}`,
      { hint: 'Run the newer program that wrote it, or start from a snapshot.' },
    );
  }
  checkApplied(client, kind, migrations.slice(0, version));
  for (const migration of migrations.slice(version)) {
    // A crash inside leaves the format before; the number and the tables change together.
    client
      .transaction(() => {
        client.exec(migration.sql);
        client.exec(LIST_TABLE);
        client
          .prepare('INSERT INTO migration (number, name, hash) VALUES (?, ?, ?)')
          .run(migration.number, migration.name, migration.hash);
        client.pragma(`user_version = ${migration.number}`);
      })
      .immediate();
  }
}

const LIST_TABLE = `CREATE TABLE IF NOT EXISTS migration (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL
) STRICT`;

function checkApplied(
  client: Sqlite.Database,
  kind: DatabaseKind,
  applied: readonly Migration[],
): void {
  if (applied.length === 0) return;
  const rows = client.prepare('SELECT number, hash FROM migration ORDER BY number').all() as {
    number: bigint;
    hash: Uint8Array;
  }[];
  for (const migration of applied) {
    const row = rows[migration.number - 1];
    if (row === undefined || Buffer.compare(row.hash, migration.hash) !== 0) {
      throw new StoreError(
        'store/migration-changed',
        `migration ${migration.name} of the ${kind} database is not the one that was applied`,
        { hint: 'A released migration never changes: install the program again.' },
      );
    }
  }
}
