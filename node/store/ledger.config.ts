/** What drizzle-kit needs to write the ledger database's migrations (`make-migrations.ts`). */
export default {
  dialect: 'sqlite',
  schema: 'node/store/ledger-schema.ts',
  out: 'migrations/node/ledger',
};
