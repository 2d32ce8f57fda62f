import { watchForTwin } from 'fanal-node/runtime/twin-watch.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AsyncLedger } from '../../../node/ledger/ledger.ts';
import { LedgerChain } from '../../support/ledger-chain.ts';

let chain: LedgerChain;
beforeEach(() => {
  chain = new LedgerChain();
});
afterEach(() => chain.close());

/** Watches for the first validator while every look brings a block with these vertices in it. */
async function watch(committed: (look: number) => readonly number[], ahead = 3_600_000n) {
  let looks = 0;
  const said: string[] = [];
  const { tip, block, validatorSet } = chain.ledger;
  // The chain's own clock is far behind: its next block comes at the time of the watch.
  const now = BigInt(Date.now()) - chain.ledger.tip().header.time;
  await watchForTwin({
    ledger: {
      tip: async () => tip(),
      block: async (height: bigint) => block(height),
      validatorSet: async (hash: never) => validatorSet(hash),
    } as unknown as AsyncLedger,
    vertexKey: chain.validators[0]!.validator.vertexKey,
    ...{ millis: 700, heights: 2, signal: new AbortController().signal },
    sync: async () => {
      const millis = looks === 0 ? now + ahead : 500n;
      chain.block([], { rewards: committed(looks++), millis });
      chain.certify();
    },
    onProgress: (text) => said.push(text),
  });
  return said;
}

it('ends after its time when nobody else signs with the keys', async () => {
  const said = await watch(() => [0, 3, 3, 3]);
  expect(said[0]).toContain('1 of 2 blocks');
});

it('refuses to sign when blocks carry vertices of the keys that this node did not make', async () => {
  await expect(watch((look) => [look === 1 ? 2 : 0, 3, 3, 3])).rejects.toMatchObject({
    code: 'safety/other-instance',
    message: expect.stringContaining('2 of its vertices'),
  });
});

it('does not take what was committed before the watch for a twin’s because its block came later', async () => {
  const said = await watch((look) => [look === 0 ? 39 : 0, 3, 3, 3]);
  expect(said.length).toBeGreaterThan(0);
});

it('does not take vertices from just before the loss for a twin’s', async () => {
  expect((await watch(() => [1, 3, 3, 3], -10_000n)).length).toBeGreaterThan(0);
});
