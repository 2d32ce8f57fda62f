/**
 * Every type that has canonical bytes, with any value of it. A codec that is missing here fails a
 * house test.
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
import fc, { type Arbitrary } from 'fast-check';
import * as any from './arbitraries.ts';

export interface CodecCase<T = unknown> {
  /** The codec's export without `Codec`, as file names and vectors have it. */
  readonly name: string;
  readonly codec: Codec<T>;
  readonly arbitrary: Arbitrary<T>;
}

function of<T>(name: string, codec: Codec<T>, arbitrary: Arbitrary<T>): CodecCase {
  return { name, codec, arbitrary } as unknown as CodecCase;
}

export const CODECS: readonly CodecCase[] = [
  of('action', actionCodec, any.action),
  of('addressProof', addressProofCodec, any.addressProof),
  of('addressRecord', addressRecordCodec, any.addressRecord),
  of('block', blockCodec, any.block),
  of('coin', coinCodec, any.coin),
  of('coinValue', coinValueCodec, fc.record({ amount: any.u64, height: any.u64 })),
  of('coinsPage', coinsPageCodec, any.coinsPage),
  of('cosignature', cosignatureCodec, any.cosignature),
  of('cosignedCheckpoint', cosignedCheckpointCodec, any.cosigned),
  of('epochState', epochStateCodec, any.epochState),
  of('evidence', evidenceCodec, any.evidence),
  of('genesis', genesisCodec, any.genesis),
  of('handover', handoverCodec, any.handover),
  of('header', headerCodec, any.header),
  of('headerProof', headerProofCodec, any.headerProof),
  of('historyEntry', historyEntryCodec, any.historyEntry),
  of('historyPage', historyPageCodec, any.historyPage),
  of('mapProof', mapProofCodec, any.mapProof),
  of('offence', offenceCodec, any.offence),
  of('outpoint', outpointCodec, fc.record({ txid: any.bytes32, index: any.u16 })),
  of('params', paramsCodec, any.params),
  of('receipt', receiptCodec, any.receipt),
  of('registration', registrationCodec, any.registration),
  of('signedTransaction', signedTransactionCodec, any.signedTransaction),
  of('stateProof', stateProofCodec, any.stateProof),
  of('transaction', transactionCodec, any.transaction),
  of('transactionPlace', transactionPlaceCodec, any.transactionPlace),
  of('transactionProof', transactionProofCodec, any.transactionProof),
  of('trustState', trustStateCodec, any.trustState),
  of('update', updateCodec, any.update),
  of('validatorRecord', validatorRecordCodec, any.validatorRecord),
  of('validatorSet', validatorSetCodec, any.set),
  of('witness', witnessCodec, any.witness),
  of('witnesses', witnessesCodec, fc.array(any.witness, { maxLength: 4 })),
];
