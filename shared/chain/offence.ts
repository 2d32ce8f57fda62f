/**
 * Proof that one validator broke its word: two vertices in one slot, or two roots at one size.
 *
 * It convicts by signatures alone, so anyone may bring it, in an *evidence* action or a file.
 * How it is checked: `checkpoint/offence.ts` (docs/protocol.md §10).
 */
import { SIGNATURE_BYTES } from '../crypto/filter.ts';
import type { Bytes, Bytes32 } from '../primitives/bytes.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import { bytes32, fixed, short, struct, u64 } from '../primitives/struct.ts';
import { MAX_EVIDENCE_VERTEX_BYTES } from './limits.ts';
import { nameField } from './text.ts';

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
  /** Two different roots at one size; the bytewise smaller first. */
  | ({ readonly kind: 'cosignatures' } & CosignedPair)
  /** Two different headers of one slot; the bytewise smaller first. */
  | ({ readonly kind: 'vertices' } & VertexPair);

interface CosignedPair {
  readonly validator: string;
  readonly size: bigint;
  readonly first: CosignedRoot;
  readonly second: CosignedRoot;
}

interface VertexPair {
  readonly validator: string;
  readonly first: SignedVertexHeader;
  readonly second: SignedVertexHeader;
}

const MAX_OFFENCE_BYTES = 15 * 1_024;

const signature = /* @__PURE__ */ fixed(SIGNATURE_BYTES);

const rootCodec: Codec<CosignedRoot> = /* @__PURE__ */ struct('cosigned root', 104, {
  root: bytes32,
  time: u64,
  signature,
});

const vertexCodec: Codec<SignedVertexHeader> = /* @__PURE__ */ struct(
  'signed vertex header',
  8_192,
  {
    header: /* @__PURE__ */ short(MAX_EVIDENCE_VERTEX_BYTES),
    signature,
  },
);

const cosignedPairCodec: Codec<CosignedPair> = /* @__PURE__ */ struct(
  'cosignatures',
  MAX_OFFENCE_BYTES,
  { validator: nameField, size: u64, first: rootCodec, second: rootCodec },
);

const vertexPairCodec: Codec<VertexPair> = /* @__PURE__ */ struct('vertices', MAX_OFFENCE_BYTES, {
  validator: nameField,
  first: vertexCodec,
  second: vertexCodec,
});

/** 0 and two cosignatures, or 1 and two vertices. */
export const offenceCodec: Codec<Offence> = /* @__PURE__ */ codec(
  'offence',
  MAX_OFFENCE_BYTES,
  (writer, offence) => {
    if (offence.kind === 'cosignatures') cosignedPairCodec.write(writer.u8(0), offence);
    else vertexPairCodec.write(writer.u8(1), offence);
  },
  (reader) => {
    const kind = reader.u8();
    if (kind === 0) return { kind: 'cosignatures', ...cosignedPairCodec.read(reader) };
    if (kind === 1) return { kind: 'vertices', ...vertexPairCodec.read(reader) };
    throw reader.error('kind', `expected offence 0 or 1, found ${kind}`);
  },
);
