/**
 * Every codec that has canonical bytes, by the name that vectors and tests have for it.
 */
import { actionCodec } from 'fanal/chain/action.ts';
import { addressRecordCodec } from 'fanal/chain/address-record.ts';
import { blockCodec } from 'fanal/chain/block.ts';
import { coinCodec, coinValueCodec, outpointCodec } from 'fanal/chain/coin.ts';
import { epochStateCodec } from 'fanal/chain/epoch-state.ts';
import { genesisCodec } from 'fanal/chain/genesis.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { historyEntryCodec } from 'fanal/chain/history-entry.ts';
import { offenceCodec } from 'fanal/chain/offence.ts';
import { paramsCodec } from 'fanal/chain/params.ts';
import { readinessCodec } from 'fanal/chain/readiness.ts';
import { registrationCodec } from 'fanal/chain/registration.ts';
import {
  signedTransactionCodec,
  transactionCodec,
  witnessesCodec,
} from 'fanal/chain/transaction.ts';
import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import { validatorSetCodec } from 'fanal/chain/validators.ts';
import { witnessCodec } from 'fanal/chain/witness.ts';
import { cosignatureCodec } from 'fanal/checkpoint/cosignature.ts';
import { cosignedCheckpointCodec } from 'fanal/checkpoint/cosigned.ts';
import { addressProofCodec } from 'fanal/light/address-proof.ts';
import { coinsPageCodec } from 'fanal/light/coins.ts';
import { evidenceCodec } from 'fanal/light/evidence.ts';
import { handoverCodec } from 'fanal/light/handover.ts';
import { headerProofCodec } from 'fanal/light/header-proof.ts';
import { historyPageCodec } from 'fanal/light/history.ts';
import { receiptCodec } from 'fanal/light/receipt.ts';
import { stateProofCodec } from 'fanal/light/state-proof.ts';
import { transactionPlaceCodec, transactionProofCodec } from 'fanal/light/transaction-proof.ts';
import { trustStateCodec } from 'fanal/light/trust.ts';
import { updateCodec } from 'fanal/light/update.ts';
import { mapProofCodec } from 'fanal/merkle/map.ts';
import type { Codec } from 'fanal/primitives/codec.ts';

const CODECS = {
  action: actionCodec,
  addressProof: addressProofCodec,
  addressRecord: addressRecordCodec,
  block: blockCodec,
  coin: coinCodec,
  coinValue: coinValueCodec,
  coinsPage: coinsPageCodec,
  cosignature: cosignatureCodec,
  cosignedCheckpoint: cosignedCheckpointCodec,
  epochState: epochStateCodec,
  evidence: evidenceCodec,
  genesis: genesisCodec,
  handover: handoverCodec,
  header: headerCodec,
  headerProof: headerProofCodec,
  historyEntry: historyEntryCodec,
  historyPage: historyPageCodec,
  mapProof: mapProofCodec,
  offence: offenceCodec,
  outpoint: outpointCodec,
  params: paramsCodec,
  readiness: readinessCodec,
  receipt: receiptCodec,
  registration: registrationCodec,
  signedTransaction: signedTransactionCodec,
  stateProof: stateProofCodec,
  transaction: transactionCodec,
  transactionPlace: transactionPlaceCodec,
  transactionProof: transactionProofCodec,
  trustState: trustStateCodec,
  update: updateCodec,
  upgradeAction: actionCodec,
  validatorRecord: validatorRecordCodec,
  validatorSet: validatorSetCodec,
  witness: witnessCodec,
  witnesses: witnessesCodec,
} as const;

export type CodecName = keyof typeof CODECS;

/** The codec of each type. */
export const CODEC_BY_NAME = CODECS as unknown as Readonly<Record<CodecName, Codec<unknown>>>;
