/**
 * A node that computed another root than the others, made ready to execute again from the last
 * certified block (docs/consensus.md §10, rule K5).
 */
import { existsSync } from 'node:fs';
import { FanalError } from 'fanal/primitives/errors.ts';
import { nativeTaggedHash } from '../ledger/native-hash.ts';
import { openLedger } from '../ledger/sqlite-ledger.ts';
import { readChain } from '../runtime/chain-files.ts';
import type { Home } from '../runtime/home.ts';
import { verifyNatively } from '../runtime/native-verify.ts';
import { openJournal } from '../store/journal.ts';
import { lockFolder } from '../store/lock.ts';

/** What a repair found and did. */
export interface Repair {
  /** What the marker said; null when there was none. */
  readonly divergence: string | null;
  /** The ledger's height before, and after: that of the newest certified block. */
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * Takes back the blocks that nobody certified, and then the marker of a divergence. The sign state
 * stays: nothing that was cosigned is ever cosigned differently. Safe to run again at any point.
 *
 * @throws {FanalError} `cli/not-found` without a ledger, `store/already-running` beside the node
 */
export function repairNode(home: Home): Repair {
  const { genesis } = readChain(home.genesis);
  if (!existsSync(home.ledger)) {
    throw new FanalError('cli/not-found', `there is no ledger in ${home.data}`);
  }
  const lock = lockFolder(home.root, `pid ${process.pid}, repairing`);
  try {
    const ledger = openLedger({ path: home.ledger, genesis, verify: verifyNatively });
    try {
      const { height: from } = ledger.tip();
      const { height: to } = ledger.discardUncertified();
      // Dying here leaves the marker, and so a node that does not sign: run it again.
      return { divergence: clearMarker(home), from, to };
    } finally {
      ledger.close();
    }
  } finally {
    lock.release();
  }
}

/** What the marker said, now that it is gone. */
function clearMarker(home: Home): string | null {
  if (!existsSync(home.journal)) return null;
  const journal = openJournal({ path: home.journal, hash: nativeTaggedHash, signing: null });
  try {
    const divergence = journal.divergence();
    if (divergence !== null) journal.clearDivergence();
    return divergence;
  } finally {
    journal.close();
  }
}
