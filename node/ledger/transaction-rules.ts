/**
 * Whether a transaction may stand in a block, and what it moves: the checks that need the state
 * (docs/protocol.md §3.5). Nothing here changes anything.
 */
import type { Coin } from 'fanal/chain/coin.ts';
import type { ShapedTransaction } from 'fanal/chain/transaction-check.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { equalBytes } from 'fanal/primitives/bytes.ts';

/** Why a transaction is refused by the state; stable. */
export type StateProblemCode =
  | 'transaction/expired'
  | 'transaction/coin-spent'
  | 'transaction/coin-unknown'
  | 'transaction/witnesses'
  | 'transaction/overspent'
  | 'transaction/fee-too-low';

/** A coin that an input spends, with the address that owns it. */
export interface InputCoin extends Coin {
  readonly address: Bytes;
}

/** Says whether a transaction may still be included at a height. */
export function isExpired({ signed }: ShapedTransaction, height: bigint): boolean {
  return signed.transaction.expiry < height;
}

/**
 * Checks that the witnesses are those of the coins' addresses in order of first use, and that the
 * coins pay for everything.
 *
 * @param coins what the inputs spend, in their order
 * @returns the fee in units, or why not
 */
export function checkCoins(
  shaped: ShapedTransaction,
  coins: readonly InputCoin[],
): bigint | StateProblemCode {
  const { witnessAddresses, spentUnits, minFeeUnits } = shaped;
  let witnesses = 0;
  let total = 0n;
  for (const { address, amount } of coins) {
    total += amount;
    const isKnown = witnessAddresses
      .slice(0, witnesses)
      .some((known) => equalBytes(known, address));
    if (isKnown) continue;
    const next = witnessAddresses[witnesses];
    if (next === undefined || !equalBytes(next, address)) return 'transaction/witnesses';
    witnesses += 1;
  }
  if (witnesses !== witnessAddresses.length) return 'transaction/witnesses';
  if (total < spentUnits) return 'transaction/overspent';
  return total - spentUnits < minFeeUnits ? 'transaction/fee-too-low' : total - spentUnits;
}
