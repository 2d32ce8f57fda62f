/** What drizzle-kit writes for Durable Objects: the journal, and each migration's SQL as text. */
declare const bundle: {
  journal: { entries: { idx: number; when: number; tag: string; breakpoints: boolean }[] };
  migrations: Record<string, string>;
};
export default bundle;
