import { addressFromKey } from 'fanal/crypto/address.ts';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import { testKey } from 'fanal/testing';
import {
  formatCoins,
  InsufficientFundsError,
  type OwnCoin,
  parseCoins,
  type SelectionRequest,
  selectCoins,
} from 'fanal/wallet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const owners = Array.from({ length: 3 }, (_, i) => addressFromKey(testKey(`o${i}`).publicKey));

const coinOf = (amount: bigint, number: number, owner = 0): OwnCoin => ({
  txid: sha256(utf8(`coin ${number}`)),
  index: 0,
  amount,
  height: 1n,
  address: owners[owner] as OwnCoin['address'],
});

const request = (coins: readonly OwnCoin[], target: bigint): SelectionRequest => ({
  coins,
  target,
  feePerByte: 10n,
  baseBytes: 62,
  witnessBytes: () => 97,
  dust: 1_000n,
});

/** The size that a transaction with these inputs really has. */
const bytesOf = (inputs: readonly OwnCoin[], hasChange: boolean) =>
  62 +
  34 * inputs.length +
  97 * new Set(inputs.map(({ address }) => toHex(address))).size +
  (hasChange ? 41 : 0);

const arbitraryCoins = fc
  .array(fc.record({ amount: fc.bigInt(1n, 50_000n), owner: fc.nat(2) }), { maxLength: 9 })
  .map((list) => list.map(({ amount, owner }, i) => coinOf(amount, i, owner)));

const worthyCoins = arbitraryCoins.map((coins) => coins.filter(({ amount }) => amount > 1_310n));

/** What the best of all subsets would leave: the naive model, by looking at every one. */
function canPay(coins: readonly OwnCoin[], target: bigint): boolean {
  for (let subset = 1; subset < 1 << coins.length; subset++) {
    const chosen = coins.filter((_, i) => (subset >> i) & 1);
    const sum = chosen.reduce((total, { amount }) => total + amount, 0n);
    if (sum >= target + 10n * BigInt(bytesOf(chosen, false))) return true;
  }
  return false;
}

describe('choosing coins', () => {
  it('spends an exact match without change', () => {
    const coins = [coinOf(7_000n, 1), coinOf(40_000n, 2), coinOf(9_000n, 3)];
    const fee = 10n * BigInt(bytesOf([coins[0], coins[2]] as OwnCoin[], false));
    const selection = selectCoins(request(coins, 16_000n - fee));
    expect(selection.method).toBe('branch-and-bound');
    expect(selection.change).toBe(0n);
    expect(selection.fee).toBe(fee);
    expect(selection.inputs.map(({ amount }) => amount).sort()).toEqual([7_000n, 9_000n]);
  });

  it('takes the largest first when there has to be change', () => {
    const coins = [coinOf(100_000n, 1), coinOf(900_000n, 2), coinOf(500_000n, 3)];
    const selection = selectCoins(request(coins, 600_000n));
    expect(selection).toMatchObject({ method: 'largest-first' });
    expect(selection.inputs.map(({ amount }) => amount)).toEqual([900_000n]);
    expect(selection.change).toBe(300_000n - selection.fee);
  });

  it('adds up, pays for its bytes, and wastes less than change would cost', () => {
    fc.assert(
      fc.property(arbitraryCoins, fc.bigInt(1n, 120_000n), (coins, target) => {
        let selection: ReturnType<typeof selectCoins>;
        try {
          selection = selectCoins(request(coins, target));
        } catch (error) {
          expect(error).toBeInstanceOf(InsufficientFundsError);
          return;
        }
        const { inputs, fee, change } = selection;
        const sum = inputs.reduce((total, { amount }) => total + amount, 0n);
        expect(sum).toBe(target + fee + change);
        expect(new Set(inputs).size).toBe(inputs.length);
        const owed = 10n * BigInt(bytesOf(inputs, change > 0n));
        expect(fee).toBeGreaterThanOrEqual(owed);
        expect(change === 0n || change >= 1_000n).toBe(true);
        expect(fee - owed).toBeLessThanOrEqual(10n * (41n + 34n) + 1_000n);
      }),
      { numRuns: 300 },
    );
  });

  it('pays whenever any set of coins could that are worth their own cost', () => {
    fc.assert(
      fc.property(worthyCoins, fc.bigInt(1n, 120_000n), (coins, target) => {
        let paid = true;
        try {
          selectCoins(request(coins, target));
        } catch {
          paid = false;
        }
        expect(paid).toBe(canPay(coins, target));
      }),
      { numRuns: 300 },
    );
  });

  it('chooses the same coins in whatever order a server lists them', () => {
    fc.assert(
      fc.property(arbitraryCoins, fc.bigInt(1n, 60_000n), fc.nat(), (coins, target, turn) => {
        const turned = [
          ...coins.slice(turn % (coins.length + 1)),
          ...coins.slice(0, turn % (coins.length + 1)),
        ];
        const run = (list: readonly OwnCoin[]) => {
          try {
            return selectCoins(request(list, target)).inputs.map(({ txid }) => toHex(txid));
          } catch {
            return null;
          }
        };
        expect(run(turned)).toEqual(run(coins));
      }),
      { numRuns: 100 },
    );
  });

  it('ends soon with thousands of coins, and says what to do when 64 are not enough', () => {
    const coins = Array.from({ length: 3_000 }, (_, i) => coinOf(10_000n + BigInt(i % 97), i));
    const started = performance.now();
    expect(selectCoins(request(coins, 300_000n)).inputs.length).toBeLessThanOrEqual(64);
    expect(performance.now() - started).toBeLessThan(2_000);
    const error = (() => {
      try {
        selectCoins(request(coins, 1_000_000n));
      } catch (caught) {
        return caught as InsufficientFundsError;
      }
      return null;
    })();
    expect(error).toBeInstanceOf(InsufficientFundsError);
    expect(error?.hint).toContain('64 coins');
  });
});

describe('amounts', () => {
  it.each([
    ['0', 0n],
    ['1', 100_000_000n],
    ['0.00000001', 1n],
    ['12.5', 1_250_000_000n],
    ['90000000', 9_000_000_000_000_000n],
  ])('%s coins are %s units, and written so', (text, units) => {
    expect(parseCoins(text)).toBe(units);
    expect(formatCoins(units)).toBe(text);
  });

  it.each(['', '.5', '1.', '1,5', '-1', '+1', '01', '1e3', ' 1', '0.000000001', '1.0.0', '١'])(
    'takes no %j for an amount',
    (text) => {
      expect(() => parseCoins(text)).toThrow(expect.objectContaining({ code: 'amount/text' }));
    },
  );

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 9_000_000_000_000_000n), (units) => {
        expect(parseCoins(formatCoins(units))).toBe(units);
      }),
    );
  });
});
