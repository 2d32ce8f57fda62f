/**
 * Transactions as JSON.
 */
import { type Action, actionCodec } from '../chain/action.ts';
import {
  MAX_ACTIONS,
  MAX_INPUTS,
  MAX_MULTISIG_KEYS,
  MAX_NOTE_BYTES,
  MAX_OUTPUTS,
  MAX_PAGE_ITEMS,
  MAX_TRANSACTION_BYTES,
} from '../chain/limits.ts';
import {
  CHAIN_BYTES,
  type SignedTransaction,
  type Transaction,
  transactionCodec,
  witnessesCodec,
} from '../chain/transaction.ts';
import type { Witness } from '../chain/witness.ts';
import type { AddressPrefix } from '../crypto/address.ts';
import type { TransactionProof } from '../light/transaction-proof.ts';
import { addressShape } from './address-text.ts';
import { nextShape, pathShape } from './header.ts';
import { headerProofShape } from './proof.ts';
import {
  bytes32,
  choice,
  hex,
  list,
  mapped,
  nullable,
  object,
  type Shape,
  text,
  u8,
  u16,
  u32,
  u64,
  word,
} from './shape.ts';

const publicKey = hex({ length: 32 });
const signature = hex({ length: 64 });

const witnessShape: Shape<Witness> = choice(
  object({ kind: word('key'), publicKey, signature }),
  object({
    kind: word('threshold'),
    threshold: u8,
    publicKeys: list(publicKey, MAX_MULTISIG_KEYS),
    signers: list(u8, MAX_MULTISIG_KEYS),
    signatures: list(signature, MAX_MULTISIG_KEYS),
  }),
);

/** An action: which kind, for people, and its canonical bytes, for programs. */
const actionShape: Shape<Action> = mapped(
  object({
    kind: word('register', 'bond', 'unbond', 'retire', 'evidence', 'ready', 'move'),
    validator: nullable(text(32)),
    amount: nullable(u64),
    bytes: hex({ max: MAX_TRANSACTION_BYTES }),
  }),
  (action: Action) => ({
    kind: action.kind,
    validator: validatorOf(action),
    amount: action.kind === 'bond' || action.kind === 'unbond' ? action.amount : null,
    bytes: actionCodec.encode(action),
  }),
  ({ bytes }) => actionCodec.decode(bytes),
);

export function transactionShape(prefix: AddressPrefix) {
  return object({
    chain: hex({ length: CHAIN_BYTES }),
    expiry: u64,
    inputs: list(object({ txid: bytes32, index: u16 }), MAX_INPUTS),
    outputs: list(object({ amount: u64, address: addressShape(prefix) }), MAX_OUTPUTS),
    actions: list(actionShape, MAX_ACTIONS),
    note: hex({ max: MAX_NOTE_BYTES }),
  }) satisfies Shape<Transaction>;
}

export function signedTransactionShape(prefix: AddressPrefix) {
  return object({
    transaction: transactionShape(prefix),
    witnesses: list(witnessShape, MAX_INPUTS),
  }) satisfies Shape<SignedTransaction>;
}

/** `/v1/transactions/{txid}`: a certified transaction and where it stands. */
export function placedTransactionShape(prefix: AddressPrefix) {
  return object({
    txid: bytes32,
    height: u64,
    position: u32,
    signed: signedTransactionShape(prefix),
  });
}

/** `/v1/blocks/{height}/transactions`: a page of a block. */
export function transactionPageShape(prefix: AddressPrefix) {
  return object({
    height: u64,
    items: list(placedTransactionShape(prefix), MAX_PAGE_ITEMS),
    next: nextShape,
  });
}

export function transactionProofShape(prefix: AddressPrefix): Shape<TransactionProof> {
  return mapped(
    object({
      header: headerProofShape,
      signed: signedTransactionShape(prefix),
      position: u32,
      path: pathShape,
    }),
    ({ transaction, witnesses, ...place }: TransactionProof) => ({
      ...place,
      signed: {
        transaction: transactionCodec.decode(transaction),
        witnesses: witnessesCodec.decode(witnesses),
      },
    }),
    ({ signed, ...place }) => ({
      ...place,
      transaction: transactionCodec.encode(signed.transaction),
      witnesses: witnessesCodec.encode(signed.witnesses),
    }),
  );
}

export {
  type Submitted,
  submitShape,
  submittedShape,
  type TransactionStatus,
  transactionStatusShape,
} from './submission.ts';

function validatorOf(action: Action): string | null {
  switch (action.kind) {
    case 'register':
      return action.registration.name;
    case 'evidence':
      return action.offence.validator;
    case 'bond':
    case 'unbond':
    case 'retire':
    case 'ready':
    case 'move':
      return action.validator;
  }
}
