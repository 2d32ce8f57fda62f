/**
 * The ledger's own limits: how much it keeps, caches and does at a time on this machine.
 */
export const LEDGER_LIMITS = {
  /** Tile levels of the header log: 256^4 headers. */
  tileLevels: 4,
  /** Full tiles kept in memory, 8 KiB each. */
  cachedTiles: 512,
  /** Pages of the database kept in memory. The system keeps more of them than any node could. */
  cacheMebibytes: 16,
  /** Block bodies that a pruned ledger keeps: a week of half seconds. */
  keptBlocks: 1_209_600n,
  /** Certified states that stay provable, besides the newest. */
  provableStates: 128n,
  /** Certified checkpoints kept besides each epoch's last. */
  checkpoints: 1_024n,
  /** Blocks whose refused transactions are remembered. */
  refusalBlocks: 10_000n,
  /** Addresses kept in memory between blocks. */
  cachedAddresses: 20_000,
  /** Coins that stand in their address's own row; an address with more has rows for them. */
  fewCoins: 24,
  /** An address that had more goes back to its own row at so many. */
  fewAgain: 8,
  /** Leaves of coin maps in memory beyond which the coldest are dropped. */
  cachedCoins: 200_000,
  /** Blocks whose transaction hashes are kept for proofs. */
  cachedBlocks: 64,
  /** Validator sets kept in memory. */
  cachedSets: 16,
  /** Blocks pruned in one call. */
  prunedBlocks: 16,
  /** Reports of the certifier that wait for one write. */
  cosigningReports: 64n,
  /** Headers in one answer. */
  headers: 256,
  /** Changes in states that were taken back, after which the tree is made anew. */
  abandonedChanges: 500_000,
} as const;
