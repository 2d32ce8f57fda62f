/**
 * Catching up by blocks: certified headers from any peer, bodies executed again here.
 *
 * Epoch by epoch. In each, a checkpoint is certified by the set that this node's own ledger has for
 * the epoch; every block is proved to stand in that checkpoint's log before it is executed; and
 * executing it must give its header. So peers can only withhold, and then another one is asked.
 */
import { blockHeader } from 'fanal/chain/block.ts';
import { endsEpoch, type Header, headerCodec } from 'fanal/chain/header.ts';
import type { CertifiedCheckpoint } from 'fanal/checkpoint/certify.ts';
import { certify } from 'fanal/checkpoint/certify.ts';
import { parseCheckpointNote } from 'fanal/checkpoint/cosigned.ts';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { handoverCodec, takeHandover } from 'fanal/light/handover.ts';
import { headerProofCodec, verifyHeaderProof } from 'fanal/light/header-proof.ts';
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import { FanalError, VerificationError } from 'fanal/primitives/errors.ts';
import type { CertifiedCheckpoint as Certificate } from '../core/types.ts';
import type { AsyncLedger, Encoded, ExecutedBlock } from '../ledger/ledger.ts';
import type { PeerName } from '../network/identity.ts';
import type { AskOptions } from '../network/requests.ts';
import {
  blockAnswerCodec,
  exchangeRequestCodec,
  type TipAnswer,
  tipAnswerCodec,
} from './exchange.ts';
import { RUNTIME_LIMITS } from './limits.ts';

export interface LedgerSyncOptions {
  readonly origin: string;
  readonly ledger: AsyncLedger;
  readonly verify: VerifyBatch;
  /** Asks one peer. */
  ask(peer: PeerName, request: Bytes, options?: AskOptions): AsyncGenerator<Bytes>;
  /** Peers that may be asked, best first. */
  peers(): readonly PeerName[];
  /** A peer's answer was wrong, or none. */
  onFault(peer: PeerName, fault: 'falseAnswer' | 'unresponsive'): void;
  /** A block was executed; `target` is the certified height that we are on the way to. */
  onBlock(executed: ExecutedBlock, target: bigint): void | Promise<void>;
  readonly signal: AbortSignal;
}

/** Where a leg of the way ends: a checkpoint of the current epoch, certified by its set. */
interface Target {
  readonly epoch: number;
  readonly checkpoint: CertifiedCheckpoint;
}

/**
 * Goes on until no peer is ahead of this node any more.
 *
 * @param untilEpochStart stop at the start of the newest epoch: a validator gets the rest from the
 *   consensus itself
 * @returns the height reached
 */
export async function syncLedger(
  options: LedgerSyncOptions,
  untilEpochStart: boolean,
): Promise<bigint> {
  const { ledger, signal } = options;
  for (;;) {
    signal.throwIfAborted();
    const target = await nextTarget(options, untilEpochStart);
    if (target === null) return (await ledger.tip()).height;
    await syncTo(options, target);
    const { knowsVersion } = await ledger.info();
    if (!knowsVersion) return (await ledger.tip()).height;
  }
}

/** The next checkpoint to go to, asked of one peer after the other; null when none is ahead. */
async function nextTarget(
  options: LedgerSyncOptions,
  untilEpochStart: boolean,
): Promise<Target | null> {
  let failure: unknown = null;
  for (const peer of options.peers()) {
    try {
      const target = await targetOf(options, peer, untilEpochStart);
      if (target !== null) return target;
      failure = null;
    } catch (error) {
      options.signal.throwIfAborted();
      blame(options, peer, error);
      failure = error;
    }
  }
  if (failure !== null) throw failure;
  return null;
}

async function targetOf(
  options: LedgerSyncOptions,
  peer: PeerName,
  untilEpochStart: boolean,
): Promise<Target | null> {
  const { ledger, origin, verify } = options;
  const [own, certified, current] = await Promise.all([
    ledger.tip(),
    ledger.certifiedTip(),
    ledger.epoch(),
  ]);
  const tip = await askTip(options, peer);
  const header = readTip(tip.header);
  const isBehind = header !== null && header.height + 1n <= certified.size;
  if (header !== null && (header.epoch < current.epoch || isBehind)) return null;
  // An epoch that has ended is behind us, though the next one may not have a block yet.
  const isOver = header !== null && untilEpochStart && endsEpoch(header);
  if (header?.epoch === current.epoch && !isOver) {
    if (untilEpochStart) return null;
    const note = new TextDecoder().decode(tip.note);
    const cosigned = parseCheckpointNote(note, origin, current.validators);
    const checkpoint = await certify(cosigned, origin, current.validators, verify);
    return { epoch: current.epoch, checkpoint };
  }
  const request = exchangeRequestCodec.encode({ kind: 'handover', epoch: current.epoch });
  const handover = handoverCodec.decode(await only(options.ask(peer, request)));
  const { checkpoint, header: last } = await takeHandover(
    { origin, epoch: current.epoch, validators: current.validators },
    handover,
    verify,
  );
  if (last.height < own.height) {
    throw new FanalError(
      'safety/divergence',
      `epoch ${current.epoch} ended at height ${last.height}, and this node is at ${own.height}`,
    );
  }
  return { epoch: current.epoch, checkpoint };
}

/**
 * A peer's newest header; null when it is of a protocol version that is not known here. Such a peer
 * is in a later epoch, or lies: the handover of ours says which.
 */
export function readTip(bytes: Bytes): Header | null {
  try {
    return headerCodec.decode(bytes);
  } catch (error) {
    if (error instanceof FanalError && error.code === 'decode/version') return null;
    throw error;
  }
}

/** Fetches and executes blocks up to a checkpoint, from whoever has them. */
async function syncTo(options: LedgerSyncOptions, { epoch, checkpoint }: Target): Promise<void> {
  const { ledger, signal } = options;
  let attempts = 0;
  for (;;) {
    signal.throwIfAborted();
    const tip = await ledger.tip();
    if (tip.size >= checkpoint.size) break;
    const peers = options.peers();
    const peer = peers[attempts % Math.max(1, peers.length)];
    if (peer === undefined) throw new FanalError('network/no-peers', 'no peer to sync from');
    try {
      await syncBlocks(options, peer, tip.height + 1n, checkpoint);
      attempts = 0;
    } catch (error) {
      signal.throwIfAborted();
      blame(options, peer, error);
      if (isFatal(error) || ++attempts >= RUNTIME_LIMITS.syncPeers * Math.max(1, peers.length)) {
        throw error;
      }
    }
  }
  const tip = await ledger.tip();
  if (tip.size === checkpoint.size && !equalBytes(tip.root, checkpoint.root)) {
    throw new FanalError(
      'safety/divergence',
      `this node’s log of ${tip.size} headers has another root than the certified one`,
    );
  }
  await ledger.certified(toCertificate(checkpoint, epoch));
}

async function syncBlocks(
  options: LedgerSyncOptions,
  peer: PeerName,
  first: bigint,
  checkpoint: CertifiedCheckpoint,
): Promise<void> {
  const { ledger } = options;
  const request = exchangeRequestCodec.encode({
    kind: 'blocks',
    first,
    count: RUNTIME_LIMITS.syncBlocks,
    at: checkpoint.size,
  });
  let height = first;
  for await (const bytes of options.ask(peer, request)) {
    const answer = blockAnswerCodec.decode(bytes);
    const header = verifyHeaderProof(headerProofCodec.decode(answer.proof), checkpoint);
    if (
      header.height !== height ||
      !equalBytes(headerCodec.encode(header), headerCodec.encode(blockHeader(answer.block)))
    ) {
      throw new VerificationError(
        'sync/block',
        'block',
        `block ${height} with its header`,
        `block ${header.height} or another header`,
      );
    }
    // Executing checks the body: what does not give this header is thrown away.
    const executed = await ledger.apply(answer.block as Encoded<'Block'>);
    await options.onBlock(executed, checkpoint.size - 1n);
    height++;
  }
  if (height === first) throw new FanalError('network/answer', 'the peer sent no block');
}

/** A checked note in the form in which consensus and ledger hand certificates around. */
export function toCertificate(checkpoint: CertifiedCheckpoint, epoch: number): Certificate {
  const { size, root } = checkpoint;
  return {
    epoch,
    size,
    root,
    cosignatures: checkpoint.cosignatures.map(({ validator, time, signature }) => ({
      author: validator,
      cosignature: { size, root, time, signature },
    })),
  };
}

/** A peer's newest certified tip. Nothing of it is checked yet. */
export async function askTip(
  options: Pick<LedgerSyncOptions, 'ask'>,
  peer: PeerName,
): Promise<TipAnswer> {
  const request = exchangeRequestCodec.encode({ kind: 'tip' });
  return tipAnswerCodec.decode(await only(options.ask(peer, request, { timeoutMillis: 5_000 })));
}

async function only(frames: AsyncGenerator<Bytes>): Promise<Bytes> {
  for await (const bytes of frames) return bytes;
  throw new FanalError('network/answer', 'the peer answered with nothing');
}

function blame(options: LedgerSyncOptions, peer: PeerName, error: unknown): void {
  if (!(error instanceof FanalError)) return;
  const isFalse =
    error.name === 'VerificationError' ||
    error.name === 'DecodeError' ||
    error.code === 'ledger/divergent-block';
  if (isFalse) options.onFault(peer, 'falseAnswer');
  else if (error.code === 'network/answer') options.onFault(peer, 'unresponsive');
}

/** Errors that no other peer can mend. */
function isFatal(error: unknown): boolean {
  const code = error instanceof FanalError ? error.code : '';
  return code.startsWith('store/') || code.startsWith('safety/') || code.startsWith('internal/');
}
