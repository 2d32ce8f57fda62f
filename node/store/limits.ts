/**
 * The store's own limits: sizes of caches, files and chunks on this machine.
 */
const MIB = 1024 * 1024;

export const STORE_LIMITS = {
  /** Pages of a database kept in memory, where nothing else is said. */
  cacheMebibytes: 64,
  /** Those of the journal, which is written at its end and hardly read. */
  journalCacheMebibytes: 4,
  /** How long a reader waits for a writer of the same file. */
  busyMillis: 5_000,
  /** Pages in the write-ahead log after which they are written back: often the same page many times. */
  walPages: 16_384,
  /** The write-ahead log is cut back to this size. */
  walBytes: 64 * MIB,
  /** A sign-state file is a few hundred bytes; anything larger is not one. */
  signStateBytes: 4_096,
  /** Journal writes that may wait in memory for the next durable one. */
  lazyBytes: 8 * MIB,
  /** Rounds below the garbage-collection round that are kept for peers; further back they sync blocks. */
  servedRounds: 4_096,
  /** Rows that one step removes at most. */
  prunedRows: 1_000,
  /** Certificates kept in the journal. */
  certificates: 256n,
} as const;
