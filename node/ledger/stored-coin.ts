/**
 * A coin as the ledger keeps it: with its key in the coin map, and whose it is.
 */
import type { Coin, Outpoint } from 'fanal/chain/coin.ts';
import type { MapChange } from 'fanal/merkle/map-tree.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { nativeSha256 } from './native-hash.ts';

export interface StoredCoin extends Coin {
  /** SHA-256(txid ‖ index). */
  readonly key: Bytes32;
  readonly addressId: number;
}

const OUTPOINT_BYTES = 34;
/** Outpoint, amount, height. */
const COIN_BYTES = OUTPOINT_BYTES + 16;

// What follows runs several times a transaction, so it writes into the same bytes again and again.
const outpoint = new Uint8Array(OUTPOINT_BYTES);
const value = new Uint8Array(16);
const valueView = new DataView(value.buffer);

/** The 34 bytes of an outpoint, valid until the next call. */
export function outpointBytes({ txid, index }: Outpoint): Bytes {
  outpoint.set(txid);
  outpoint[32] = index >> 8;
  outpoint[33] = index & 0xff;
  return outpoint;
}

/** The key of a coin in its address's coin map: `coinKey`, computed natively. */
export function coinKeyOf(coin: Outpoint): Hash {
  return nativeSha256(outpointBytes(coin));
}

/** A coin's entry in its address's coin map. */
export function changeOf({ key, amount, height }: StoredCoin): MapChange {
  valueView.setBigUint64(0, amount);
  valueView.setBigUint64(8, height);
  return { key, valueHash: nativeSha256(value) };
}

/** Coins one after the other, 50 bytes each: outpoint, amount, height. */
export function encodeCoins(coins: readonly StoredCoin[]): Bytes {
  const bytes = new Uint8Array(coins.length * COIN_BYTES);
  const view = new DataView(bytes.buffer);
  coins.forEach((coin, i) => {
    const at = i * COIN_BYTES;
    bytes.set(outpointBytes(coin), at);
    view.setBigUint64(at + OUTPOINT_BYTES, coin.amount);
    view.setBigUint64(at + OUTPOINT_BYTES + 8, coin.height);
  });
  return bytes;
}

export function decodeCoins(bytes: Bytes, addressId: number): StoredCoin[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const coins: StoredCoin[] = [];
  for (let at = 0; at < bytes.length; at += COIN_BYTES) {
    const txid = bytes.slice(at, at + 32) as Bytes32;
    const index = view.getUint16(at + 32);
    coins.push({
      ...{ txid, index, addressId },
      key: coinKeyOf({ txid, index }),
      amount: view.getBigUint64(at + OUTPOINT_BYTES),
      height: view.getBigUint64(at + OUTPOINT_BYTES + 8),
    });
  }
  return coins;
}
