/**
 * The watch for a twin: before keys sign here that came out of a backup, or that a network in
 * motion has never seen sign, the node follows silently. A block that carries newer vertices of
 * these keys gives away that another node signs with them.
 */
import { type Block, blockCodec } from 'fanal/chain/block.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { AsyncLedger } from '../ledger/ledger.ts';
import { RUNTIME_LIMITS } from './limits.ts';

export interface TwinWatchOptions {
  readonly ledger: AsyncLedger;
  readonly vertexKey: Bytes;
  /** How long it watches at least, and over how many blocks. */
  readonly millis: number;
  readonly heights: number;
  readonly signal: AbortSignal;
  /** Takes certified blocks from peers; a failure only costs time. */
  sync(): Promise<unknown>;
  onProgress(text: string): void;
}

/**
 * Watches until it has been quiet for long enough. Where the network stands still, no block comes
 * that could tell; then it ends after a few times as long.
 *
 * @throws {FanalError} `safety/other-instance`
 */
export async function watchForTwin(options: TwinWatchOptions): Promise<void> {
  const { ledger, millis, heights, signal } = options;
  const began = performance.now();
  const first = await ledger.tip();
  // What these keys had sent before the loss may still be committed for a while.
  const silentFrom = BigInt(Date.now() + Math.ceil(millis / RUNTIME_LIMITS.watchGraceParts));
  let seen = first.height;
  // A block holds what was committed since the one before it: that one's time says from when.
  let since = 0n;
  for (;;) {
    signal.throwIfAborted();
    await options.sync().catch(() => {});
    const { height } = await ledger.tip();
    for (; seen < height; seen++) {
      const bytes = await ledger.block(seen + 1n);
      if (bytes === null) continue;
      const block = blockCodec.decode(bytes);
      if (since >= silentFrom) await requireSilence(options, block);
      since = block.header.time;
    }
    const elapsed = performance.now() - began;
    const blocks = Number(seen - first.height);
    const isEnough = blocks >= heights || elapsed >= millis * RUNTIME_LIMITS.watchPatience;
    if (elapsed >= millis && isEnough) return;
    const [at, of] = [elapsed, millis].map((value) => Math.round(value / 1_000));
    options.onProgress(
      `watching for another node with these keys: ${at} of ${of} s, ${blocks} of ${heights} blocks`,
    );
    await new Promise((resolve) => setTimeout(resolve, RUNTIME_LIMITS.watchLookMillis));
  }
}

async function requireSilence(
  { ledger, vertexKey }: TwinWatchOptions,
  { header, committed }: Block,
): Promise<void> {
  const encoded = await ledger.validatorSet(header.validatorsHash);
  const set: ValidatorSet | null = encoded === null ? null : validatorSetCodec.decode(encoded);
  const author = set?.validators.findIndex((one) => equalBytes(one.vertexKey, vertexKey)) ?? -1;
  if ((committed[author] ?? 0) === 0) return;
  throw new FanalError(
    'safety/other-instance',
    `another node signs with this validator’s keys: block ${header.height} carries ${committed[author]} of its vertices, and this node signed none`,
    {
      hint: 'Two copies that sign destroy the validator’s stake. Find the other one, and stop one of them.',
    },
  );
}
