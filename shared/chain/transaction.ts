/**
 * A transaction: which coins it spends, which it makes, what else it does, and until when it may
 * be included (docs/protocol.md §4).
 */
import type { AddressBytes } from '../crypto/address.ts';
import { type Bytes, type Bytes32, concat } from '../primitives/bytes.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import { type Hash, sha256, taggedHash } from '../primitives/hash.ts';
import { type Action, actionCodec } from './action.ts';
import { readAddress, writeAddress } from './address-codec.ts';
import { OUTPOINT_BYTES, type Outpoint, readOutpoint, writeOutpoint } from './coin.ts';
import {
  MAX_ACTIONS,
  MAX_INPUTS,
  MAX_NOTE_BYTES,
  MAX_OUTPUTS,
  MAX_TRANSACTION_BYTES,
} from './limits.ts';
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

export const transactionCodec: Codec<Transaction> = codec(
  'transaction',
  MAX_TRANSACTION_BYTES,
  (writer, { chain, expiry, inputs, outputs, actions, note }) => {
    writer.u8(TRANSACTION_VERSION).bytes(chain, CHAIN_BYTES).u64(expiry);
    writer.list(inputs, MAX_INPUTS, writeOutpoint);
    writer.list(outputs, MAX_OUTPUTS, (w, output) => {
      w.u64(output.amount);
      writeAddress(w, output.address);
    });
    writer.list(actions, MAX_ACTIONS, actionCodec.write);
    writer.shortBytes(note);
  },
  (reader) => {
    const version = reader.u8();
    if (version !== TRANSACTION_VERSION) {
      throw reader.error('version', `expected version ${TRANSACTION_VERSION}, found ${version}`);
    }
    return {
      chain: reader.bytes(CHAIN_BYTES),
      expiry: reader.u64(),
      inputs: reader.list(MAX_INPUTS, OUTPOINT_BYTES, readOutpoint),
      outputs: reader.list(MAX_OUTPUTS, 41, (item) => ({
        amount: item.u64(),
        address: readAddress(item),
      })),
      actions: reader.list(MAX_ACTIONS, 4, actionCodec.read),
      note: reader.shortBytes(MAX_NOTE_BYTES),
    };
  },
);

/** The witnesses alone, as they stand behind the transaction. */
export const witnessesCodec: Codec<readonly Witness[]> = codec(
  'witnesses',
  MAX_TRANSACTION_BYTES,
  (writer, witnesses) => {
    writer.list(witnesses, MAX_INPUTS, witnessCodec.write);
  },
  (reader) => reader.list(MAX_INPUTS, 97, witnessCodec.read),
);

export const signedTransactionCodec: Codec<SignedTransaction> = codec(
  'signed transaction',
  MAX_TRANSACTION_BYTES,
  (writer, { transaction, witnesses }) => {
    transactionCodec.write(writer, transaction);
    witnessesCodec.write(writer, witnesses);
  },
  (reader) => ({
    transaction: transactionCodec.read(reader),
    witnesses: witnessesCodec.read(reader),
  }),
);

/** H(txid, transaction): the id of a transaction. It covers no signature, so nobody can change it. */
export function transactionId(transaction: Transaction): Hash {
  return taggedHash('fanal/txid/v1', transactionCodec.encode(transaction));
}

/** H(sighash, genesis id ‖ transaction): what each key signs. */
export function transactionSighash(transaction: Transaction, genesisId: Bytes32): Hash {
  return taggedHash('fanal/sighash/v1', genesisId, transactionCodec.encode(transaction));
}

/** The first bytes of the genesis id, which a transaction carries. */
export function chainBytes(genesisId: Bytes32): Bytes {
  return genesisId.slice(0, CHAIN_BYTES);
}

const LEAF_TAG = Uint8Array.of(0x54);

/**
 * The data of a transaction's leaf in its block's tree: 0x54 ‖ txid ‖ SHA-256(witnesses), 65 bytes,
 * so that no leaf is as long as a pair of hashes.
 */
export function transactionLeaf(txid: Hash, witnesses: readonly Witness[]): Bytes {
  return concat(LEAF_TAG, txid, sha256(witnessesCodec.encode(witnesses)));
}
