/**
 * The complete list of an address's coins: pages in key order, and at the end the root of exactly
 * these coins against the one in the address record (docs/protocol.md §9.8).
 */
import { addressField } from '../chain/address-codec.ts';
import { COIN_BYTES, type Coin, coinCodec, coinValueCodec } from '../chain/coin.ts';
import { MAX_COINS_PER_ADDRESS, MAX_COINS_PER_PAGE, MAX_PAGE_BYTES } from '../chain/limits.ts';
import { coinKey } from '../chain/state-keys.ts';
import type { AddressBytes } from '../crypto/address.ts';
import { type MapLeaf, mapRoot } from '../merkle/map.ts';
import { type Bytes32, compareBytes, equalBytes, toHex } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import { sha256 } from '../primitives/hash.ts';
import { flag, listOf, struct, u64 } from '../primitives/struct.ts';
import { type ProvedAddress, requireAbout } from './address-proof.ts';

export interface CoinsPage {
  readonly address: AddressBytes;
  /** The height at which the list holds. */
  readonly height: bigint;
  /** Ascending by `coinKey`. */
  readonly coins: readonly Coin[];
  /** Whether more coins follow the last of these. */
  readonly hasMore: boolean;
}

export const coinsPageCodec: Codec<CoinsPage> = /* @__PURE__ */ struct(
  'page of coins',
  MAX_PAGE_BYTES,
  {
    address: addressField,
    height: u64,
    coins: /* @__PURE__ */ listOf(MAX_COINS_PER_PAGE, COIN_BYTES, coinCodec),
    hasMore: flag,
  },
);

/** Coins taken so far, not proved yet. */
export interface CoinsSoFar {
  readonly coins: readonly Coin[];
  readonly leaves: readonly MapLeaf[];
  readonly isLast: boolean;
}

export const NO_COINS_YET: CoinsSoFar = { coins: [], leaves: [], isLast: false };

/** Where the next page starts: after this key; null for the first. */
export function nextCoinKey({ leaves }: CoinsSoFar): Bytes32 | null {
  return leaves.at(-1)?.key ?? null;
}

/**
 * Takes the next page of a list. It must be of the proved address and height, go on in order, and
 * not have more coins than the record counts.
 *
 * @throws {VerificationError} `proof/address`, `proof/height`, `coins/order`, `coins/count`
 */
export function takeCoinsPage(
  soFar: CoinsSoFar,
  page: CoinsPage,
  proved: ProvedAddress,
): CoinsSoFar {
  const step = 'page of coins';
  requireAbout(step, page, proved);
  const { coinCount } = proved.record;
  const count = soFar.coins.length + page.coins.length;
  const isShort = page.hasMore && page.coins.length === 0;
  if (BigInt(count) > coinCount || count > MAX_COINS_PER_ADDRESS || isShort) {
    throw new VerificationError('coins/count', step, `${coinCount} coins`, `${count}`);
  }
  const leaves = page.coins.map((coin) => ({
    key: coinKey(coin),
    valueHash: sha256(coinValueCodec.encode(coin)),
  }));
  let previous = nextCoinKey(soFar);
  for (const { key } of leaves) {
    if (previous !== null && compareBytes(previous, key) >= 0) {
      throw new VerificationError(
        'coins/order',
        step,
        `a key above ${toHex(previous)}`,
        toHex(key),
      );
    }
    previous = key;
  }
  return {
    coins: [...soFar.coins, ...page.coins],
    leaves: [...soFar.leaves, ...leaves],
    isLast: !page.hasMore,
  };
}

/**
 * Checks that a list of coins is complete: none is missing, none is invented.
 *
 * @throws {VerificationError} `coins/count`, `coins/root`, `coins/balance`
 */
export function finishCoins(
  { coins, leaves }: CoinsSoFar,
  { record }: ProvedAddress,
): readonly Coin[] {
  const step = 'list of coins';
  if (BigInt(coins.length) !== record.coinCount) {
    throw new VerificationError(
      'coins/count',
      step,
      `${record.coinCount} coins`,
      `${coins.length}`,
    );
  }
  const root = mapRoot(leaves);
  if (!equalBytes(root, record.coinsRoot)) {
    throw new VerificationError('coins/root', step, toHex(record.coinsRoot), toHex(root));
  }
  const balance = coins.reduce((sum, { amount }) => sum + amount, 0n);
  if (balance !== record.balance) {
    throw new VerificationError('coins/balance', step, `${record.balance} units`, `${balance}`);
  }
  return coins;
}

/** Checks a complete list that came in one page. Throws what taking and finishing throw. */
export function verifyCoins(page: CoinsPage, proved: ProvedAddress): readonly Coin[] {
  return finishCoins(takeCoinsPage(NO_COINS_YET, page, proved), proved);
}
