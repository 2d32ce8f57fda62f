/**
 * A block: its header, its transactions, and what else execution needs to arrive at the header's
 * state (docs/protocol.md §8.3).
 */
import type { Bytes } from '../primitives/bytes.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import { HEADER_BYTES, type Header, headerCodec } from './header.ts';
import {
  MAX_BLOCK_BYTES,
  MAX_BLOCK_EQUIVOCATIONS,
  MAX_BLOCK_TRANSACTIONS,
  MAX_TRANSACTION_BYTES,
  MAX_VALIDATORS,
} from './limits.ts';
import { type ValidatorSet, validatorSetCodec } from './validators.ts';

/** A slot in which consensus saw two vertices of one author. */
export interface EquivocationRecord {
  readonly author: number;
  readonly round: number;
}

export interface Block {
  readonly header: Header;
  /** Signed transactions in canonical bytes, in block order. */
  readonly transactions: readonly Bytes[];
  /** For each validator by index: its vertices in this block's commits. */
  readonly committed: readonly number[];
  readonly equivocations: readonly EquivocationRecord[];
  /** The next epoch's set, in the last block of an epoch. */
  readonly nextValidators: ValidatorSet | null;
}

export const blockCodec: Codec<Block> = codec(
  'block',
  MAX_BLOCK_BYTES,
  (writer, block) => {
    headerCodec.write(writer, block.header);
    writer
      .list(block.transactions, MAX_BLOCK_TRANSACTIONS, (w, bytes) => {
        w.shortBytes(bytes);
      })
      .list(block.committed, MAX_VALIDATORS, (w, count) => {
        w.u32(count);
      })
      .list(block.equivocations, MAX_BLOCK_EQUIVOCATIONS, (w, { author, round }) => {
        w.u16(author).u32(round);
      })
      .option(block.nextValidators, validatorSetCodec.write);
  },
  (reader) => ({
    header: headerCodec.read(reader),
    transactions: reader.list(MAX_BLOCK_TRANSACTIONS, 2, (item) =>
      item.shortBytes(MAX_TRANSACTION_BYTES),
    ),
    committed: reader.list(MAX_VALIDATORS, 4, (item) => item.u32()),
    equivocations: reader.list(MAX_BLOCK_EQUIVOCATIONS, 6, (item) => ({
      author: item.u16(),
      round: item.u32(),
    })),
    nextValidators: reader.option(validatorSetCodec.read),
  }),
);

/** Reads only the header of an encoded block. */
export function blockHeader(bytes: Bytes): Header {
  return headerCodec.decode(bytes.slice(0, HEADER_BYTES));
}
