/**
 * A transaction: which coins it spends, which it makes, what else it does, and until when it may
 * be included (docs/protocol.md §3).
 */
import type { AddressBytes } from '../crypto/address.ts';
import type { Bytes, Bytes32 } from '../primitives/bytes.ts';
import { type Codec, codec, Reader } from '../primitives/codec.ts';
import { type Hash, taggedHash } from '../primitives/hash.ts';
import { fixed, listOf, short, struct, u64 } from '../primitives/struct.ts';
import { type Action, actionCodec } from './action.ts';
import { addressField } from './address-codec.ts';
import { OUTPOINT_BYTES, type Outpoint, outpointCodec } from './coin.ts';
import {
  MAX_ACTIONS,
  MAX_INPUTS,
  MAX_NOTE_BYTES,
  MAX_OUTPUTS,
  MAX_TRANSACTION_BYTES,
} from './limits.ts';
import { txidOf } from './transaction-leaf.ts';
import { type Witness, witnessCodec } from './witness.ts';

export type { Outpoint } from './coin.ts';

export interface Output {
  /** Units, at least the chain's dust limit. */
  readonly amount: bigint;
  readonly address: AddressBytes;
}

export interface Transaction {
  /** The first 4 bytes of the genesis id. The signature covers all 32. */
  readonly chain: Bytes;
  /** The last height at which it may be included. */
  readonly expiry: bigint;
  readonly inputs: readonly Outpoint[];
  readonly outputs: readonly Output[];
  readonly actions: readonly Action[];
  /** A memo, or the hash of a document. */
  readonly note: Bytes;
}

/** A transaction with what allows it: one witness for each distinct address it spends from. */
export interface SignedTransaction {
  readonly transaction: Transaction;
  /** In the order in which the inputs first use their addresses. */
  readonly witnesses: readonly Witness[];
}

export const TRANSACTION_VERSION = 1;
export const CHAIN_BYTES = 4;

const outputCodec: Codec<Output> = /* @__PURE__ */ struct('output', 41, {
  amount: u64,
  address: addressField,
});

export const transactionCodec: Codec<Transaction> = /* @__PURE__ */ struct(
  'transaction',
  MAX_TRANSACTION_BYTES,
  {
    chain: /* @__PURE__ */ fixed(CHAIN_BYTES),
    expiry: u64,
    inputs: /* @__PURE__ */ listOf(MAX_INPUTS, OUTPOINT_BYTES, outpointCodec),
    outputs: /* @__PURE__ */ listOf(MAX_OUTPUTS, 41, outputCodec),
    actions: /* @__PURE__ */ listOf(MAX_ACTIONS, 4, actionCodec),
    note: /* @__PURE__ */ short(MAX_NOTE_BYTES),
  },
  TRANSACTION_VERSION,
);

/** The witnesses alone, as they stand behind the transaction. */
export const witnessesCodec: Codec<readonly Witness[]> = /* @__PURE__ */ codec(
  'witnesses',
  MAX_TRANSACTION_BYTES,
  (writer, witnesses) => {
    writer.list(witnesses, MAX_INPUTS, witnessCodec.write);
  },
  (reader) => reader.list(MAX_INPUTS, 97, witnessCodec.read),
);

export const signedTransactionCodec: Codec<SignedTransaction> = /* @__PURE__ */ struct(
  'signed transaction',
  MAX_TRANSACTION_BYTES,
  { transaction: transactionCodec, witnesses: witnessesCodec },
);

/** The bytes of a signed transaction in its two parts: what is signed, and what signs it. */
export interface TransactionBytes {
  readonly transaction: Bytes;
  readonly witnesses: Bytes;
}

/**
 * Takes the bytes of a signed transaction apart, without looking into the witnesses.
 *
 * @throws {DecodeError} when they do not begin with a transaction
 */
export function splitTransaction(bytes: Bytes): TransactionBytes {
  const reader = new Reader(bytes, 'signed transaction');
  transactionCodec.read(reader);
  const at = bytes.length - reader.remaining;
  return { transaction: bytes.slice(0, at), witnesses: bytes.slice(at) };
}

/**
 * Reads a transaction that was proved.
 *
 * @throws {DecodeError} when it is of a version that is not known here
 */
export function joinTransaction({ transaction, witnesses }: TransactionBytes): SignedTransaction {
  return {
    transaction: transactionCodec.decode(transaction),
    witnesses: witnessesCodec.decode(witnesses),
  };
}

/** H(txid, transaction): the id of a transaction. It covers no signature, so nobody can change it. */
export function transactionId(transaction: Transaction): Hash {
  return txidOf(transactionCodec.encode(transaction));
}

/** H(sighash, genesis id ‖ transaction): what each key signs. */
export function transactionSighash(transaction: Transaction, genesisId: Bytes32): Hash {
  return taggedHash('fanal/sighash/v1', genesisId, transactionCodec.encode(transaction));
}

/** The first bytes of the genesis id, which a transaction carries. */
export function chainBytes(genesisId: Bytes32): Bytes {
  return genesisId.slice(0, CHAIN_BYTES);
}
