/**
 * The ledger against the naive one: random payments, honest and not, with restarts, pruning and
 * blocks taken back in between.
 */

import { addressProofCodec, verifyAddressProof } from 'fanal/light/address-proof.ts';
import { coinsPageCodec, verifyCoins } from 'fanal/light/coins.ts';
import type { VerifiedHeader } from 'fanal/light/header-proof.ts';
import { historyPageCodec, verifyHistoryPage } from 'fanal/light/history.ts';
import { type Bytes, compareBytes, toHex } from 'fanal/primitives/bytes.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COIN, LedgerChain } from '../../support/ledger-chain.ts';
import { NaiveLedger } from '../../support/naive-ledger.ts';
import type { TestAccount } from '../../support/people.ts';

const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin'] as const;

type Trick =
  | 'honest'
  | 'overspend'
  | 'cheap'
  | 'expired'
  | 'dust'
  | 'forged'
  | 'wrong-witness'
  | 'unknown-coin'
  | 'repeat';

interface Move {
  readonly coins: readonly number[];
  readonly to: readonly number[];
  readonly share: number;
  readonly trick: Trick;
}

type Step =
  | { readonly kind: 'block'; readonly moves: readonly Move[]; readonly isRepeated: boolean }
  | { readonly kind: 'certify' }
  | { readonly kind: 'discard' }
  | { readonly kind: 'prune' }
  | { readonly kind: 'restart' };

const move: fc.Arbitrary<Move> = fc.record({
  coins: fc.array(fc.noBias(fc.nat(1_000)), { minLength: 1, maxLength: 3 }),
  to: fc.oneof(
    { weight: 12, arbitrary: fc.array(fc.nat(NAMES.length - 1), { minLength: 1, maxLength: 4 }) },
    fc.constant([]),
  ),
  /** Thousandths that go to the first of several. */
  share: fc.integer({ min: 1, max: 900 }),
  trick: fc.oneof(
    { weight: 10, arbitrary: fc.constant<Trick>('honest') },
    fc.constantFrom<Trick>('overspend', 'cheap', 'expired', 'dust', 'forged'),
    fc.constantFrom<Trick>('wrong-witness', 'unknown-coin', 'repeat'),
  ),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('block' as const),
      moves: fc.array(move, { maxLength: 8, size: 'max' }),
      isRepeated: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: 'certify' }) },
  fc.constant<Step>({ kind: 'discard' }),
  fc.constant<Step>({ kind: 'prune' }),
  fc.constant<Step>({ kind: 'restart' }),
);

/** Drives both ledgers and compares them after every step. */
class Pair {
  readonly chain: LedgerChain;
  naive: NaiveLedger;
  certified: NaiveLedger;
  #last: Bytes[] = [];

  constructor() {
    this.chain = new LedgerChain({
      people: NAMES.slice(0, 3).map((name) => [name, 10n * COIN] as const),
      durable: false,
      provableStates: 4n,
    });
    this.naive = new NaiveLedger(this.chain.genesis);
    this.certified = this.naive.copy();
  }

  take(next: Step): void {
    const { ledger } = this.chain;
    switch (next.kind) {
      case 'block':
        this.#block(next.moves, next.isRepeated);
        break;
      case 'certify':
        if (this.chain.height === 0n) break;
        this.chain.certify();
        this.certified = this.naive.copy();
        break;
      case 'discard':
        ledger.discardUncertified();
        this.naive = this.certified.copy();
        break;
      case 'prune':
        while (ledger.prune());
        break;
      case 'restart':
        this.chain.reopen();
    }
    this.#compare();
  }

  #block(moves: readonly Move[], isRepeated: boolean): void {
    const bytes = moves.flatMap((each) => this.#payment(each) ?? []);
    // The block before once more: all of it must be refused.
    const input = this.chain.input(isRepeated ? [...bytes, ...this.#last] : bytes);
    const expected = this.naive.execute(input);
    const { outcomes } = this.chain.ledger.execute(input);
    expect(outcomes.map(({ kind }) => kind === 'included')).toEqual(expected);
    this.#last = bytes;
  }

  #payment({ coins, to, share, trick }: Move): Bytes[] | null {
    const owned = this.naive.coins;
    if (owned.length === 0) return null;
    const picked = [...new Set(coins.map((n) => owned[n % owned.length] as (typeof owned)[0]))];
    const owners = [...new Set(picked.map(({ owner }) => owner))];
    const from = owners.map((owner) => this.#ownerOf(owner));
    const sum = picked.reduce((total, { amount }) => total + amount, 0n);
    const fee = 20_000n;
    const spend = sum - fee;
    if (spend < 0n) return null;
    const parts = to.map((name) => this.chain.person(NAMES[name] as string).address);
    const first = parts.length < 2 ? spend : (spend * BigInt(share)) / 1_000n;
    const others = (spend - first) / BigInt(Math.max(1, parts.length - 1));
    const amounts = parts.map((_, i) => (i === 0 ? first : others));
    const outputs = parts.map((address, i) => ({ address, amount: amounts[i] as bigint }));
    const [head, ...tail] = outputs;
    const change = (amount: bigint) =>
      head === undefined ? [] : [{ ...head, amount }, ...(amount === sum ? [] : tail)];
    const inputs = picked.map(({ txid, index }) => ({ txid, index }));
    const plain = { from, inputs, outputs };
    switch (trick) {
      case 'honest':
        return [this.chain.sign(plain).bytes];
      case 'repeat': {
        const { bytes } = this.chain.sign(plain);
        return [bytes, bytes];
      }
      case 'overspend':
        return [this.chain.sign({ ...plain, outputs: change(sum + 1n) }).bytes];
      case 'cheap':
        return [this.chain.sign({ ...plain, outputs: change(sum) }).bytes];
      case 'expired':
        return [this.chain.sign({ ...plain, expiry: this.chain.height }).bytes];
      case 'dust':
        return [this.chain.sign({ ...plain, outputs: change(1n) }).bytes];
      case 'forged': {
        const { bytes } = this.chain.sign(plain);
        const last = bytes.length - 40;
        bytes[last] = (bytes[last] as number) ^ 1;
        return [bytes];
      }
      case 'wrong-witness':
        return [this.chain.sign({ ...plain, from: [this.chain.person('mallory')] }).bytes];
      case 'unknown-coin': {
        const [coin, ...rest] = inputs;
        const elsewhere = { txid: (coin as (typeof inputs)[0]).txid, index: 60_000 };
        return [this.chain.sign({ ...plain, inputs: [elsewhere, ...rest] }).bytes];
      }
    }
  }

  #ownerOf(hex: string): TestAccount {
    const found = NAMES.map((name) => this.chain.person(name)).find(
      ({ address }) => toHex(address) === hex,
    );
    if (found === undefined) throw new Error(`nobody owns ${hex}`);
    return found;
  }

  #compare(): void {
    const { ledger, start } = this.chain;
    const header = this.naive.headers.at(-1);
    expect(ledger.tip().header).toEqual(header);
    const stats = ledger.stats();
    expect(stats.coins).toBe(BigInt(this.naive.coins.length));
    const held = this.naive.coins.reduce((sum, { amount }) => sum + amount, 0n);
    const stake = start.validators.totalStake;
    expect(held + this.naive.fees + stake).toBe(stats.supplyUnits);
    this.#compareProofs();
  }

  /** Every address at the certified tip, as a light client would check it. */
  #compareProofs(): void {
    const { ledger } = this.chain;
    const tip = this.certified.headers.at(-1) as VerifiedHeader;
    expect(ledger.certifiedTip().height).toBe(tip.height);
    for (const name of NAMES) {
      const { address } = this.chain.person(name);
      const proof = addressProofCodec.decode(ledger.addressProof(address));
      const proved = verifyAddressProof(proof, address, tip);
      const page = coinsPageCodec.decode(ledger.coins(address, { limit: 1_000 }));
      const coins = verifyCoins(page, proved);
      const byName = (a: { txid: Bytes; index: number }, b: { txid: Bytes; index: number }) =>
        compareBytes(a.txid, b.txid) || a.index - b.index;
      expect(coins.toSorted(byName)).toEqual(this.certified.coinsOf(address).toSorted(byName));
      const lines = historyPageCodec.decode(ledger.history(address, { first: 0n, limit: 1_000 }));
      expect(verifyHistoryPage(lines, 0n, proved)).toEqual(this.certified.historyOf(address));
    }
  }
}

describe('the ledger and a naive one', () => {
  test('agree on every header, coin and line of history, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 8, maxLength: 25, size: 'max' }), (steps) => {
        const pair = new Pair();
        try {
          for (const next of steps) pair.take(next);
        } finally {
          pair.chain.close();
        }
      }),
      { numRuns: 25 },
    );
  });
});
