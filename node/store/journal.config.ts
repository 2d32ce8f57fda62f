/** What drizzle-kit needs to write the consensus journal's migrations (`make-migrations.ts`). */
export default {
  dialect: 'sqlite',
  schema: 'node/store/journal-schema.ts',
  out: 'migrations/node/journal',
};
