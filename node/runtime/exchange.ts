/**
 * What any node may ask another: its tip, the ends of epochs, blocks with proofs that they belong
 * to a certified log, snapshots, other peers; and to take transactions.
 *
 * Nothing in an answer is taken on trust: whoever asks checks it against a validator set it holds.
 */
import { MAX_TRANSACTION_BYTES } from 'fanal/chain/limits.ts';
import { asciiText, type Bytes, utf8 } from 'fanal/primitives/bytes.ts';
import { type Codec, codec } from 'fanal/primitives/codec.ts';
import { DIAL_VERDICTS, type DialVerdict } from '../network/dial-back.ts';
import { NETWORK_LIMITS } from '../network/limits.ts';

export type ExchangeRequest =
  | { readonly kind: 'tip' }
  | { readonly kind: 'handover'; readonly epoch: number }
  /** Blocks from `first` on, with header proofs in the log of `at` headers. */
  | {
      readonly kind: 'blocks';
      readonly first: bigint;
      readonly count: number;
      readonly at: bigint;
    }
  | { readonly kind: 'submit'; readonly transactions: readonly Bytes[] }
  | { readonly kind: 'peers' }
  | { readonly kind: 'snapshots' }
  | { readonly kind: 'chunk'; readonly height: bigint; readonly index: number }
  /** To connect to the asker at this address of its own. */
  | { readonly kind: 'dial'; readonly address: string };

const KINDS = [
  'tip',
  'handover',
  'blocks',
  'submit',
  'peers',
  'snapshots',
  'chunk',
  'dial',
] as const;

export const exchangeRequestCodec: Codec<ExchangeRequest> = codec(
  'request',
  NETWORK_LIMITS.requestBytes,
  (writer, request) => {
    writer.u8(KINDS.indexOf(request.kind));
    switch (request.kind) {
      case 'tip':
      case 'peers':
      case 'snapshots':
        return;
      case 'handover':
        writer.u32(request.epoch);
        return;
      case 'blocks':
        writer.u64(request.first).u16(request.count).u64(request.at);
        return;
      case 'submit':
        writer.list(request.transactions, NETWORK_LIMITS.transactionBatchCount, (w, bytes) => {
          w.shortBytes(bytes);
        });
        return;
      case 'chunk':
        writer.u64(request.height).u32(request.index);
        return;
      case 'dial':
        writer.shortBytes(utf8(request.address));
    }
  },
  (reader) => {
    const kind = KINDS[reader.u8()];
    if (kind === undefined) throw reader.error('kind', 'unknown request');
    switch (kind) {
      case 'tip':
      case 'peers':
      case 'snapshots':
        return { kind };
      case 'handover':
        return { kind, epoch: reader.u32() };
      case 'blocks':
        return { kind, first: reader.u64(), count: reader.u16(), at: reader.u64() };
      case 'submit':
        return {
          kind,
          transactions: reader.list(NETWORK_LIMITS.transactionBatchCount, 2, (item) =>
            item.shortBytes(MAX_TRANSACTION_BYTES),
          ),
        };
      case 'chunk':
        return { kind, height: reader.u64(), index: reader.u32() };
      case 'dial':
        return { kind, address: asciiText(reader.shortBytes(256)) };
    }
  },
);

/** A node's newest certified checkpoint, and the header that it ends with. */
export interface TipAnswer {
  readonly note: Bytes;
  readonly header: Bytes;
}

const MAX_NOTE = 512 * 1024;

export const tipAnswerCodec: Codec<TipAnswer> = codec(
  'tip',
  MAX_NOTE + 1_024,
  (writer, { note, header }) => {
    writer.longBytes(note).shortBytes(header);
  },
  (reader) => ({ note: reader.longBytes(MAX_NOTE), header: reader.shortBytes(512) }),
);

/** The short news that goes to everyone who listens: how long the certified log is, and its epoch. */
export interface TipNews {
  readonly size: bigint;
  readonly epoch: number;
}

export const tipNewsCodec: Codec<TipNews> = codec(
  'tip news',
  12,
  (writer, { size, epoch }) => {
    writer.u64(size).u32(epoch);
  },
  (reader) => ({ size: reader.u64(), epoch: reader.u32() }),
);

/** One block with the proof that its header stands in the log. */
export interface BlockAnswer {
  readonly proof: Bytes;
  readonly block: Bytes;
}

export const blockAnswerCodec: Codec<BlockAnswer> = codec(
  'block answer',
  NETWORK_LIMITS.answerFrameBytes,
  (writer, { proof, block }) => {
    writer.shortBytes(proof).longBytes(block);
  },
  (reader) => ({
    proof: reader.shortBytes(4_096),
    block: reader.longBytes(NETWORK_LIMITS.answerFrameBytes),
  }),
);

/** What became of each submitted transaction: an empty text for taken, or why not. */
export const submitAnswerCodec: Codec<readonly string[]> = codec(
  'submit answer',
  NETWORK_LIMITS.requestBytes,
  (writer, outcomes) => {
    writer.list(outcomes, NETWORK_LIMITS.transactionBatchCount, (w, outcome) => {
      w.shortBytes(utf8(outcome));
    });
  },
  (reader) =>
    reader.list(NETWORK_LIMITS.transactionBatchCount, 2, (item) => asciiText(item.shortBytes(64))),
);

export const dialAnswerCodec: Codec<DialVerdict> = codec(
  'dial answer',
  1,
  (writer, verdict) => {
    writer.u8(DIAL_VERDICTS.indexOf(verdict));
  },
  (reader) => {
    const verdict = DIAL_VERDICTS[reader.u8()];
    if (verdict === undefined) throw reader.error('kind', 'unknown verdict');
    return verdict;
  },
);

/** Addresses that name their peer: `/ip4/…/tcp/…/p2p/…`. */
export const peersAnswerCodec: Codec<readonly string[]> = codec(
  'peers answer',
  NETWORK_LIMITS.requestBytes,
  (writer, addresses) => {
    writer.list(addresses, NETWORK_LIMITS.exchangeEntries, (w, address) => {
      w.shortBytes(utf8(address));
    });
  },
  (reader) =>
    reader.list(NETWORK_LIMITS.exchangeEntries, 2, (item) => asciiText(item.shortBytes(256))),
);
