/**
 * A transaction proved: its place in a block, and the block's place in the log
 * (docs/protocol.md §11.2).
 */
import { MAX_INCLUSION_HASHES, MAX_PROOF_BYTES } from '../chain/limits.ts';
import {
  type SignedTransaction,
  signedTransactionCodec,
  transactionId,
  transactionLeaf,
} from '../chain/transaction.ts';
import { verifyInclusion } from '../merkle/list.ts';
import { leafHash } from '../merkle/list-hash.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import type { Hash } from '../primitives/hash.ts';
import { readPath, writePath } from './hashes.ts';
import {
  type HeaderProof,
  headerProofCodec,
  type LogTip,
  type VerifiedHeader,
  verifyHeaderProof,
} from './header-proof.ts';

/** A transaction's place in a block. */
export interface TransactionPlace {
  readonly signed: SignedTransaction;
  readonly position: number;
  /** To the header's transaction root. */
  readonly path: readonly Hash[];
}

export interface TransactionProof extends TransactionPlace {
  readonly header: HeaderProof;
}

/** A transaction that stands in a block of the certified log. */
export interface ProvedTransaction {
  readonly txid: Hash;
  readonly signed: SignedTransaction;
  readonly header: VerifiedHeader;
  readonly position: number;
}

export const transactionPlaceCodec: Codec<TransactionPlace> = codec(
  'transaction place',
  MAX_PROOF_BYTES,
  (writer, { signed, position, path }) => {
    signedTransactionCodec.write(writer, signed);
    writer.u32(position);
    writePath(writer, path, MAX_INCLUSION_HASHES);
  },
  (reader) => ({
    signed: signedTransactionCodec.read(reader),
    position: reader.u32(),
    path: readPath(reader, MAX_INCLUSION_HASHES),
  }),
);

export const transactionProofCodec: Codec<TransactionProof> = codec(
  'transaction proof',
  MAX_PROOF_BYTES,
  (writer, proof) => {
    headerProofCodec.write(writer, proof.header);
    transactionPlaceCodec.write(writer, proof);
  },
  (reader) => ({ header: headerProofCodec.read(reader), ...transactionPlaceCodec.read(reader) }),
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
  { signed, position, path }: TransactionPlace,
  header: VerifiedHeader,
): ProvedTransaction {
  const txid = transactionId(signed.transaction);
  verifyInclusion({
    leaf: leafHash(transactionLeaf(txid, signed.witnesses)),
    index: BigInt(position),
    size: BigInt(header.txCount),
    root: header.txRoot,
    path,
  });
  return { txid, signed, header, position };
}
