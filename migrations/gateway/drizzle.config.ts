import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'sqlite',
  driver: 'durable-sqlite',
  schema: './workers/chain/schema.ts',
  out: './migrations/gateway',
});
