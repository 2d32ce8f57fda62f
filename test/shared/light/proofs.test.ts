import { EPOCH_KEY, PARAMETERS_KEY, validatorKey } from 'fanal/chain/state-keys.ts';
import { joinTransaction, transactionId } from 'fanal/chain/transaction.ts';
import { addressProofCodec, verifyAddressProof } from 'fanal/light/address-proof.ts';
import { finishCoins, NO_COINS_YET, takeCoinsPage, verifyCoins } from 'fanal/light/coins.ts';
import {
  headerProofCodec,
  type VerifiedHeader,
  verifyHeaderProof,
} from 'fanal/light/header-proof.ts';
import { verifyHistoryPage } from 'fanal/light/history.ts';
import {
  stateProofCodec,
  verifyEpochState,
  verifyParams,
  verifyStateProof,
  verifyValidator,
} from 'fanal/light/state-proof.ts';
import { verifyTransactionProof } from 'fanal/light/transaction-proof.ts';
import { trustedHeader, trustedTip } from 'fanal/light/trust.ts';
import { VerificationError } from 'fanal/primitives/errors.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { describe, expect, it } from 'vitest';
import { testChain } from '../../support/chain.ts';
import { signNatively } from '../../support/native.ts';

const chain = testChain({ people: ['alice', 'bob', 'carol', 'dora'], sign: signNatively });
const payments = Array.from({ length: 12 }, (_, i) => {
  const payment = chain.pay('alice', ['bob', 'carol', 'dora'][i % 3]!, BigInt(i + 1));
  if (i % 4 === 3) chain.pay('bob', 'carol', 1n);
  chain.block();
  return payment;
});
chain.endEpoch();
chain.grow(3);
const tip = trustedTip(chain.trust());
const header = trustedHeader(chain.trust());
const alice = chain.person('alice').address;

const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(VerificationError);
    return (error as VerificationError).code;
  }
  return undefined;
};

describe('a header', () => {
  it('of every height is proved by the newest checkpoint', () => {
    for (let height = 0n; height < chain.size; height++) {
      const proof = chain.headerProof(height);
      const decoded = headerProofCodec.decode(headerProofCodec.encode(proof));
      expect(verifyHeaderProof(decoded, tip)).toEqual(chain.header(height));
    }
  });

  it('is refused at another size, another height, or with one bit changed', () => {
    const proof = chain.headerProof(3n);
    expect(codeOf(() => verifyHeaderProof(chain.headerProof(3n, 9n), tip))).toBe('proof/log-size');
    const moved = { ...proof, header: { ...proof.header, height: 4n } };
    expect(codeOf(() => verifyHeaderProof(moved, tip))).toBe('proof/root-mismatch');
    const later = { ...proof, header: { ...proof.header, time: proof.header.time + 1n } };
    expect(codeOf(() => verifyHeaderProof(later, tip))).toBe('proof/root-mismatch');
    const spare = { ...proof, path: [...proof.path, chain.root()] };
    expect(codeOf(() => verifyHeaderProof(spare, tip))).toBe('proof/path-length');
  });
});

describe('a transaction', () => {
  it('is proved with the block it is in, and reads as it was signed', () => {
    for (const signed of payments) {
      const proof = chain.transactionProof(signed);
      const proved = verifyTransactionProof(proof, tip);
      expect(proved.txid).toEqual(transactionId(signed.transaction));
      expect(joinTransaction(proved)).toEqual(signed);
      expect(proved.header.txCount).toBeGreaterThan(proved.position);
    }
  });

  it('is refused with another witness, position or header', () => {
    const proof = chain.transactionProof(payments[3]!);
    const witnesses = proof.witnesses.slice();
    witnesses[40] = (witnesses[40] as number) ^ 1;
    expect(codeOf(() => verifyTransactionProof({ ...proof, witnesses }, tip))).toBe(
      'proof/root-mismatch',
    );
    const past = { ...proof, position: proof.header.header.txCount };
    expect(codeOf(() => verifyTransactionProof(past, tip))).toBe('proof/index-out-of-range');
    const elsewhere = { ...proof, header: chain.headerProof(1n) };
    expect(codeOf(() => verifyTransactionProof(elsewhere, tip))).toMatch(/^proof\//);
  });
});

describe('an address', () => {
  it('has a proved balance, the sum of all its payments', () => {
    const record = (name: string) => {
      const { address } = chain.person(name);
      const proof = chain.addressProof(address);
      const decoded = addressProofCodec.decode(addressProofCodec.encode(proof));
      return verifyAddressProof(decoded, address, header).record;
    };
    const total = ['alice', 'bob', 'carol', 'dora'].reduce((n, p) => n + record(p).balance, 0n);
    const { fees } = verifyEpochState(chain.stateProof(EPOCH_KEY), header);
    expect(total + fees).toBe(4_000n * UNITS_PER_COIN);
    expect(record('dora').balance).toBe((1_000n + 3n + 6n + 9n + 12n) * UNITS_PER_COIN);
  });

  it('that nobody used is proved to be unused', () => {
    const { address } = chain.person('nobody');
    const proved = verifyAddressProof(chain.addressProof(address), address, header);
    expect(proved).toMatchObject({ isUsed: false, record: { balance: 0n, historySize: 0n } });
  });

  it('cannot be denied, invented, swapped or taken from another height', () => {
    const proof = chain.addressProof(alice);
    const verify =
      (changed: typeof proof, at = header) =>
      () =>
        verifyAddressProof(changed, alice, at);
    expect(codeOf(verify({ ...proof, record: null }))).toBe('proof/map-value');
    const nobody = chain.addressProof(chain.person('nobody').address);
    expect(codeOf(verify(nobody))).toBe('proof/address');
    expect(codeOf(verify({ ...nobody, address: alice }))).toMatch(/^proof\//);
    const richer = { ...proof.record!, balance: proof.record!.balance + 1n };
    expect(codeOf(verify({ ...proof, record: richer }))).toBe('proof/map-value');
    const bob = chain.addressProof(chain.person('bob').address);
    expect(codeOf(verify({ ...bob, address: alice }))).toMatch(/^proof\//);
    expect(codeOf(verify(chain.addressProof(alice, 2n)))).toBe('proof/height');
    const old = { ...chain.addressProof(alice, 2n), height: header.height };
    expect(codeOf(verify(old))).toBe('proof/root-mismatch');
  });
});

describe('a list of coins', () => {
  const proved = verifyAddressProof(
    chain.addressProof(chain.person('carol').address),
    chain.person('carol').address,
    header,
  );
  const page = chain.coinsPage(proved.address);

  it('is complete in one page or in many', () => {
    expect(page.coins.length).toBeGreaterThan(4);
    expect(verifyCoins(page, proved)).toEqual(chain.coinsOf(proved.address));
    let soFar = NO_COINS_YET;
    for (let first = 0; !soFar.isLast; first += 2) {
      soFar = takeCoinsPage(
        soFar,
        chain.coinsPage(proved.address, header.height, first, 2),
        proved,
      );
    }
    expect(finishCoins(soFar, proved)).toEqual(chain.coinsOf(proved.address));
  });

  it('of an unused address is empty', () => {
    const { address } = chain.person('nobody');
    const unused = verifyAddressProof(chain.addressProof(address), address, header);
    expect(verifyCoins(chain.coinsPage(address), unused)).toEqual([]);
  });

  it('is refused with a coin left out, added, changed, repeated or out of order', () => {
    const coins = (list: typeof page.coins) => () => verifyCoins({ ...page, coins: list }, proved);
    const [first, second] = page.coins;
    expect(codeOf(coins(page.coins.slice(1)))).toBe('coins/count');
    expect(codeOf(coins([...page.coins, first!]))).toBe('coins/count');
    expect(codeOf(coins(page.coins.toReversed()))).toBe('coins/order');
    expect(codeOf(coins([first!, ...page.coins.slice(0, -1)]))).toBe('coins/order');
    const richer = page.coins.with(1, { ...second!, amount: second!.amount + 1n });
    expect(codeOf(coins(richer))).toBe('coins/root');
    const younger = page.coins.with(0, { ...first!, height: first!.height + 1n });
    expect(codeOf(coins(younger))).toBe('coins/root');
  });

  it('is refused when it never ends', () => {
    const endless = { ...page, coins: [], hasMore: true };
    expect(codeOf(() => takeCoinsPage(NO_COINS_YET, endless, proved))).toBe('coins/count');
  });

  it('is refused for another address or height', () => {
    const bob = chain.person('bob').address;
    expect(codeOf(() => verifyCoins({ ...page, address: bob }, proved))).toBe('proof/address');
    expect(codeOf(() => verifyCoins({ ...page, height: 1n }, proved))).toBe('proof/height');
  });
});

describe('a history', () => {
  const proved = verifyAddressProof(chain.addressProof(alice), alice, header);
  const size = Number(proved.record.historySize);

  it('is complete whatever the pages', () => {
    for (const limit of [1, 2, 5, size, 1_000]) {
      const all = [];
      for (let from = 0n; from < proved.record.historySize; from += BigInt(limit)) {
        const page = chain.historyPage(alice, header.height, from, limit);
        all.push(...verifyHistoryPage(page, from, proved));
      }
      expect(all).toHaveLength(size);
      const balance = all.reduce((n, { received, spent }) => n + received - spent, 0n);
      expect(balance).toBe(proved.record.balance);
    }
  });

  it('is refused with an entry left out, changed or swapped', () => {
    const page = chain.historyPage(alice, header.height, 2n, 4);
    const entries = (list: typeof page.entries) => () =>
      verifyHistoryPage({ ...page, entries: list }, 2n, proved);
    expect(codeOf(entries(page.entries.slice(1)))).toMatch(/^proof\//);
    expect(codeOf(entries(page.entries.toReversed()))).toBe('proof/root-mismatch');
    const changed = page.entries.with(0, { ...page.entries[0]!, spent: 0n });
    expect(codeOf(entries(changed))).toBe('proof/root-mismatch');
    expect(codeOf(entries([]))).toMatch(/^proof\//);
  });

  it('is refused from another place than asked for', () => {
    const page = chain.historyPage(alice, header.height, 2n, 4);
    expect(codeOf(() => verifyHistoryPage(page, 3n, proved))).toBe('history/from');
    const moved = { ...page, from: 3n };
    expect(codeOf(() => verifyHistoryPage(moved, 3n, proved))).toMatch(/^proof\//);
  });
});

describe('the rest of the state', () => {
  it('proves parameters, validators and the epoch', () => {
    expect(verifyParams(chain.stateProof(PARAMETERS_KEY), header)).toEqual(chain.genesis.params);
    const record = verifyValidator(chain.stateProof(validatorKey('val-002')), 'val-002', header);
    expect(record?.stake).toBe(1_000n * UNITS_PER_COIN);
    expect(verifyEpochState(chain.stateProof(EPOCH_KEY), header).epoch).toBe(1);
  });

  it('proves that a name was never taken', () => {
    const proof = chain.stateProof(validatorKey('val-099'));
    const decoded = stateProofCodec.decode(stateProofCodec.encode(proof));
    expect(verifyValidator(decoded, 'val-099', header)).toBeNull();
    expect(codeOf(() => verifyParams(proof, header))).toMatch(/^proof\//);
  });

  it('is refused at another height', () => {
    const proof = chain.stateProof(PARAMETERS_KEY, 1n);
    expect(codeOf(() => verifyStateProof(proof, PARAMETERS_KEY, header))).toBe('proof/height');
    const absent = { ...chain.header(1n) } as VerifiedHeader;
    expect(verifyStateProof(proof, PARAMETERS_KEY, absent)).not.toBeNull();
  });
});
