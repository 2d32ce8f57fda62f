import { blockCodec } from 'fanal/chain/block.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { AsyncLedger, Ledger } from 'fanal-node/ledger/ledger.ts';
import {
  blockAnswerCodec,
  exchangeRequestCodec,
  tipAnswerCodec,
} from 'fanal-node/runtime/exchange.ts';
import { type LedgerSyncOptions, syncLedger } from 'fanal-node/runtime/ledger-sync.ts';
import { verifyNatively } from 'fanal-node/runtime/native-verify.ts';
import { answerWith } from 'fanal-node/runtime/serve.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COIN, LedgerChain } from '../../support/ledger-chain.ts';

/** What a peer does to the frames of its answers. */
type Spoil = (kind: string, frame: Bytes) => Bytes | null;

let chain: LedgerChain;
let own: Ledger;
const faults: string[] = [];

beforeEach(() => {
  chain = new LedgerChain();
  own = chain.open(`${chain.folder}/own.sqlite`);
  faults.length = 0;
});
afterEach(() => {
  own.close();
  chain.close();
});

/** Makes blocks with a payment each, the last of them certified. */
function makeBlocks(count: number, last = false): void {
  for (let i = 0; i < count; i++) chain.block([], { last: last && i === count - 1 });
  chain.certify();
}

const asynchronous = (ledger: Ledger): AsyncLedger =>
  new Proxy({} as AsyncLedger, {
    get: (_, name) =>
      name === 'then'
        ? undefined
        : async (...args: unknown[]) =>
            (ledger as unknown as Record<string, (...given: unknown[]) => unknown>)[
              name as string
            ]?.(...args),
  });

function peers(behaviours: Record<string, Spoil>): LedgerSyncOptions {
  const answer = answerWith({
    ledger: asynchronous(chain.ledger),
    submit: async () => [],
    peers: () => [],
    dialBack: async () => 'elsewhere' as const,
    snapshots: null,
  });
  return {
    origin: chain.start.origin,
    ledger: asynchronous(own),
    verify: verifyNatively,
    peers: () => Object.keys(behaviours),
    async *ask(peer, request) {
      const { kind } = exchangeRequestCodec.decode(request);
      for await (const frame of answer(request, new AbortController().signal)) {
        const spoilt = (behaviours[peer] as Spoil)(kind, frame);
        if (spoilt === null) throw new FanalError('network/answer', 'no answer');
        yield spoilt;
      }
    },
    onFault: (peer, fault) => faults.push(`${peer} ${fault}`),
    onBlock: () => {},
    signal: new AbortController().signal,
  };
}

const honest: Spoil = (_kind, frame) => frame;
const expectSame = () => {
  expect(toHex(own.tip().root)).toBe(toHex(chain.ledger.tip().root));
  expect(own.certifiedTip().size).toBe(chain.ledger.certifiedTip().size);
};

describe('catching up by blocks', () => {
  test('reaches the certified tip with the same root, over many batches', async () => {
    makeBlocks(150);
    expect(await syncLedger(peers({ anna: honest }), false)).toBe(150n);
    expectSame();
    expect(faults).toEqual([]);
  });

  test('executes payments again', async () => {
    const coin = chain.genesisCoin('alice');
    chain.block([chain.pay('alice', coin, 'carol', 5n * COIN).bytes]);
    chain.certify();
    await syncLedger(peers({ anna: honest }), false);
    expectSame();
    expect(own.stats().coins).toBe(chain.ledger.stats().coins);
  });

  test('goes through the ends of epochs by their handovers', async () => {
    makeBlocks(5, true);
    makeBlocks(4, true);
    makeBlocks(3);
    await syncLedger(peers({ anna: honest }), false);
    expectSame();
    expect(own.epoch().epoch).toBe(2);
  });

  test('a validator stops where the newest epoch begins', async () => {
    makeBlocks(5, true);
    makeBlocks(3);
    expect(await syncLedger(peers({ anna: honest }), true)).toBe(5n);
    expect(own.epoch().epoch).toBe(1);
  });

  test('a validator goes on to an epoch that has begun and has no block yet', async () => {
    makeBlocks(5);
    await syncLedger(peers({ anna: honest }), false);
    makeBlocks(3, true);
    expect(await syncLedger(peers({ anna: honest }), true)).toBe(8n);
    expect(own.epoch().epoch).toBe(1);
    // Nobody is ahead any more.
    expect(await syncLedger(peers({ anna: honest }), true)).toBe(8n);
  });

  test('has nothing to do when nobody is ahead', async () => {
    makeBlocks(3);
    await syncLedger(peers({ anna: honest }), false);
    expect(await syncLedger(peers({ anna: honest }), false)).toBe(3n);
  });

  test('blocks above the certified tip are not taken', async () => {
    makeBlocks(3);
    chain.block();
    await syncLedger(peers({ anna: honest }), false);
    expect(own.tip().height).toBe(3n);
  });
});

describe('a peer that lies', () => {
  test('about a block’s payments is named, and another one serves', async () => {
    const coin = chain.genesisCoin('alice');
    chain.block([chain.pay('alice', coin, 'carol', 5n * COIN).bytes]);
    chain.certify();
    const liar: Spoil = (kind, frame) => {
      if (kind !== 'blocks') return frame;
      const answer = blockAnswerCodec.decode(frame);
      const block = { ...blockCodec.decode(answer.block), transactions: [] };
      return blockAnswerCodec.encode({ ...answer, block: blockCodec.encode(block) });
    };
    await syncLedger(peers({ liar, anna: honest }), false);
    expectSame();
    expect(faults).toEqual(['liar falseAnswer']);
  });

  test('about a header is named, and another one serves', async () => {
    makeBlocks(2);
    const liar: Spoil = (kind, frame) => {
      if (kind !== 'blocks') return frame;
      const answer = blockAnswerCodec.decode(frame);
      const block = blockCodec.decode(answer.block);
      const forged = { ...block, header: { ...block.header, time: block.header.time + 1n } };
      return blockAnswerCodec.encode({ ...answer, block: blockCodec.encode(forged) });
    };
    await syncLedger(peers({ liar, anna: honest }), false);
    expectSame();
    expect(faults).toEqual(['liar falseAnswer']);
  });

  test('about the tip is named; without another one nothing is taken', async () => {
    makeBlocks(2);
    const liar: Spoil = (kind, frame) => {
      if (kind !== 'tip') return frame;
      const tip = tipAnswerCodec.decode(frame);
      const note = new TextDecoder().decode(tip.note).replace('\n3\n', '\n4\n');
      return tipAnswerCodec.encode({ ...tip, note: new TextEncoder().encode(note) });
    };
    await expect(syncLedger(peers({ liar }), false)).rejects.toMatchObject({
      name: 'VerificationError',
    });
    expect(own.tip().height).toBe(0n);
    expect(faults).toEqual(['liar falseAnswer']);
    await syncLedger(peers({ liar, anna: honest }), false);
    expectSame();
  });

  test('by silence is passed over', async () => {
    makeBlocks(2);
    const silent: Spoil = (kind, frame) => (kind === 'blocks' ? null : frame);
    await syncLedger(peers({ silent, anna: honest }), false);
    expectSame();
    expect(faults).toEqual(['silent unresponsive']);
  });

  test('by garbage in any answer never brings anything in', async () => {
    makeBlocks(2);
    for (const kind of ['tip', 'blocks']) {
      const noise: Spoil = (asked, frame) =>
        asked === kind ? new Uint8Array(frame.length).fill(0xff) : frame;
      await expect(syncLedger(peers({ noise }), false)).rejects.toThrow();
      expect(own.tip().height).toBe(0n);
    }
  });
});
