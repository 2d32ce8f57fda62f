/**
 * Addresses, their coins and their history as JSON.
 */
import type { AddressRecord } from '../chain/address-record.ts';
import type { Coin } from '../chain/coin.ts';
import type { HistoryEntry } from '../chain/history-entry.ts';
import { MAX_COINS_PER_PAGE, MAX_HISTORY_PER_PAGE, MAX_RANGE_HASHES } from '../chain/limits.ts';
import type { AddressPrefix } from '../crypto/address.ts';
import type { AddressProof } from '../light/address-proof.ts';
import type { HistoryPage } from '../light/history.ts';
import { addressShape } from './address-text.ts';
import { nextShape } from './header.ts';
import { mapProofShape } from './proof.ts';
import { bytes32, list, nullable, object, type Shape, u16, u32, u64 } from './shape.ts';

export const addressRecordShape = object({
  balance: u64,
  coinCount: u64,
  coinsRoot: bytes32,
  historySize: u64,
  historyRoot: bytes32,
}) satisfies Shape<AddressRecord>;

const coinShape = object({
  txid: bytes32,
  index: u16,
  amount: u64,
  height: u64,
}) satisfies Shape<Coin>;

const historyEntryShape = object({
  height: u64,
  position: u32,
  txid: bytes32,
  received: u64,
  spent: u64,
}) satisfies Shape<HistoryEntry>;

/** `/v1/addresses/{address}`: the record, or null with the proof that there is none. */
export function addressProofShape(prefix: AddressPrefix) {
  return object({
    address: addressShape(prefix),
    height: u64,
    record: nullable(addressRecordShape),
    proof: mapProofShape,
  }) satisfies Shape<AddressProof>;
}

/** `…/coins`: ascending by key; complete when all pages together give `coinsRoot`. */
export function coinsPageShape(prefix: AddressPrefix) {
  return object({
    address: addressShape(prefix),
    height: u64,
    items: list(coinShape, MAX_COINS_PER_PAGE),
    next: nextShape,
  });
}

/** `…/history`: a stretch of the whole history, proved to be one. */
export function historyPageShape(prefix: AddressPrefix) {
  return object({
    address: addressShape(prefix),
    height: u64,
    from: u64,
    entries: list(historyEntryShape, MAX_HISTORY_PER_PAGE),
    path: list(bytes32, MAX_RANGE_HASHES),
  }) satisfies Shape<HistoryPage>;
}

export { addressAnswersShape, addressQueryShape } from './address-query.ts';
