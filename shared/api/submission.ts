/**
 * Handing in a transaction, and where it stands, as JSON.
 */
import { MAX_TRANSACTION_BYTES } from '../chain/limits.ts';
import { bytes32, choice, hex, object, text, u32, u64, type ValueOf, word } from './shape.ts';

/** Where a transaction stands, as the server says. */
export const transactionStatusShape = choice(
  object({ kind: word('unknown') }),
  /** It waits at this server. */
  object({ kind: word('pending') }),
  object({ kind: word('committed'), height: u64, position: u32 }),
  object({ kind: word('certified'), height: u64, position: u32 }),
  /** Left out of a block, with the code of the rule. */
  object({ kind: word('rejected'), height: u64, code: text(64) }),
  /** It waited at this server and was given up, with the code of why. Others may still have it. */
  object({ kind: word('evicted'), code: text(64) }),
);
export type TransactionStatus = ValueOf<typeof transactionStatusShape>;

/** The JSON body of `POST /v1/transactions`; canonical bytes as octets are taken, too. */
export const submitShape = object({ transaction: hex({ max: MAX_TRANSACTION_BYTES }) });

/** What submitting gave. */
export const submittedShape = object({ txid: bytes32, status: transactionStatusShape });
export type Submitted = ValueOf<typeof submittedShape>;
