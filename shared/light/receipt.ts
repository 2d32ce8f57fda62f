/**
 * A receipt: one payment, proved from the transaction to a certified checkpoint, for checking
 * offline against a trust file (docs/protocol.md §9.10).
 *
 * These are its compact bytes, small enough for a QR code. Its text is in `receipt-text.ts`.
 */
import { type Header, headerCodec } from '../chain/header.ts';
import { MAX_RECEIPT_BYTES } from '../chain/limits.ts';
import { originField } from '../chain/origin.ts';
import { type CertifiedCheckpoint, certify } from '../checkpoint/certify.ts';
import { type CosignedCheckpoint, cosignedCheckpointCodec } from '../checkpoint/cosigned.ts';
import type { VerifyBatch } from '../crypto/filter.ts';
import { equalBytes, toHex } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { struct, u32 } from '../primitives/struct.ts';
import { vouchedMillis } from './freshness.ts';
import { type EpochTrust, type Handover, handoversField, takeHandover } from './handover.ts';
import { inclusionPath } from './hashes.ts';
import { type VerifiedHeader, verifyHeaderPath } from './header-proof.ts';
import {
  type ProvedTransaction,
  type TransactionPlace,
  transactionPlaceCodec,
  verifyTransactionPlace,
} from './transaction-proof.ts';
import { type TrustState, trustedTip } from './trust.ts';

export interface Receipt {
  readonly origin: string;
  /** The epoch whose set certified the checkpoint, or the first of the handovers. */
  readonly epoch: number;
  /** From the reader's epoch to the checkpoint's; usually none. */
  readonly handovers: readonly Handover[];
  readonly checkpoint: CosignedCheckpoint;
  readonly header: Header;
  /** Of the header in the checkpoint's log. */
  readonly path: readonly Hash[];
  readonly transaction: TransactionPlace;
}

/** What a receipt proves. */
export interface ProvedReceipt extends ProvedTransaction {
  readonly checkpoint: CertifiedCheckpoint;
  /** When more than a third of stake had signed: the payment was final by then. */
  readonly certifiedAt: bigint;
}

const RECEIPT_VERSION = 1;

export const receiptCodec: Codec<Receipt> = /* @__PURE__ */ struct(
  'receipt',
  MAX_RECEIPT_BYTES,
  {
    origin: originField,
    epoch: u32,
    handovers: handoversField,
    checkpoint: cosignedCheckpointCodec,
    header: headerCodec,
    path: inclusionPath,
    transaction: transactionPlaceCodec,
  },
  RECEIPT_VERSION,
);

/**
 * Checks a receipt offline.
 *
 * The trust must be of the epoch that certified the receipt, or of an earlier one that the
 * receipt's handovers lead on from.
 *
 * @throws {VerificationError} `receipt/origin`, `receipt/epoch`, `receipt/conflict`, `handover/…`,
 *   `checkpoint/…`, `proof/…`
 */
export async function verifyReceipt(
  receipt: Receipt,
  trust: TrustState,
  verify: VerifyBatch,
): Promise<ProvedReceipt> {
  return verifyReceiptIn(await receiptEpoch(receipt, trust, verify), receipt, trust, verify);
}

/** The same for who has taken the receipt's handovers already. */
export async function verifyReceiptIn(
  { origin, validators }: EpochTrust,
  receipt: Receipt,
  trust: TrustState,
  verify: VerifyBatch,
): Promise<ProvedReceipt> {
  const checkpoint = await certify(receipt.checkpoint, origin, validators, verify);
  const tip = trustedTip(trust);
  if (checkpoint.size === tip.size && !equalBytes(checkpoint.root, tip.root)) {
    throw new VerificationError(
      'receipt/conflict',
      'receipt',
      `root ${toHex(tip.root)} at size ${tip.size}`,
      toHex(checkpoint.root),
      { hint: 'Two certified roots at one size: a fork. Keep the receipt and the trust file.' },
    );
  }
  verifyHeaderPath(receipt.header, receipt.path, checkpoint);
  const header = receipt.header as VerifiedHeader;
  const proved = verifyTransactionPlace(receipt.transaction, header);
  return { ...proved, checkpoint, certifiedAt: vouchedMillis(checkpoint, validators) };
}

/** The set that must have certified a receipt, by its handovers from the trusted one. */
export async function receiptEpoch(
  { origin, epoch, handovers }: Pick<Receipt, 'origin' | 'epoch' | 'handovers'>,
  trust: TrustState,
  verify: VerifyBatch,
): Promise<EpochTrust> {
  if (origin !== trust.origin) {
    throw new VerificationError('receipt/origin', 'receipt', trust.origin, origin, {
      hint: 'The receipt is of another network than the trust file.',
    });
  }
  if (epoch !== trust.header.epoch) {
    throw new VerificationError(
      'receipt/epoch',
      'receipt',
      `epoch ${trust.header.epoch}`,
      `${epoch}`,
      {
        hint: 'Ask a node for a new receipt of this payment, or use the trust file of its time.',
      },
    );
  }
  let held: EpochTrust = { origin, epoch, validators: trust.validators };
  for (const handover of handovers) held = await takeHandover(held, handover, verify);
  return held;
}
