/**
 * Vertices in canonical bytes, and their digests (docs/consensus.md §3).
 *
 * The digest covers the header alone; the header binds the payload by its own digest. So header
 * and payload can part later without a new hash.
 */
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { type Codec, codec, type Reader, Writer } from 'fanal/primitives/codec.ts';
import type { HashTag } from 'fanal/primitives/hash.ts';
import { MAX_COMMITTEE } from './committee.ts';
import { MAX_ENCODED_VERTEX_BYTES, MAX_MISBEHAVIOUR } from './limits.ts';
import type {
  CommitRef,
  Cosignature,
  EvidenceRef,
  SignedHeader,
  Vertex,
  VertexHeader,
  VertexRef,
} from './types.ts';

export const VERTEX_VERSION = 1;
export const VERTEX_SIGNATURE_BYTES = 64;
export const VERTEX_REF_BYTES = 38;
const MAX_PAYLOAD_COUNT = 0xffff;

/** Hashes under a tag: the core's port, or the protocol's own. */
export type TaggedHash = (tag: HashTag, ...parts: Bytes[]) => Bytes32;

export function writeVertexRef(writer: Writer, ref: VertexRef): void {
  writer.u32(ref.round).u16(ref.author).bytes(ref.digest, 32);
}

export function readVertexRef(reader: Reader): VertexRef {
  return { round: reader.u32(), author: reader.u16(), digest: reader.bytes32() };
}

export function writeCommitRef(writer: Writer, ref: CommitRef): void {
  writer.u32(ref.epoch).u64(ref.index).bytes(ref.digest, 32);
}

export function readCommitRef(reader: Reader): CommitRef {
  return { epoch: reader.u32(), index: reader.u64(), digest: reader.bytes32() };
}

export function writeCosignature(writer: Writer, cosignature: Cosignature): void {
  writer
    .u64(cosignature.size)
    .bytes(cosignature.root, 32)
    .u64(cosignature.time)
    .bytes(cosignature.signature, 64);
}

export function readCosignature(reader: Reader): Cosignature {
  return {
    size: reader.u64(),
    root: reader.bytes32(),
    time: reader.u64(),
    signature: reader.bytes(64),
  };
}

function writeEvidenceRef(writer: Writer, ref: EvidenceRef): void {
  writer.u32(ref.round).u16(ref.author).bytes(ref.first, 32).bytes(ref.second, 32);
}

function readEvidenceRef(reader: Reader): EvidenceRef {
  return {
    round: reader.u32(),
    author: reader.u16(),
    first: reader.bytes32(),
    second: reader.bytes32(),
  };
}

export const vertexHeaderCodec: Codec<VertexHeader> = codec(
  'vertex header',
  MAX_ENCODED_VERTEX_BYTES,
  (writer, header) => {
    writer
      .u8(header.version)
      .bytes(header.genesisId, 32)
      .u32(header.epoch)
      .u32(header.round)
      .u16(header.author)
      .u64(header.time)
      .list(header.ancestors, MAX_COMMITTEE, writeVertexRef)
      .u64(header.medianTime)
      .bytes(header.payloadDigest, 32)
      .u32(header.payloadBytes)
      .u16(header.transactionCount)
      .option(header.commitVote, writeCommitRef)
      .option(header.cosignature, writeCosignature)
      .list(header.misbehaviour, MAX_MISBEHAVIOUR, writeEvidenceRef);
  },
  (reader) => {
    const version = reader.u8();
    if (version !== VERTEX_VERSION) {
      throw reader.error('version', `expected version ${VERTEX_VERSION}, found ${version}`);
    }
    return {
      version,
      genesisId: reader.bytes32(),
      epoch: reader.u32(),
      round: reader.u32(),
      author: reader.u16(),
      time: reader.u64(),
      ancestors: reader.list(MAX_COMMITTEE, VERTEX_REF_BYTES, readVertexRef),
      medianTime: reader.u64(),
      payloadDigest: reader.bytes32(),
      payloadBytes: reader.u32(),
      transactionCount: reader.u16(),
      commitVote: reader.option(readCommitRef),
      cosignature: reader.option(readCosignature),
      misbehaviour: reader.list(MAX_MISBEHAVIOUR, 70, readEvidenceRef),
    };
  },
);

/** H(vertex, header): what names a vertex and what its author signs. */
export function vertexDigest(hash: TaggedHash, header: VertexHeader): Bytes32 {
  return hash('fanal/vertex/v1', vertexHeaderCodec.encode(header));
}

/** H(payload, counted transactions): what binds the payload to the header. */
export function payloadDigest(hash: TaggedHash, payload: readonly Bytes[]): Bytes32 {
  const writer = new Writer(payloadSize(payload));
  writePayload(writer, payload);
  return hash('fanal/payload/v1', writer.finish());
}

/** Bytes that the payload takes in a vertex. */
export function payloadSize(payload: readonly Bytes[]): number {
  let size = 2;
  for (const transaction of payload) size += 2 + transaction.length;
  return size;
}

/** Bytes that a vertex takes on the wire and on disk, without encoding it. */
export function vertexSize(vertex: Vertex): number {
  return signedHeaderSize(vertex) + vertex.header.payloadBytes;
}

/** Bytes that a header and its signature take. */
export function signedHeaderSize({ header }: SignedHeader): number {
  const { ancestors, commitVote, cosignature, misbehaviour } = header;
  return (
    1 +
    32 +
    4 +
    4 +
    2 +
    8 +
    (2 + VERTEX_REF_BYTES * ancestors.length) +
    8 +
    32 +
    4 +
    2 +
    (1 + (commitVote === null ? 0 : 44)) +
    (1 + (cosignature === null ? 0 : 112)) +
    (1 + 70 * misbehaviour.length) +
    VERTEX_SIGNATURE_BYTES
  );
}

/** Canonical bytes by vertex, so that one is encoded once and a received one not at all. */
const encodedVertices = new WeakMap<Vertex, Bytes>();

/** The canonical bytes of a vertex: header, payload, signature. Do not change them. */
export function encodeVertex(vertex: Vertex): Bytes {
  const known = encodedVertices.get(vertex);
  if (known !== undefined) return known;
  const writer = new Writer(vertexSize(vertex));
  vertexHeaderCodec.write(writer, vertex.header);
  writePayload(writer, vertex.payload);
  writer.bytes(vertex.signature, VERTEX_SIGNATURE_BYTES);
  const bytes = writer.finish();
  encodedVertices.set(vertex, bytes);
  return bytes;
}

/**
 * Reads a vertex and computes its digest. Nothing else is checked; see `verify.ts`.
 *
 * @throws {DecodeError} unless the bytes are exactly one canonical vertex
 */
export function decodeVertex(bytes: Bytes, hash: TaggedHash): Vertex {
  const { header, headerBytes, payload, signature } = vertexBytesCodec.decode(bytes);
  const ref = refOf(header, bytes.subarray(0, headerBytes), hash);
  const vertex: Vertex = { ref, header, payload, signature, transactionIds: [] };
  encodedVertices.set(vertex, bytes);
  return vertex;
}

/** A header that travels without what it binds, with its digest computed. @throws {DecodeError} */
export function signedHeaderOf(bytes: Bytes, signature: Bytes, hash: TaggedHash): SignedHeader {
  const header = vertexHeaderCodec.decode(bytes);
  return { ref: refOf(header, bytes, hash), header, signature };
}

function refOf({ round, author }: VertexHeader, bytes: Bytes, hash: TaggedHash): VertexRef {
  return { round, author, digest: hash('fanal/vertex/v1', bytes) };
}

/** The same vertex with its transaction ids, once `verify.ts` has found them. */
export function withTransactionIds(vertex: Vertex, transactionIds: readonly Bytes32[]): Vertex {
  const known = vertex.transactionIds;
  if (known.length === transactionIds.length && known.every((id, i) => id === transactionIds[i])) {
    return vertex;
  }
  const named = { ...vertex, transactionIds };
  const bytes = encodedVertices.get(vertex);
  if (bytes !== undefined) encodedVertices.set(named, bytes);
  return named;
}

interface DecodedVertex {
  readonly header: VertexHeader;
  readonly headerBytes: number;
  readonly payload: readonly Bytes[];
  readonly signature: Bytes;
}

const vertexBytesCodec: Codec<DecodedVertex> = codec(
  'vertex',
  MAX_ENCODED_VERTEX_BYTES,
  (writer, { header, payload, signature }) => {
    vertexHeaderCodec.write(writer, header);
    writePayload(writer, payload);
    writer.bytes(signature, VERTEX_SIGNATURE_BYTES);
  },
  (reader) => {
    const before = reader.remaining;
    const header = vertexHeaderCodec.read(reader);
    const headerBytes = before - reader.remaining;
    const payload = readPayload(reader);
    return { header, headerBytes, payload, signature: reader.bytes(VERTEX_SIGNATURE_BYTES) };
  },
);

export function writePayload(writer: Writer, payload: readonly Bytes[]): void {
  writer.list(payload, MAX_PAYLOAD_COUNT, (w, transaction) => w.shortBytes(transaction));
}

export function readPayload(reader: Reader): Bytes[] {
  return reader.list(MAX_PAYLOAD_COUNT, 2, (item) => item.shortBytes(0xffff));
}
