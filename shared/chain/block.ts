/**
 * A block: its header, its transactions, and what else execution needs to arrive at the header's
 * state (docs/protocol.md §6.3).
 */
import type { Bytes } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { listOf, optional, short, struct, u16, u32 } from '../primitives/struct.ts';
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

const equivocationCodec: Codec<EquivocationRecord> = /* @__PURE__ */ struct('equivocation', 6, {
  author: u16,
  round: u32,
});

export const blockCodec: Codec<Block> = /* @__PURE__ */ struct('block', MAX_BLOCK_BYTES, {
  header: headerCodec,
  transactions: /* @__PURE__ */ listOf(
    MAX_BLOCK_TRANSACTIONS,
    2,
    /* @__PURE__ */ short(MAX_TRANSACTION_BYTES),
  ),
  committed: /* @__PURE__ */ listOf(MAX_VALIDATORS, 4, u32),
  equivocations: /* @__PURE__ */ listOf(MAX_BLOCK_EQUIVOCATIONS, 6, equivocationCodec),
  nextValidators: /* @__PURE__ */ optional(validatorSetCodec),
});

/** Reads only the header of an encoded block. */
export function blockHeader(bytes: Bytes): Header {
  return headerCodec.decode(bytes.slice(0, HEADER_BYTES));
}
