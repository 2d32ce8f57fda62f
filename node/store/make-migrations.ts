/**
 * Writes the next migration of each database from its schema: `node node/store/make-migrations.ts`.
 *
 * drizzle-kit writes the SQL and its list. It knows neither STRICT nor WITHOUT ROWID, so every
 * table it creates gets them here: STRICT always, WITHOUT ROWID where the key is not one integer.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

for (const kind of ['ledger', 'journal']) {
  const made = spawnSync(
    'drizzle-kit',
    ['generate', `--config=node/store/${kind}.config.ts`, ...process.argv.slice(2)],
    {
      cwd: fileURLToPath(ROOT),
      stdio: 'inherit',
    },
  );
  if (made.status !== 0) process.exit(made.status ?? 1);
  const folder = new URL(`migrations/node/${kind}/`, ROOT);
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.sql'))) {
    const sql = readFileSync(new URL(file, folder), 'utf8');
    const strict = makeStrict(sql);
    if (strict !== sql) writeFileSync(new URL(file, folder), strict);
  }
}

function makeStrict(sql: string): string {
  return sql.replace(/CREATE TABLE [\s\S]*?\n\);/g, (statement) => {
    const hasRowid = /`\w+` integer PRIMARY KEY/.test(statement);
    return statement.replace(/\);$/, hasRowid ? ') STRICT;' : ') WITHOUT ROWID, STRICT;');
  });
}
