/**
 * The parts of drizzle-orm that we use, from its CommonJS files.
 *
 * Node reads a package's `package.json` again for each ES module it loads from it, and drizzle's
 * has 180 kB: a hundred modules took a third of a second in each thread that opens a database, and
 * take a tenth of that this way.
 */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

const orm: typeof import('drizzle-orm') = load('drizzle-orm');
export const { and, asc, desc, eq, gt, gte, lt, lte, notInArray, sql } = orm;

const core: typeof import('drizzle-orm/sqlite-core') = load('drizzle-orm/sqlite-core');
export const { customType, index, primaryKey, sqliteTable, text, uniqueIndex } = core;

const driver: typeof import('drizzle-orm/better-sqlite3') = load('drizzle-orm/better-sqlite3');
export const { drizzle } = driver;
