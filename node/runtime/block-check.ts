/**
 * A block's payments, held against the root that its header promises.
 */
import type { Block } from 'fanal/chain/block.ts';
import {
  signedTransactionCodec,
  type Transaction,
  transactionCodec,
} from 'fanal/chain/transaction.ts';
import { transactionLeaf, txidOf } from 'fanal/chain/transaction-leaf.ts';
import { listRoot } from 'fanal/merkle/list.ts';
import { leafHash } from 'fanal/merkle/list-hash.ts';
import { type Bytes, type Bytes32, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { VerificationError } from 'fanal/primitives/errors.ts';

export interface BlockTransaction {
  readonly txid: Bytes32;
  readonly bytes: Bytes;
  readonly transaction: Transaction;
}

/**
 * The transactions of a block whose header is proved.
 *
 * @throws {VerificationError} `proof/transactions` unless they make up the header's root
 */
export function transactionsOf(block: Block): BlockTransaction[] {
  const { header } = block;
  const leaves: Bytes32[] = [];
  const transactions = block.transactions.map((bytes) => {
    const { transaction } = signedTransactionCodec.decode(bytes);
    const encoded = transactionCodec.encode(transaction);
    const txid = txidOf(encoded);
    leaves.push(leafHash(transactionLeaf(txid, bytes.subarray(encoded.length))));
    return { txid, bytes, transaction };
  });
  const root = listRoot(leaves);
  if (leaves.length !== header.txCount || !equalBytes(root, header.txRoot)) {
    throw new VerificationError(
      'proof/transactions',
      'transaction root',
      `${header.txCount} transactions under ${toHex(header.txRoot)}`,
      `${leaves.length} under ${toHex(root)}`,
    );
  }
  return transactions;
}
