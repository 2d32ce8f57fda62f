import type { Outpoint } from 'fanal/chain/coin.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Mempool,
  type MempoolOptions,
  type MempoolSource,
  type SubmitOutcome,
} from '../../../node/runtime/mempool.ts';
import { COIN, LedgerChain, type SignedPayment } from '../../support/ledger-chain.ts';

const API: MempoolSource = { kind: 'api', id: 'client' };
const PEER: MempoolSource = { kind: 'gossip', id: 'peer' };

let chain: LedgerChain;
let clock: number;
let verified: number;
beforeEach(() => {
  chain = new LedgerChain({
    durable: false,
    people: [
      ['alice', 1_000n * COIN],
      ['bob', 1_000n * COIN],
      ['carol', 1_000n * COIN],
    ],
  });
  clock = 1_000;
  verified = 0;
});
afterEach(() => chain.close());

function mempool(options: Partial<MempoolOptions> = {}): Mempool {
  return new Mempool({
    rules: { genesisId: chain.start.genesisId, params: chain.genesis.params },
    ledger: {
      spendable: async (outpoints) => chain.ledger.spendable(outpoints),
      transactionStatus: async (txid) => chain.ledger.transactionStatus(txid),
      checkActions: async (transactions) => chain.ledger.checkActions(transactions),
    },
    verify: async (transactions) => {
      verified += transactions.length;
      return transactions.map(isSigned);
    },
    now: () => clock,
    rankOf: () => 0,
    height: () => chain.height,
    ...options,
  });
}

/** The last byte of a signature below this is what these tests forge. */
function isSigned(bytes: Bytes): boolean {
  return bytes.at(-1) !== 0xff;
}

/** What `pay` gives back to the payer. */
function changeOf(payment: SignedPayment): Outpoint & { amount: bigint } {
  const amount = payment.transaction.outputs[1]?.amount as bigint;
  return { txid: payment.txid, index: 1, amount };
}

const reason = (outcome: SubmitOutcome) =>
  outcome.kind === 'rejected' ? outcome.reason : outcome.kind;

describe('admission', () => {
  test('a good payment waits, and is known when it comes again', async () => {
    const pool = mempool();
    const payment = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    expect(reason(await pool.submit(payment.bytes, API))).toBe('accepted');
    expect(reason(await pool.submit(payment.bytes, PEER))).toBe('known');
    expect(pool.has(payment.txid)).toBe(true);
    expect(pool.status(payment.txid)).toEqual({ kind: 'pending' });
    expect(verified).toBe(1);
  });

  test('the second spender of a coin is refused before its signature is looked at', async () => {
    const pool = mempool();
    const coin = chain.genesisCoin('alice');
    await pool.submit(chain.pay('alice', coin, 'bob', COIN).bytes, API);
    const second = await pool.submit(chain.pay('alice', coin, 'carol', COIN).bytes, API);
    expect(second).toMatchObject({
      problem: 'transaction-conflict',
      reason: 'transaction/conflict',
    });
    expect(verified).toBe(1);
  });

  test.each([
    ['too little fee', 10n, 'transaction/fee-too-low'],
    ['more than it has', -1n, 'transaction/overspent'],
  ])('%s is refused', async (_, fee, code) => {
    const payment = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN, fee);
    expect(reason(await mempool().submit(payment.bytes, API))).toBe(code);
    expect(verified).toBe(0);
  });

  test('a coin that nobody has is refused', async () => {
    const coin = { ...chain.genesisCoin('alice'), index: 999 };
    const payment = chain.pay('alice', coin, 'bob', COIN);
    expect(reason(await mempool().submit(payment.bytes, API))).toBe('transaction/coin-unknown');
  });

  test('a wrong signature is refused last', async () => {
    const { bytes } = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    bytes[bytes.length - 1] = 0xff;
    expect(reason(await mempool().submit(bytes, API))).toBe('transaction/bad-signature');
    expect(verified).toBe(1);
  });

  test('a payment that is in a block is known', async () => {
    const payment = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    chain.block([payment.bytes]);
    expect(reason(await mempool().submit(payment.bytes, API))).toBe('known');
  });

  test.each([
    ['in the past', 0n, 'transaction/expired'],
    ['too far ahead', 65_537n, 'transaction/expiry-too-far'],
    ['just in reach', 65_536n, 'accepted'],
    ['the next block', 1n, 'accepted'],
  ])('an expiry %s', async (_, expiry, expected) => {
    const coin = chain.genesisCoin('alice');
    const payment = chain.sign({
      from: [chain.person('alice')],
      inputs: [{ txid: coin.txid, index: coin.index }],
      outputs: [{ amount: COIN, address: chain.person('bob').address }],
      expiry,
    });
    expect(reason(await mempool().submit(payment.bytes, API))).toBe(expected);
  });

  test('actions that the registry would refuse do not get in', async () => {
    const coin = chain.genesisCoin('alice');
    const payment = chain.sign({
      from: [chain.person('alice')],
      inputs: [{ txid: coin.txid, index: coin.index }],
      outputs: [],
      actions: [{ kind: 'bond', validator: 'val-0', amount: COIN }],
    });
    expect(reason(await mempool().submit(payment.bytes, API))).toBe('transaction/not-owner');
  });

  test('a batch may spend what it makes itself, in any order', async () => {
    const pool = mempool();
    const first = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    const second = chain.pay('alice', changeOf(first), 'bob', COIN);
    const outcomes = await pool.submitAll([first.bytes, second.bytes], PEER);
    expect(outcomes.map(reason)).toEqual(['accepted', 'accepted']);
    expect(pool.pull(1e6, 10).map(({ id }) => id)).toEqual([first.txid, second.txid]);
  });

  test('of two equal transactions under way only one is checked', async () => {
    const pool = mempool();
    const { bytes } = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    const outcomes = await Promise.all([pool.submit(bytes, API), pool.submit(bytes, PEER)]);
    expect(outcomes.map(reason)).toEqual(['accepted', 'known']);
    expect(verified).toBe(1);
  });
});

describe('limits', () => {
  test('a chain of 25 may wait, the 26th may not', async () => {
    const pool = mempool();
    let payment = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    for (let length = 1; length <= 25; length++) {
      expect(reason(await pool.submit(payment.bytes, API))).toBe('accepted');
      payment = chain.pay('alice', changeOf(payment), 'bob', COIN);
    }
    expect(reason(await pool.submit(payment.bytes, API))).toBe('mempool/chain-limit');
  });

  test('one owner has only so many waiting transactions', async () => {
    const split = chain.sign({
      from: [chain.person('alice')],
      inputs: [chain.genesisCoin('alice')],
      outputs: Array.from({ length: 60 }, () => ({
        amount: COIN,
        address: chain.person('alice').address,
      })),
    });
    chain.block([split.bytes]);
    const pool = mempool({ limits: { maxPerOwner: 50 } });
    const outcomes: string[] = [];
    for (let index = 0; index < 51; index++) {
      const coin = { txid: split.txid, index, amount: COIN };
      const { bytes } = chain.pay('alice', coin, 'bob', COIN / 2n);
      outcomes.push(reason(await pool.submit(bytes, API)));
    }
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(50);
    expect(outcomes.at(-1)).toBe('mempool/owner-limit');
  });

  test('a full pool takes who pays more and drops who pays least', async () => {
    const pool = mempool({ limits: { maxTransactions: 2 } });
    const [low, middle, high] = (['alice', 'bob', 'carol'] as const).map((name, i) =>
      chain.pay(name, chain.genesisCoin(name), 'dave', COIN, 10_000n * BigInt(i + 1)),
    ) as [SignedPayment, SignedPayment, SignedPayment];
    await pool.submit(middle.bytes, API);
    await pool.submit(low.bytes, API);
    expect(reason(await pool.submit(high.bytes, API))).toBe('accepted');
    expect(pool.has(low.txid)).toBe(false);
    expect(pool.status(low.txid)).toEqual({ kind: 'evicted', code: 'mempool/full' });
    expect(reason(await pool.submit(low.bytes, API))).toBe('mempool/full');
    expect(pool.counters.evicted.fee).toBe(1);
    expect(pool.stats().feePerByte).toBeGreaterThan(chain.genesis.params.feePerByte);
  });

  test('one source cannot fill the pool', async () => {
    const pool = mempool({ limits: { maxPerSource: 1 } });
    const [first, second] = (['alice', 'bob'] as const).map((name) =>
      chain.pay(name, chain.genesisCoin(name), 'dave', COIN),
    ) as [SignedPayment, SignedPayment];
    expect(reason(await pool.submit(first.bytes, PEER))).toBe('accepted');
    expect(reason(await pool.submit(second.bytes, PEER))).toBe('mempool/source-limit');
    expect(reason(await pool.submit(second.bytes, API))).toBe('accepted');
  });

  test('what waits longer than ten minutes goes, with what waits for it', async () => {
    const pool = mempool();
    const first = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    await pool.submit(first.bytes, API);
    clock += 599_000;
    const second = chain.pay('alice', changeOf(first), 'bob', COIN);
    await pool.submit(second.bytes, API);
    clock += 1_001;
    pool.executed({ ...chain.block(), outcomes: [] });
    expect(pool.stats().transactions).toBe(0);
    expect(pool.counters.evicted.expired).toBe(2);
  });
});

describe('proposing', () => {
  test('the best payer goes first, a parent before its child', async () => {
    const pool = mempool();
    const parent = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN, 10_000n);
    const child = chain.pay('alice', changeOf(parent), 'bob', COIN, 90_000n);
    const other = chain.pay('bob', chain.genesisCoin('bob'), 'carol', COIN, 50_000n);
    for (const { bytes } of [other, parent, child]) await pool.submit(bytes, API);
    const ids = pool.pull(1e6, 10).map(({ id }) => id);
    expect(ids).toEqual([parent.txid, child.txid, other.txid]);
    expect(pool.pull(1e6, 10)).toEqual([]);
  });

  test('what does not fit stays', async () => {
    const pool = mempool();
    const [first, second] = (['alice', 'bob'] as const).map((name, i) =>
      chain.pay(name, chain.genesisCoin(name), 'dave', COIN, 20_000n - BigInt(i)),
    ) as [SignedPayment, SignedPayment];
    for (const { bytes } of [first, second]) await pool.submit(bytes, API);
    expect(pool.pull(first.bytes.length, 10).map(({ id }) => id)).toEqual([first.txid]);
    expect(pool.pull(1e6, 1).map(({ id }) => id)).toEqual([second.txid]);
  });

  test('the second proposer waits two seconds for the first', async () => {
    const pool = mempool({ rankOf: () => 1 });
    const { bytes, txid } = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    await pool.submit(bytes, API);
    expect(pool.pull(1e6, 10)).toEqual([]);
    clock += 2_000;
    expect(pool.pull(1e6, 10).map(({ id }) => id)).toEqual([txid]);
  });

  test('what came to nothing is proposed again', async () => {
    const pool = mempool();
    const { bytes, txid } = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    await pool.submit(bytes, API);
    pool.pull(1e6, 10);
    pool.requeue([txid]);
    expect(pool.pull(1e6, 10)).toHaveLength(1);
    clock += 20_000;
    expect(pool.pull(1e6, 10)).toHaveLength(1);
  });
});

describe('blocks', () => {
  test('an included payment leaves, its child goes on without it', async () => {
    const pool = mempool();
    const first = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    const second = chain.pay('alice', changeOf(first), 'bob', COIN);
    for (const { bytes } of [first, second]) await pool.submit(bytes, API);
    pool.executed(chain.block([first.bytes]));
    expect(pool.has(first.txid)).toBe(false);
    expect(pool.has(second.txid)).toBe(true);
    pool.executed(chain.block([second.bytes]));
    expect(pool.stats()).toMatchObject({ transactions: 0, bytes: 0 });
  });

  test('a block that spends the coin elsewhere drops the payment, and says why', async () => {
    const pool = mempool();
    const coin = chain.genesisCoin('alice');
    const ours = chain.pay('alice', coin, 'bob', COIN);
    await pool.submit(ours.bytes, API);
    pool.executed(chain.block([chain.pay('alice', coin, 'carol', COIN).bytes]));
    expect(pool.status(ours.txid)).toEqual({
      kind: 'evicted',
      code: 'transaction/coin-spent',
    });
    expect(pool.counters.evicted.conflict).toBe(1);
  });

  test('execution need not check again what was checked here', async () => {
    const pool = mempool();
    const { bytes } = chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN);
    const other = chain.pay('bob', chain.genesisCoin('bob'), 'carol', COIN);
    await pool.submit(bytes, API);
    expect([...pool.verifiedFlags([bytes, other.bytes])]).toEqual([1, 0]);
  });
});
