/**
 * Looks for a later epoch when nothing happens in this one.
 *
 * A validator that was cut off while its epoch ended, and is no member of the next one, gets no
 * message that would tell it: members write to members. But any peer says how far its ledger is.
 */
import { endsEpoch } from 'fanal/chain/header.ts';
import type { PeerName } from '../network/identity.ts';
import { askTip, type LedgerSyncOptions, readTip } from './ledger-sync.ts';
import { RUNTIME_LIMITS } from './limits.ts';

export interface LaterEpochOptions {
  readonly ask: LedgerSyncOptions['ask'];
  readonly peers: () => readonly PeerName[];
  /** Height of the last executed block. */
  readonly executed: () => bigint;
  /** The epoch that consensus is in. */
  readonly epoch: () => number;
  /** A peer's ledger is past that epoch, by its own word; what it says is checked by catching up. */
  readonly onLater: () => void;
  readonly everyMillis?: number;
}

/** Asks one peer after the other as long as no block is executed. Returns how to stop. */
export function watchForLaterEpoch(options: LaterEpochOptions): () => void {
  let height = options.executed();
  let turn = 0;
  let isAsking = false;
  const look = async () => {
    const before = height;
    height = options.executed();
    const peers = options.peers();
    if (height > before || isAsking || peers.length === 0) return;
    isAsking = true;
    try {
      const tip = await askTip(options, peers[turn++ % peers.length] as PeerName);
      const header = readTip(tip.header);
      if (header === null || options.executed() > height) return;
      const hasEnded = endsEpoch(header) && header.height > height;
      const epoch = hasEnded ? header.epoch + 1 : header.epoch;
      if (epoch > options.epoch()) options.onLater();
    } catch {
      // The next peer in turn may answer.
    } finally {
      isAsking = false;
    }
  };
  const timer = setInterval(
    () => void look(),
    options.everyMillis ?? RUNTIME_LIMITS.behindForMillis,
  );
  return () => clearInterval(timer);
}
