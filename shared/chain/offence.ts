/**
 * Proof that one validator broke its word: two vertices in one slot, or two roots at one size.
 *
 * It convicts by signatures alone, so anyone may bring it, in an *evidence* action or a file.
 * How it is checked: `checkpoint/offence.ts` (docs/protocol.md §12).
 */
import { SIGNATURE_BYTES } from '../crypto/filter.ts';
import type { Bytes, Bytes32 } from '../primitives/bytes.ts';
import { type Codec, codec, type Reader, type Writer } from '../primitives/codec.ts';
import { MAX_EVIDENCE_VERTEX_BYTES } from './limits.ts';
import { readName, writeText } from './text.ts';

/** A root that the validator cosigned. */
export interface CosignedRoot {
  readonly root: Bytes32;
  /** Unix seconds. */
  readonly time: bigint;
  readonly signature: Bytes;
}

/** A vertex header in its signed bytes. */
export interface SignedVertexHeader {
  readonly header: Bytes;
  readonly signature: Bytes;
}

export type Offence =
  | {
      readonly kind: 'cosignatures';
      readonly validator: string;
      readonly size: bigint;
      /** Two different roots; the bytewise smaller first. */
      readonly first: CosignedRoot;
      readonly second: CosignedRoot;
    }
  | {
      readonly kind: 'vertices';
      readonly validator: string;
      /** Two different headers of one slot; the bytewise smaller first. */
      readonly first: SignedVertexHeader;
      readonly second: SignedVertexHeader;
    };

const COSIGNATURES = 0;
const VERTICES = 1;

export const offenceCodec: Codec<Offence> = codec('offence', 16 * 1_024, write, read);

function write(writer: Writer, offence: Offence): void {
  switch (offence.kind) {
    case 'cosignatures':
      writer.u8(COSIGNATURES);
      writeText(writer, offence.validator);
      writer.u64(offence.size);
      for (const { root, time, signature } of [offence.first, offence.second]) {
        writer.bytes(root, 32).u64(time).bytes(signature, SIGNATURE_BYTES);
      }
      return;
    case 'vertices':
      writer.u8(VERTICES);
      writeText(writer, offence.validator);
      for (const { header, signature } of [offence.first, offence.second]) {
        writer.shortBytes(header).bytes(signature, SIGNATURE_BYTES);
      }
  }
}

function read(reader: Reader): Offence {
  const kind = reader.u8();
  const validator = readName(reader);
  if (kind === COSIGNATURES) {
    const size = reader.u64();
    return {
      kind: 'cosignatures',
      validator,
      size,
      first: readCosignedRoot(reader),
      second: readCosignedRoot(reader),
    };
  }
  if (kind === VERTICES) {
    return {
      kind: 'vertices',
      validator,
      first: readVertex(reader),
      second: readVertex(reader),
    };
  }
  throw reader.error('kind', `expected offence 0 or 1, found ${kind}`);
}

function readCosignedRoot(reader: Reader): CosignedRoot {
  return { root: reader.bytes32(), time: reader.u64(), signature: reader.bytes(SIGNATURE_BYTES) };
}

function readVertex(reader: Reader): SignedVertexHeader {
  return {
    header: reader.shortBytes(MAX_EVIDENCE_VERTEX_BYTES),
    signature: reader.bytes(SIGNATURE_BYTES),
  };
}
