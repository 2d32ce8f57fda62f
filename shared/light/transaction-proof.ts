/**
 * A transaction proved: its place in a block, and the block's place in the log
 * (docs/protocol.md §9.5).
 *
 * The transaction stays in bytes here: what it says is `signedTransactionCodec`'s business, and a
 * verifier can prove what it cannot read.
 */
import { MAX_PROOF_BYTES, MAX_TRANSACTION_BYTES } from '../chain/limits.ts';
import type { TransactionBytes } from '../chain/transaction.ts';
import { transactionLeaf, txidOf } from '../chain/transaction-leaf.ts';
import { verifyInclusion } from '../merkle/list.ts';
import { leafHash } from '../merkle/list-hash.ts';
import type { Codec } from '../primitives/codec.ts';
import type { Hash } from '../primitives/hash.ts';
import { type Fields, short, struct, u32 } from '../primitives/struct.ts';
import { inclusionPath } from './hashes.ts';
import {
  type HeaderProof,
  headerProofCodec,
  type LogTip,
  type VerifiedHeader,
  verifyHeaderProof,
} from './header-proof.ts';

/** A transaction's place in a block. */
export interface TransactionPlace extends TransactionBytes {
  readonly position: number;
  /** To the header's transaction root. */
  readonly path: readonly Hash[];
}

export interface TransactionProof extends TransactionPlace {
  readonly header: HeaderProof;
}

/** A transaction that stands in a block of the certified log. */
export interface ProvedTransaction extends TransactionBytes {
  readonly txid: Hash;
  readonly header: VerifiedHeader;
  readonly position: number;
}

const placeFields: Fields<TransactionPlace> = {
  transaction: /* @__PURE__ */ short(MAX_TRANSACTION_BYTES),
  witnesses: /* @__PURE__ */ short(MAX_TRANSACTION_BYTES),
  position: u32,
  path: inclusionPath,
};

export const transactionPlaceCodec: Codec<TransactionPlace> = /* @__PURE__ */ struct(
  'transaction place',
  MAX_PROOF_BYTES,
  placeFields,
);

export const transactionProofCodec: Codec<TransactionProof> = /* @__PURE__ */ struct(
  'transaction proof',
  MAX_PROOF_BYTES,
  { header: headerProofCodec, ...placeFields },
);

/**
 * Checks that a transaction stands in a block of the log.
 *
 * Its signatures are not checked again: the validators who certified the block did.
 *
 * @throws {VerificationError} what `verifyHeaderProof` and an inclusion proof throw
 */
export function verifyTransactionProof(proof: TransactionProof, tip: LogTip): ProvedTransaction {
  return verifyTransactionPlace(proof, verifyHeaderProof(proof.header, tip));
}

/** Checks that a transaction stands in the block of a verified header. */
export function verifyTransactionPlace(
  { transaction, witnesses, position, path }: TransactionPlace,
  header: VerifiedHeader,
): ProvedTransaction {
  const txid = txidOf(transaction);
  verifyInclusion({
    leaf: leafHash(transactionLeaf(txid, witnesses)),
    index: BigInt(position),
    size: BigInt(header.txCount),
    root: header.txRoot,
    path,
  });
  return { txid, transaction, witnesses, header, position };
}
