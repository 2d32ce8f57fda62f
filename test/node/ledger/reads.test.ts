import { blockCodec } from 'fanal/chain/block.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { PARAMETERS_KEY } from 'fanal/chain/state-keys.ts';
import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { parseCheckpointNote } from 'fanal/checkpoint/cosigned.ts';
import { noteFromBytes } from 'fanal/checkpoint/note.ts';
import { addressProofCodec, verifyAddressProof } from 'fanal/light/address-proof.ts';
import { coinsPageCodec, finishCoins, NO_COINS_YET, takeCoinsPage } from 'fanal/light/coins.ts';
import type { VerifiedHeader } from 'fanal/light/header-proof.ts';
import { headerProofCodec, verifyHeaderProof } from 'fanal/light/header-proof.ts';
import { historyPageCodec, verifyHistoryPage } from 'fanal/light/history.ts';
import { receiptCodec, verifyReceipt } from 'fanal/light/receipt.ts';
import { stateProofCodec, verifyParams } from 'fanal/light/state-proof.ts';
import { transactionProofCodec, verifyTransactionProof } from 'fanal/light/transaction-proof.ts';
import { trustGenesis } from 'fanal/light/trust-genesis.ts';
import { verifyConsistency } from 'fanal/merkle/list.ts';
import { openTiles } from 'fanal/merkle/tile-reader.ts';
import { EMPTY_BYTES } from 'fanal/primitives/bytes.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Encoded, ExecutedBlock } from '../../../node/ledger/ledger.ts';
import { verifyNatively } from '../../../node/runtime/native-verify.ts';
import { COIN, LedgerChain, type SignedPayment } from '../../support/ledger-chain.ts';

const coded = (code: string) => expect.objectContaining({ code });

/** Pays from alice to herself and others, one payment spending the change of the one before. */
class Chain {
  readonly chain: LedgerChain;
  readonly payments: SignedPayment[] = [];
  #coin: { txid: SignedPayment['txid']; index: number; amount: bigint };

  constructor(chain: LedgerChain) {
    this.chain = chain;
    this.#coin = chain.genesisCoin('alice');
  }

  block(count: number, to = 'bob'): ExecutedBlock {
    const added: SignedPayment[] = [];
    for (let i = 0; i < count; i++) {
      const payment = this.chain.pay('alice', this.#coin, to, COIN / 100n);
      const amount = payment.transaction.outputs[1]?.amount ?? 0n;
      this.#coin = { txid: payment.txid, index: 1, amount };
      added.push(payment);
    }
    this.payments.push(...added);
    const block = this.chain.block(added.map(({ bytes }) => bytes));
    expect(block.outcomes.every(({ kind }) => kind === 'included')).toBe(true);
    this.chain.certify();
    return block;
  }
}

describe('an address with a long history', () => {
  let chain: LedgerChain;
  let tip: VerifiedHeader;
  beforeAll(() => {
    chain = new LedgerChain({ durable: false });
    const payer = new Chain(chain);
    for (let block = 0; block < 12; block++) payer.block(50);
    tip = chain.ledger.tip().header as VerifiedHeader;
  });
  afterAll(() => chain.close());

  const proved = (name: string) => {
    const { address } = chain.person(name);
    const proof = addressProofCodec.decode(chain.ledger.addressProof(address));
    return verifyAddressProof(proof, address, tip);
  };

  test.each([
    [0n, 1_000],
    [0n, 1],
    [255n, 2],
    [256n, 256],
    [300n, 77],
    [511n, 1],
    [512n, 90],
    [600n, 1],
  ])('proves the page from %s of %s lines', (first, limit) => {
    const address = proved('alice');
    expect(address.record.historySize).toBe(601n);
    const page = historyPageCodec.decode(chain.ledger.history(address.address, { first, limit }));
    const lines = verifyHistoryPage(page, first, address);
    expect(lines).toHaveLength(Math.min(limit, 601 - Number(first)));
  });

  test('a page past the end is refused, of an address without history it is empty', () => {
    const { address } = chain.person('alice');
    expect(() => chain.ledger.history(address, { first: 601n, limit: 1 })).toThrow(
      coded('ledger/history'),
    );
    const nobody = chain.person('nobody');
    const page = historyPageCodec.decode(
      chain.ledger.history(nobody.address, { first: 0n, limit: 9 }),
    );
    expect(verifyHistoryPage(page, 0n, proved('nobody'))).toEqual([]);
  });

  test('proves all of six hundred coins by pages', () => {
    const address = proved('bob');
    let soFar = NO_COINS_YET;
    let after: Parameters<typeof chain.ledger.coins>[1]['after'];
    let pages = 0;
    while (!soFar.isLast) {
      const query = after === undefined ? { limit: 250 } : { limit: 250, after };
      const page = coinsPageCodec.decode(chain.ledger.coins(address.address, query));
      soFar = takeCoinsPage(soFar, page, address);
      after = soFar.leaves.at(-1)?.key;
      pages++;
    }
    expect(pages).toBe(3);
    expect(finishCoins(soFar, address)).toHaveLength(601);
  });

  test('survives a restart with the same roots', () => {
    const before = chain.ledger.addressProof(chain.person('alice').address);
    chain.reopen();
    expect(chain.ledger.addressProof(chain.person('alice').address)).toEqual(before);
  });
});

describe('a log of hundreds of headers', () => {
  let chain: LedgerChain;
  beforeAll(() => {
    chain = new LedgerChain({ durable: false, provableStates: 8n });
    for (let block = 0; block < 299; block++) chain.block();
    chain.certify();
    while (chain.ledger.prune());
  });
  afterAll(() => chain.close());

  test('serves tiles that lead to the certified root', async () => {
    const { size, root } = chain.ledger.certifiedTip();
    expect(size).toBe(300n);
    const reader = openTiles(
      { size, root },
      {
        tile: async ({ level, index, width }) => {
          const tile = chain.ledger.tile(level, index, width);
          if (tile === null) throw new Error(`tile ${level}/${index}`);
          return tile;
        },
      },
    );
    for (const [index, width] of [
      [0n, 256],
      [1n, 44],
    ] as const) {
      const bundle = chain.ledger.entryBundle(index, width);
      const entries = await reader.entries({ index, width }, bundle ?? EMPTY_BYTES);
      expect(headerCodec.decode(entries[1] ?? EMPTY_BYTES).height).toBe(index * 256n + 1n);
    }
    expect(chain.ledger.tile(0, 1n, 45)).toBeNull();
    expect(chain.ledger.entryBundle(1n, 45)).toBeNull();
    expect(chain.ledger.tile(2, 0n, 1)).toBeNull();
  });

  test.each([
    [1n, 300n],
    [255n, 300n],
    [256n, 257n],
    [257n, 299n],
    [300n, 300n],
  ])('joins size %s to size %s', (oldSize, newSize) => {
    const rootAt = (size: bigint) => {
      const header = chain.ledger.header(size);
      return header === null
        ? chain.ledger.certifiedTip().root
        : headerCodec.decode(header).previousRoot;
    };
    const path = chain.ledger.consistency(oldSize, newSize);
    const claim = { oldSize, newSize, path };
    verifyConsistency({ ...claim, oldRoot: rootAt(oldSize), newRoot: rootAt(newSize) });
  });

  test('proves any header at any certified size that holds it', () => {
    const { root } = chain.ledger.certifiedTip();
    for (const height of [0n, 17n, 255n, 256n, 299n]) {
      const proof = chain.ledger.headerProof(height);
      const header = headerProofCodec.decode(proof ?? EMPTY_BYTES);
      expect(verifyHeaderProof(header, { size: 300n, root }).height).toBe(height);
    }
    expect(chain.ledger.headerProof(17n, 17n)).toBeNull();
    expect(chain.ledger.headerProof(16n, 17n)).not.toBeNull();
    expect(chain.ledger.headers(290n, 256)).toHaveLength(10);
    expect(chain.ledger.headers(300n, 1)).toEqual([]);
  });

  test('proves the state at the sizes of the window, and says why not at others', () => {
    const { address } = chain.person('alice');
    const { firstProvableSize } = chain.ledger.info();
    expect(firstProvableSize).toBe(292n);
    for (let size = firstProvableSize; size <= 300n; size++) {
      const header = chain.ledger.header(size - 1n) ?? EMPTY_BYTES;
      const proof = addressProofCodec.decode(chain.ledger.addressProof(address, size));
      verifyAddressProof(proof, address, headerCodec.decode(header) as VerifiedHeader);
    }
    expect(() => chain.ledger.addressProof(address, 291n)).toThrow(coded('ledger/pruned'));
    expect(() => chain.ledger.addressProof(address, 301n)).toThrow(coded('ledger/not-certified'));
    expect(() => chain.ledger.addressProof(address, 0n)).toThrow(coded('ledger/size'));
    const params = stateProofCodec.decode(chain.ledger.stateProof(PARAMETERS_KEY, 295n));
    const header = headerCodec.decode(chain.ledger.header(294n) ?? EMPTY_BYTES);
    expect(verifyParams(params, header as VerifiedHeader)).toEqual(chain.genesis.params);
  });

  test('writes notes that name the set of the checkpoint', () => {
    const tip = chain.ledger.checkpoint(300n);
    const { validatorsHash } = headerCodec.decode(tip?.header ?? EMPTY_BYTES);
    const set = validatorSetCodec.decode(chain.ledger.validatorSet(validatorsHash) ?? EMPTY_BYTES);
    const note = noteFromBytes(tip?.note ?? EMPTY_BYTES);
    const parsed = parseCheckpointNote(note, chain.start.origin, set);
    expect(parsed).toMatchObject({ size: 300n, root: tip?.root });
    expect(chain.ledger.checkpoint(299n)).toBeNull();
  });
});

describe('blocks and payments', () => {
  let chain: LedgerChain;
  afterEach(() => chain.close());

  test('are proved and receipted, once they are certified', async () => {
    chain = new LedgerChain({ durable: false });
    const payer = new Chain(chain);
    payer.block(5);
    const [, , third] = payer.payments;
    const { txid } = third as SignedPayment;
    const { size, root } = chain.ledger.certifiedTip();
    const proof = transactionProofCodec.decode(chain.ledger.transactionProof(txid) ?? EMPTY_BYTES);
    expect(verifyTransactionProof(proof, { size, root }).position).toBe(2);
    const receipt = receiptCodec.decode(chain.ledger.receipt(txid) ?? EMPTY_BYTES);
    const trust = trustGenesis(chain.genesis, chain.start);
    expect((await verifyReceipt(receipt, trust, verifyNatively)).txid).toEqual(txid);

    const late = chain.pay('bob', chain.genesisCoin('bob'), 'alice', COIN);
    chain.block([late.bytes]);
    expect(chain.ledger.transactionStatus(late.txid)).toMatchObject({ kind: 'committed' });
    expect(chain.ledger.transactionProof(late.txid)).toBeNull();
    expect(chain.ledger.receipt(late.txid)).toBeNull();
    expect(chain.ledger.block(2n)).toBeNull();
    chain.certify();
    expect(chain.ledger.transactionStatus(late.txid)).toMatchObject({ kind: 'certified' });
    expect(chain.ledger.receipt(late.txid)).not.toBeNull();
  });

  test('a receipt leads from the epoch that its reader knows', async () => {
    chain = new LedgerChain({ durable: false });
    const payer = new Chain(chain);
    payer.block(1);
    for (let epoch = 0; epoch < 3; epoch++) {
      chain.block([], { last: true });
      chain.certify();
    }
    const { txid } = payer.payments[0] as SignedPayment;
    const receipt = receiptCodec.decode(chain.ledger.receipt(txid, 0) ?? EMPTY_BYTES);
    expect(receipt.handovers).toHaveLength(2);
    const trust = trustGenesis(chain.genesis, chain.start);
    await verifyReceipt(receipt, trust, verifyNatively);
  });

  test('a refused payment is remembered with its reason', () => {
    chain = new LedgerChain({ durable: false });
    const coin = chain.genesisCoin('alice');
    const [first, second] = [
      chain.pay('alice', coin, 'bob', COIN),
      chain.pay('alice', coin, 'carol', COIN),
    ];
    chain.block([first.bytes, second.bytes]);
    expect(chain.ledger.transactionStatus(second.txid)).toEqual({
      kind: 'rejected',
      height: 1n,
      code: 'transaction/coin-spent',
    });
    expect(chain.ledger.transactionStatus(first.txid)).toMatchObject({ kind: 'committed' });
  });

  test('a pruned ledger drops old bodies and keeps every header', () => {
    chain = new LedgerChain({ durable: false, mode: 'pruned', keptBlocks: 3n, provableStates: 4n });
    const payer = new Chain(chain);
    for (let block = 0; block < 8; block++) payer.block(2);
    while (chain.ledger.prune());
    chain.reopen();
    expect(chain.ledger.info()).toMatchObject({ firstBlock: 5n, mode: 'pruned' });
    expect(() => chain.ledger.block(4n)).toThrow(coded('ledger/pruned'));
    expect(chain.ledger.block(5n)).not.toBeNull();
    const [old] = payer.payments;
    const { txid } = old as SignedPayment;
    expect(() => chain.ledger.transaction(txid)).toThrow(coded('ledger/pruned'));
    expect(chain.ledger.transactionStatus(txid)).toMatchObject({ kind: 'certified', height: 1n });
    expect(chain.ledger.headers(0n, 256)).toHaveLength(9);
  });

  test('another node’s block is taken if it gives its header, and else leaves no trace', () => {
    chain = new LedgerChain({ durable: false });
    const payer = new Chain(chain);
    payer.block(3);
    payer.block(2);
    const copy = new LedgerChain({ durable: false });
    try {
      const blocks = [1n, 2n].map((height) =>
        blockCodec.decode(chain.ledger.block(height) ?? EMPTY_BYTES),
      );
      const [first, second] = blocks as [(typeof blocks)[0], (typeof blocks)[0]];
      const lies = [
        { ...first, committed: first.committed.map((count) => count + 1) },
        { ...first, equivocations: [{ author: 0, round: 3 }] },
        { ...first, transactions: first.transactions.slice(1) },
        { ...first, transactions: first.transactions.toReversed() },
        { ...first, header: { ...first.header, txCount: first.header.txCount + 1 } },
      ];
      const before = copy.ledger.tip();
      for (const lie of lies) {
        const bytes = blockCodec.encode(lie) as Encoded<'Block'>;
        expect(() => copy.ledger.apply(bytes)).toThrow(coded('ledger/divergent-block'));
        expect(copy.ledger.tip()).toEqual(before);
      }
      for (const block of [first, second]) {
        const bytes = blockCodec.encode(block) as Encoded<'Block'>;
        expect(copy.ledger.apply(bytes).header).toEqual(block.header);
      }
      expect(copy.ledger.tip()).toEqual(chain.ledger.tip());
    } finally {
      copy.close();
    }
  });

  test('a certificate for another root is refused', () => {
    chain = new LedgerChain({ durable: false });
    chain.block();
    const certificate = chain.certificate();
    const root = chain.start.genesisId;
    expect(() => chain.ledger.certified({ ...certificate, root })).toThrow(
      coded('ledger/divergent-checkpoint'),
    );
    expect(chain.ledger.certifiedTip().size).toBe(1n);
  });

  test('a database of another chain is not opened', () => {
    chain = new LedgerChain({ durable: false });
    const other = new LedgerChain({ durable: false, params: { dust: 5n } });
    try {
      expect(() => other.open(chain.path)).toThrow(coded('ledger/other-genesis'));
    } finally {
      other.close();
    }
  });
});
