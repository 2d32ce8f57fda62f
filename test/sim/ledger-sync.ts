/**
 * Catching up by blocks from peers that can be reached: blocks are executed again, and must come out
 * as the certified headers say.
 *
 * How a node defends itself against peers that lie here is tested with the real one; in the
 * simulator only honest peers are asked.
 */
import { headerCodec } from 'fanal/chain/header.ts';
import { equalBytes } from 'fanal/primitives/bytes.ts';
import type { SimNode } from './node.ts';
import { Violation } from './observer.ts';
import type { World } from './world.ts';

/** Brings a validator to the start of the newest epoch that a peer is in. */
export function catchUp(node: SimNode, world: World): void {
  for (const peer of world.reachable(node.validator)) {
    const { epoch, startHeight } = peer.ledger.beginning().epoch;
    if (epoch > node.ledger.beginning().epoch.epoch) take(node, peer, startHeight, world);
  }
}

/** Brings a follower to the newest certified block of a peer. */
export function follow(node: SimNode, world: World): void {
  const peers = world.reachable(node.validator);
  if (peers.length === 0) return;
  const peer = node.random.pick(peers);
  take(node, peer, peer.ledger.certifiedSize - 1n, world);
}

function take(node: SimNode, peer: SimNode, upTo: bigint, world: World): void {
  const { ledger } = node;
  // What was executed wrongly here is for the operator to take back.
  if (ledger.wrong || peer.ledger.wrong || upTo <= ledger.certifiedSize - 1n) return;
  for (const { header, input } of peer.ledger.blocks.slice(Number(ledger.height))) {
    if (header.height > upTo) break;
    const own = ledger.execute(input);
    if (!equalBytes(headerCodec.encode(own.header), headerCodec.encode(header))) {
      if (ledger.wrong) {
        // A node refuses a block that does not come out as certified; the operator sees to it.
        ledger.rewind(own.header.height - 1n);
        return;
      }
      throw new Violation('S9', `block ${header.height} comes out otherwise after a ledger sync`);
    }
    for (const observer of world.observers) observer.executed?.(node, own);
  }
  const certificate = peer.ledger.certificate(upTo + 1n);
  if (certificate !== undefined) ledger.certify(certificate);
  world.ledgerSynced(node);
}
