/**
 * The verifier: follow the chain, check what servers say, offline and without a curve of its own.
 *
 * Signature checks are handed in (`VerifyBatch`): `fanal/crypto/webcrypto.ts` where the platform
 * verifies Ed25519, `fanal/crypto/ed25519.ts` where it does not.
 */

export { type CertifiedCheckpoint, certify, certifyNote } from '../checkpoint/certify.ts';
export type { SignedItem, VerifyBatch } from '../crypto/filter.ts';
export { DecodeError, FanalError, VerificationError } from '../primitives/errors.ts';
export {
  type AddressProof,
  addressProofCodec,
  type ProvedAddress,
  verifyAddressProof,
} from './address-proof.ts';
export {
  type CoinsPage,
  type CoinsSoFar,
  coinsPageCodec,
  finishCoins,
  NO_COINS_YET,
  nextCoinKey,
  takeCoinsPage,
  verifyCoins,
} from './coins.ts';
export {
  type Evidence,
  evidenceCodec,
  type Finding,
  type ForkEvidence,
  type OffenceEvidence,
  offencesOf,
  verifyEvidence,
} from './evidence.ts';
export { type Followed, type FollowOptions, follow } from './follow.ts';
export { freshness, unverified, type Verdict, vouchedMillis } from './freshness.ts';
export { type Handover, handoverCodec, takeHandover } from './handover.ts';
export {
  type HeaderProof,
  headerProofCodec,
  type LogTip,
  type VerifiedHeader,
  verifyHeaderProof,
} from './header-proof.ts';
export { type HistoryPage, historyPageCodec, verifyHistoryPage } from './history.ts';
export { type ProvedReceipt, type Receipt, receiptCodec, verifyReceipt } from './receipt.ts';
export { formatReceipt, parseReceipt, verifyReceiptText } from './receipt-text.ts';
export {
  type StateProof,
  stateProofCodec,
  verifyEpochState,
  verifyParams,
  verifyStateProof,
  verifyValidator,
} from './state-proof.ts';
export {
  type ProvedTransaction,
  type TransactionPlace,
  type TransactionProof,
  transactionProofCodec,
  verifyTransactionProof,
} from './transaction-proof.ts';
export {
  type TrustState,
  trustedHeader,
  trustedTip,
  trustStateCodec,
} from './trust.ts';
export { formatTrust, parseTrust } from './trust-file.ts';
export { type Update, updateCodec } from './update.ts';
