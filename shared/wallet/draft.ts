/**
 * A payment before it is sent: built from chosen coins, signed, and ready to be looked at.
 */
import type { Action } from '../chain/action.ts';
import { bondedUnits } from '../chain/action.ts';
import { MAX_NOTE_BYTES, MAX_OUTPUTS } from '../chain/limits.ts';
import type { Params } from '../chain/params.ts';
import {
  chainBytes,
  type Output,
  type SignedTransaction,
  signedTransactionCodec,
  type Transaction,
  transactionCodec,
  transactionId,
  transactionSighash,
} from '../chain/transaction.ts';
import type { Witness } from '../chain/witness.ts';
import type { AddressBytes } from '../crypto/address.ts';
import { assert } from '../primitives/assert.ts';
import { type Bytes, type Bytes32, EMPTY_BYTES, toHex, utf8 } from '../primitives/bytes.ts';
import { FanalError } from '../primitives/errors.ts';
import type { Account } from './account.ts';
import { formatCoins } from './amounts.ts';
import { type OwnCoin, type Selection, selectCoins } from './selection.ts';

/** A payment to be built. Addresses are parsed, amounts are units. */
export interface Payment {
  readonly to: readonly Output[];
  /** A memo of at most 256 bytes, or the hash of a document. */
  readonly note?: string | Bytes;
  readonly actions?: readonly Action[];
  readonly feePerByte: bigint;
  /** Last height at which it may be included. */
  readonly expiry: bigint;
  /** Where change goes. */
  readonly change: AddressBytes;
}

/** A payment that can be sent as it is. */
export interface Draft {
  readonly id: Bytes32;
  readonly signed: SignedTransaction;
  /** The signed transaction in canonical bytes. */
  readonly bytes: Bytes;
  readonly inputs: readonly OwnCoin[];
  /** Units. */
  readonly fee: bigint;
  readonly change: bigint;
  readonly method: Selection['method'];
  readonly expiry: bigint;
}

/** The byte that counts the witnesses. */
const WITNESS_COUNT_BYTES = 1;

/**
 * Chooses coins, builds the transaction and signs it.
 *
 * @param indexOf the account's number of an address it owns
 * @throws {InsufficientFundsError}
 * @throws {FanalError} `wallet/payment` for outputs or notes that no transaction may have
 */
export async function buildDraft(
  payment: Payment,
  coins: readonly OwnCoin[],
  account: Account,
  indexOf: (address: AddressBytes) => number,
  rules: { readonly genesisId: Bytes32; readonly params: Pick<Params, 'dust'> },
): Promise<Draft> {
  const { to, actions = [], feePerByte, expiry } = payment;
  const note =
    typeof payment.note === 'string' ? utf8(payment.note) : (payment.note ?? EMPTY_BYTES);
  checkPayment(to, note, rules.params.dust);
  const bare: Transaction = {
    chain: chainBytes(rules.genesisId),
    ...{ expiry, inputs: [], outputs: to, actions, note },
  };
  const selection = selectCoins({
    coins,
    target:
      to.reduce((sum, { amount }) => sum + amount, 0n) +
      actions.reduce((sum, action) => sum + bondedUnits(action), 0n),
    feePerByte,
    baseBytes: transactionCodec.encode(bare).length + WITNESS_COUNT_BYTES,
    witnessBytes: (address) => account.witnessBytes(indexOf(address)),
    dust: rules.params.dust,
  });
  const transaction: Transaction = {
    ...bare,
    inputs: selection.inputs.map(({ txid, index }) => ({ txid, index })),
    outputs:
      selection.change === 0n ? to : [...to, { amount: selection.change, address: payment.change }],
  };
  const sighash = transactionSighash(transaction, rules.genesisId);
  const witnesses: Witness[] = [];
  for (const address of distinctAddresses(selection.inputs)) {
    witnesses.push(await account.witness(indexOf(address), sighash));
  }
  const signed = { transaction, witnesses };
  const bytes = signedTransactionCodec.encode(signed);
  const paid = selection.fee >= feePerByte * BigInt(bytes.length);
  assert(paid, 'the witnesses are larger than the account said');
  const { inputs, fee, change, method } = selection;
  return { id: transactionId(transaction), signed, bytes, inputs, fee, change, method, expiry };
}

/** In order of first use, which is the order of witnesses. */
function distinctAddresses(inputs: readonly OwnCoin[]): AddressBytes[] {
  return [...new Map(inputs.map(({ address }) => [toHex(address), address])).values()];
}

function checkPayment(to: readonly Output[], note: Bytes, dust: bigint): void {
  const refuse = (message: string) => new FanalError('wallet/payment', message);
  if (to.length >= MAX_OUTPUTS) {
    throw refuse(`expected at most ${MAX_OUTPUTS - 1} outputs, found ${to.length}`);
  }
  if (note.length > MAX_NOTE_BYTES) {
    throw refuse(`expected a note of at most ${MAX_NOTE_BYTES} bytes, found ${note.length}`);
  }
  const small = to.find(({ amount }) => amount < dust);
  if (small !== undefined) {
    const [least, found] = [formatCoins(dust), formatCoins(small.amount)];
    throw refuse(`expected an amount of at least ${least} coins, found ${found}`);
  }
}
