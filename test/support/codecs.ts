/**
 * Every type that has canonical bytes, with any value of it. A codec that is missing here fails a
 * test.
 */
import type { Codec } from 'fanal/primitives/codec.ts';
import fc, { type Arbitrary } from 'fast-check';
import * as any from './arbitraries.ts';
import { CODEC_BY_NAME, type CodecName } from './codec-list.ts';

export interface CodecCase<T = unknown> {
  /** The codec's export without `Codec`, as file names and vectors have it. */
  readonly name: CodecName;
  readonly codec: Codec<T>;
  readonly arbitrary: Arbitrary<T>;
}

const ARBITRARIES: Readonly<Record<CodecName, Arbitrary<unknown>>> = {
  action: any.action,
  addressProof: any.addressProof,
  addressRecord: any.addressRecord,
  block: any.block,
  coin: any.coin,
  coinValue: fc.record({ amount: any.u64, height: any.u64 }),
  coinsPage: any.coinsPage,
  cosignature: any.cosignature,
  cosignedCheckpoint: any.cosigned,
  epochState: any.epochState,
  evidence: any.evidence,
  genesis: any.genesis,
  handover: any.handover,
  header: any.header,
  headerProof: any.headerProof,
  historyEntry: any.historyEntry,
  historyPage: any.historyPage,
  mapProof: any.mapProof,
  offence: any.offence,
  outpoint: fc.record({ txid: any.bytes32, index: any.u16 }),
  params: any.params,
  readiness: any.readiness,
  receipt: any.receipt,
  registration: any.registration,
  signedTransaction: any.signedTransaction,
  stateProof: any.stateProof,
  transaction: any.transaction,
  transactionPlace: any.transactionPlace,
  transactionProof: any.transactionProof,
  trustState: any.trustState,
  update: any.update,
  upgradeAction: any.upgradeAction,
  validatorRecord: any.validatorRecord,
  validatorSet: any.set,
  witness: any.witness,
  witnesses: fc.array(any.witness, { maxLength: 4 }),
};

export const CODECS: readonly CodecCase[] = Object.entries(ARBITRARIES).map(
  ([name, arbitrary]) => ({
    name: name as CodecName,
    codec: CODEC_BY_NAME[name as CodecName],
    arbitrary,
  }),
);
