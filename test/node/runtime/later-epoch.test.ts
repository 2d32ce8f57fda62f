/** A validator that nothing happens to finds out that the others are in a later epoch. */
import { headerCodec } from 'fanal/chain/header.ts';
import { ZERO_32 } from 'fanal/primitives/bytes.ts';
import { tipAnswerCodec } from 'fanal-node/runtime/exchange.ts';
import { watchForLaterEpoch } from 'fanal-node/runtime/later-epoch.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const EVERY_MILLIS = 1_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The tip of a peer at height 20 of an epoch. */
function tipIn(epoch: number, isLast = false): Uint8Array {
  const header = headerCodec.encode({
    version: 1,
    height: 20n,
    epoch,
    time: 1_790_000_000_000n,
    previousRoot: ZERO_32,
    txRoot: ZERO_32,
    txCount: 0,
    stateRoot: ZERO_32,
    validatorsHash: ZERO_32,
    nextValidatorsHash: isLast ? (new Uint8Array(32).fill(1) as typeof ZERO_32) : ZERO_32,
    commitIndex: 9n,
    commitDigest: ZERO_32,
    consensusSnapshotHash: ZERO_32,
  });
  return tipAnswerCodec.encode({ note: new Uint8Array(0), header });
}

/** How often it was found that epoch 1 is over, after some seconds at a height. */
async function found(tip: Uint8Array | null, isMoving = false): Promise<number> {
  let height = 10n;
  let count = 0;
  const stop = watchForLaterEpoch({
    async *ask() {
      if (tip === null) throw new Error('nobody answers');
      yield tip;
    },
    peers: () => ['peer'],
    executed: () => (isMoving ? ++height : height),
    epoch: () => 1,
    onLater: () => count++,
    everyMillis: EVERY_MILLIS,
  });
  await vi.advanceTimersByTimeAsync(3 * EVERY_MILLIS + 1);
  stop();
  await vi.advanceTimersByTimeAsync(10 * EVERY_MILLIS);
  return count;
}

describe('a validator at whose height nothing happens', () => {
  test('hears of a later epoch from any peer', async () => {
    expect(await found(tipIn(3))).toBe(3);
  });

  test('hears that its own epoch has ended', async () => {
    expect(await found(tipIn(1, true))).toBe(3);
  });

  test('stays where the others are', async () => {
    expect(await found(tipIn(1))).toBe(0);
    expect(await found(tipIn(0, true))).toBe(0);
  });

  test('asks on when nobody answers', async () => {
    expect(await found(null)).toBe(0);
  });

  test('asks nobody while blocks are executed', async () => {
    expect(await found(tipIn(3), true)).toBe(0);
  });
});
