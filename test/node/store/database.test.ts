import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DatabaseKind, openDatabase } from '../../../node/store/database.ts';
import { lockFolder } from '../../../node/store/lock.ts';
import { migrate, readMigrations } from '../../../node/store/migrate.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-database-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = () => join(folder, 'data.sqlite');
const open = (kind: DatabaseKind = 'ledger') => openDatabase({ path: path(), kind });
const coded = (code: string) => expect.objectContaining({ code });

describe('a database', () => {
  test.each<DatabaseKind>(['ledger', 'journal'])(
    'of kind %s is durable, and every table of it strict',
    (kind) => {
      const { client, close } = open(kind);
      expect(client.pragma('journal_mode', { simple: true })).toBe('wal');
      expect(client.pragma('synchronous', { simple: true })).toBe(2n);
      const tables = client.pragma('table_list') as {
        schema: string;
        name: string;
        strict: bigint;
      }[];
      const ours = tables.filter(
        ({ schema, name }) => schema === 'main' && name !== 'sqlite_schema',
      );
      expect(ours.length).toBeGreaterThan(5);
      expect(ours.filter(({ strict }) => strict !== 1n)).toEqual([]);
      close();
    },
  );

  test('keeps every u64 exactly', () => {
    const { client, close } = open();
    const values = [2n ** 53n + 1n, 2n ** 63n - 1n];
    for (const value of values) {
      const row = client.prepare('SELECT ? AS value').get(value) as { value: bigint };
      expect(row.value).toBe(value);
    }
    close();
  });

  test('of another program is not opened', () => {
    const other = new Sqlite(path());
    other.exec('CREATE TABLE theirs (id INTEGER)');
    other.close();
    expect(() => open()).toThrow(coded('store/foreign-file'));
  });

  test('of one kind is not opened as the other', () => {
    open('ledger').close();
    expect(() => open('journal')).toThrow(coded('store/foreign-file'));
  });

  test('that is no database at all is refused', () => {
    writeFileSync(path(), 'x'.repeat(5_000));
    expect(() => open()).toThrow(coded('store/corrupt'));
  });

  test('that a newer program wrote is refused', () => {
    const database = open();
    database.client.pragma('user_version = 99');
    database.close();
    expect(() => open()).toThrow(coded('store/newer-format'));
  });

  test('refuses everything after a write has failed', () => {
    const database = open();
    const fail = () =>
      database.transaction(() => {
        throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
      });
    expect(fail).toThrow(coded('store/disk-full'));
    expect(() => database.transaction(() => 1)).toThrow(coded('store/disk-full'));
    expect(() => database.read(() => 1)).toThrow(coded('store/disk-full'));
    database.close();
  });

  test('goes on after an error of ours, with nothing of it written', () => {
    const database = open();
    const insert = () =>
      database.client.prepare("INSERT INTO meta (name, value) VALUES ('a', x'01')").run();
    expect(() =>
      database.transaction(() => {
        insert();
        throw new Error('ours');
      }),
    ).toThrow('ours');
    const count = () => database.client.prepare('SELECT count(*) FROM meta').pluck().get();
    expect(count()).toBe(0n);
    database.transaction(insert);
    expect(count()).toBe(1n);
    database.close();
  });
});

describe('migrations', () => {
  const steps = (...statements: string[]) =>
    statements.map((sql, i) => ({
      number: i + 1,
      name: `step-${i + 1}`,
      sql,
      hash: Buffer.from(sql.padEnd(32).slice(0, 32)),
    }));

  test('are applied in order, each once', () => {
    const client = new Sqlite(path());
    const all = steps(
      'CREATE TABLE a (n INTEGER) STRICT; INSERT INTO a VALUES (1)',
      'UPDATE a SET n = n + 1',
    );
    migrate(client, 'ledger', all.slice(0, 1));
    migrate(client, 'ledger', all);
    migrate(client, 'ledger', all);
    expect(client.prepare('SELECT n FROM a').pluck().get()).toBe(2);
    client.close();
  });

  test('that fail half-way leave the format before', () => {
    const client = new Sqlite(path());
    const [first, broken] = steps('CREATE TABLE a (n INTEGER) STRICT', 'DROP TABLE a; NONSENSE');
    migrate(client, 'ledger', [first as never]);
    expect(() => migrate(client, 'ledger', [first as never, broken as never])).toThrow();
    expect(client.pragma('user_version', { simple: true })).toBe(1);
    expect(client.prepare('SELECT count(*) FROM a').pluck().get()).toBe(0);
    client.close();
  });

  test('that were changed after they were applied are noticed', () => {
    const client = new Sqlite(path());
    migrate(client, 'ledger', steps('CREATE TABLE a (n INTEGER) STRICT'));
    expect(() => migrate(client, 'ledger', steps('CREATE TABLE b (n INTEGER) STRICT'))).toThrow(
      coded('store/migration-changed'),
    );
    client.close();
  });

  test('are numbered without a gap, and make every table strict', () => {
    for (const kind of ['ledger', 'journal'] as const) {
      const migrations = readMigrations(kind);
      expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, i) => i + 1));
      for (const { sql } of migrations) {
        for (const statement of sql.match(/CREATE TABLE[\s\S]*?;/g) ?? []) {
          expect(statement).toMatch(/STRICT;$/);
        }
      }
    }
  });
});

describe('the lock of a folder', () => {
  test('is held by one, and free again once released', () => {
    const lock = lockFolder(folder, 'pid 1');
    expect(() => lockFolder(folder, 'pid 2')).toThrow(coded('store/already-running'));
    expect(() => lockFolder(folder, 'pid 2')).toThrow('pid 1');
    lock.release();
    lockFolder(folder, 'pid 2').release();
  });

  test('ends with the process that held it, however that ended', async () => {
    const source = `
      const { lockFolder } = await import(${JSON.stringify(new URL('../../../node/store/lock.ts', import.meta.url).href)});
      lockFolder(${JSON.stringify(folder)}, 'the child');
      console.log('locked');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(() => lockFolder(folder, 'us')).toThrow('the child');
    expect(readFileSync(join(folder, 'instance.txt'), 'utf8')).toBe('the child\n');
    child.kill('SIGKILL');
    await once(child, 'exit');
    lockFolder(folder, 'us').release();
  });
});
