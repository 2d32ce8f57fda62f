/**
 * Catching up by blocks: executes what a peer has, up to the start of the peer's epoch. From there
 * on a validator gets the rest from the consensus itself.
 */
import { headerCodec } from 'fanal/chain/header.ts';
import { equalBytes } from 'fanal/primitives/bytes.ts';
import type { SimLedger } from './ledger.ts';
import type { SimNode } from './node.ts';
import { Violation } from './observer.ts';

/** Brings a ledger to the start of the peer's epoch; false when it is there already. */
export function catchUp(ledger: SimLedger, peer: SimNode): boolean {
  const last = peer.ledger.blocks.find(({ next }) => next?.epoch === peer.record.epoch);
  if (last === undefined || last.header.height < ledger.height) return false;
  for (const { header, input } of peer.ledger.blocks) {
    if (header.height <= ledger.height || header.height > last.header.height) continue;
    const own = ledger.execute(input);
    if (!equalBytes(headerCodec.encode(own.header), headerCodec.encode(header))) {
      throw new Violation('S9', `block ${header.height} comes out otherwise after a ledger sync`);
    }
  }
  ledger.handOver();
  return true;
}
