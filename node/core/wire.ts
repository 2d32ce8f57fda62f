/**
 * Messages between validators in canonical bytes.
 *
 * Every message names the genesis id and the epoch. A decoder checks every count against the bytes
 * that are left before it allocates.
 */
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { equalBytes } from 'fanal/primitives/bytes.ts';
import { Reader, Writer } from 'fanal/primitives/codec.ts';
import { DecodeError } from 'fanal/primitives/errors.ts';
import { decodeCommit, encodeCommit } from './commit.ts';
import { MAX_COMMITTEE } from './committee.ts';
import {
  MAX_ENCODED_VERTEX_BYTES,
  MAX_FETCH_VERTICES,
  MAX_PUSH_VERTICES,
  MAX_SYNC_COMMITS,
  MAX_SYNC_VERTICES,
  MAX_VERTEX_OVERHEAD_BYTES,
} from './limits.ts';
import type { SlimVertex } from './slim.ts';
import type {
  AuthoredCosignature,
  CertifiedCheckpoint,
  Commit,
  PeerMessage,
  PeerRequest,
  PeerResponse,
  SignedHeader,
  Vertex,
} from './types.ts';
import {
  decodeVertex,
  encodeVertex,
  readCosignature,
  readPayload,
  readVertexRef,
  signedHeaderOf,
  type TaggedHash,
  VERTEX_REF_BYTES,
  VERTEX_SIGNATURE_BYTES,
  vertexHeaderCodec,
  writeCosignature,
  writePayload,
  writeVertexRef,
} from './vertex.ts';

const VERSION = 1;
const MIN_VERTEX_BYTES = 200;
const MIN_SIGNED_HEADER_BYTES = 160;
const MIN_COMMIT_BYTES = 90;
const COSIGNATURE_BYTES = 112;
const MAX_SET_WORDS = (MAX_COMMITTEE + 1) / 32;
const MAX_REPLAYED = MAX_PUSH_VERTICES + 1;

/** Kinds by their number on the wire. Never reuse one. */
const KINDS = {
  vertices: 1,
  cosignature: 2,
  certified: 3,
  subscribe: 4,
  askOwn: 5,
  ownReport: 6,
  slimVertex: 7,
  requestVertices: 16,
  requestCommits: 17,
  requestCheckpoint: 18,
  giveVertices: 32,
  giveCheckpoint: 34,
  giveCommits: 35,
} as const;

/** What every message is written and read with. */
export interface WireContext {
  readonly genesisId: Bytes32;
  readonly hash: TaggedHash;
  /** Reads a vertex, for those who keep one object for the same bytes; `decodeVertex` by default. */
  readonly readVertex?: (bytes: Bytes) => Vertex;
}

/** What a member sends: a message of its core, or a vertex in slim form. */
export type MemberMessage =
  | PeerMessage
  | { readonly kind: 'slimVertex'; readonly epoch: number; readonly slim: SlimVertex };

export function encodeMessage({ genesisId }: WireContext, message: MemberMessage): Bytes {
  const writer = begin(genesisId, KINDS[message.kind], message.epoch);
  switch (message.kind) {
    case 'vertices':
      writeVertices(writer, message.vertices, MAX_REPLAYED);
      break;
    case 'cosignature':
      writeCosignature(writer, message.cosignature);
      break;
    case 'certified':
      writeCheckpoint(writer, message.checkpoint);
      break;
    case 'subscribe':
      writer.u32(message.round);
      break;
    case 'askOwn':
      break;
    case 'ownReport':
      writer.option(message.vertex, writeVertex);
      break;
    case 'slimVertex':
      writeSlimVertex(writer, message.slim);
      break;
  }
  return writer.finish();
}

/** @throws {DecodeError} unless the bytes are exactly one message of this network */
export function decodeMessage(context: WireContext, bytes: Bytes): MemberMessage {
  const { reader, kind, epoch } = open(context, bytes, 'message');
  let message: MemberMessage;
  switch (kind) {
    case KINDS.vertices:
      message = { kind: 'vertices', epoch, vertices: readVertices(reader, context, MAX_REPLAYED) };
      break;
    case KINDS.cosignature:
      message = { kind: 'cosignature', epoch, cosignature: readCosignature(reader) };
      break;
    case KINDS.certified:
      message = { kind: 'certified', epoch, checkpoint: readCheckpoint(reader, epoch) };
      break;
    case KINDS.subscribe:
      message = { kind: 'subscribe', epoch, round: reader.u32() };
      break;
    case KINDS.askOwn:
      message = { kind: 'askOwn', epoch };
      break;
    case KINDS.ownReport:
      message = { kind: 'ownReport', epoch, vertex: reader.option((r) => readVertex(r, context)) };
      break;
    case KINDS.slimVertex:
      message = { kind: 'slimVertex', epoch, slim: readSlimVertex(reader) };
      break;
    default:
      throw reader.error('kind', `unknown kind ${kind}`);
  }
  reader.end();
  return message;
}

export function encodeRequest({ genesisId }: WireContext, request: PeerRequest): Bytes {
  const kind = {
    vertices: KINDS.requestVertices,
    commits: KINDS.requestCommits,
    checkpoint: KINDS.requestCheckpoint,
  }[request.kind];
  const writer = begin(genesisId, kind, request.epoch);
  switch (request.kind) {
    case 'vertices':
      writer.list(request.refs, MAX_FETCH_VERTICES, writeVertexRef);
      break;
    case 'commits':
      writer.u64(request.first).u16(request.count);
      break;
    case 'checkpoint':
      writer.u64(request.size);
      break;
  }
  return writer.finish();
}

export function decodeRequest(context: WireContext, bytes: Bytes): PeerRequest {
  const { reader, kind, epoch } = open(context, bytes, 'request');
  let request: PeerRequest;
  switch (kind) {
    case KINDS.requestVertices:
      request = {
        kind: 'vertices',
        epoch,
        refs: reader.list(MAX_FETCH_VERTICES, VERTEX_REF_BYTES, readVertexRef),
      };
      break;
    case KINDS.requestCommits: {
      const first = reader.u64();
      const count = reader.u16();
      if (count < 1 || count > MAX_SYNC_COMMITS) {
        throw reader.error('count', `expected 1 to ${MAX_SYNC_COMMITS} commits, found ${count}`);
      }
      request = { kind: 'commits', epoch, first, count };
      break;
    }
    case KINDS.requestCheckpoint:
      request = { kind: 'checkpoint', epoch, size: reader.u64() };
      break;
    default:
      throw reader.error('kind', `unknown kind ${kind}`);
  }
  reader.end();
  return request;
}

export function encodeResponse({ genesisId }: WireContext, response: PeerResponse): Bytes {
  const kind = {
    vertices: KINDS.giveVertices,
    commits: KINDS.giveCommits,
    checkpoint: KINDS.giveCheckpoint,
  }[response.kind];
  const writer = begin(genesisId, kind, response.epoch);
  switch (response.kind) {
    case 'vertices':
      writeVertices(writer, response.vertices, MAX_FETCH_VERTICES);
      break;
    case 'commits':
      writer.list(response.commits, MAX_SYNC_COMMITS, (w, commit) =>
        w.longBytes(encodeCommit(commit)),
      );
      writeVertices(writer, response.vertices, MAX_SYNC_VERTICES);
      writer.list(response.voters, MAX_COMMITTEE, writeSignedHeader);
      break;
    case 'checkpoint':
      writer.option(response.checkpoint, writeCheckpoint);
      break;
  }
  return writer.finish();
}

export function decodeResponse(context: WireContext, bytes: Bytes): PeerResponse {
  const { reader, kind, epoch } = open(context, bytes, 'response');
  let response: PeerResponse;
  switch (kind) {
    case KINDS.giveVertices:
      response = {
        kind: 'vertices',
        epoch,
        vertices: readVertices(reader, context, MAX_FETCH_VERTICES),
      };
      break;
    case KINDS.giveCommits:
      response = {
        kind: 'commits',
        epoch,
        commits: reader.list(
          MAX_SYNC_COMMITS,
          MIN_COMMIT_BYTES,
          (r): Commit => decodeCommit(r.longBytes(r.remaining), context.hash),
        ),
        vertices: readVertices(reader, context, MAX_SYNC_VERTICES),
        voters: reader.list(MAX_COMMITTEE, MIN_SIGNED_HEADER_BYTES, (r) =>
          readSignedHeader(r, context),
        ),
      };
      break;
    case KINDS.giveCheckpoint:
      response = {
        kind: 'checkpoint',
        epoch,
        checkpoint: reader.option((r) => readCheckpoint(r, epoch)),
      };
      break;
    default:
      throw reader.error('kind', `unknown kind ${kind}`);
  }
  reader.end();
  return response;
}

/** The epoch of a message, without reading the rest; null when it is not of this network. */
export function epochOf({ genesisId }: WireContext, bytes: Bytes): number | null {
  if (bytes.length < 38 || bytes[0] !== VERSION) return null;
  if (!equalBytes(bytes.subarray(1, 33), genesisId)) return null;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(34);
}

function begin(genesisId: Bytes32, kind: number, epoch: number): Writer {
  return new Writer().u8(VERSION).bytes(genesisId, 32).u8(kind).u32(epoch);
}

function open({ genesisId }: WireContext, bytes: Bytes, what: string) {
  const reader = new Reader(bytes, what);
  const version = reader.u8();
  if (version !== VERSION) throw reader.error('version', `expected ${VERSION}, found ${version}`);
  if (!equalBytes(reader.bytes(32), genesisId)) {
    throw new DecodeError('decode/genesis', `${what}: of another network`);
  }
  const kind = reader.u8();
  return { reader, kind, epoch: reader.u32() };
}

function writeVertex(writer: Writer, vertex: Vertex): void {
  writer.longBytes(encodeVertex(vertex));
}

function readVertex(reader: Reader, { hash, readVertex: read }: WireContext): Vertex {
  const bytes = reader.longBytes(MAX_ENCODED_VERTEX_BYTES);
  return read === undefined ? decodeVertex(bytes, hash) : read(bytes);
}

function writeVertices(writer: Writer, vertices: readonly Vertex[], max: number): void {
  writer.list(vertices, max, writeVertex);
}

function readVertices(reader: Reader, context: WireContext, max: number): Vertex[] {
  return reader.list(max, MIN_VERTEX_BYTES, (r) => readVertex(r, context));
}

function writeSlimVertex(writer: Writer, slim: SlimVertex): void {
  const { ref, header, named, payload, signature } = slim;
  writer.bytes(ref.digest, 32).longBytes(vertexHeaderCodec.encode(header));
  writer.list([...named], MAX_SET_WORDS, (w, word) => w.u32(word));
  writePayload(writer, payload);
  writer.bytes(signature, VERTEX_SIGNATURE_BYTES);
}

function readSlimVertex(reader: Reader): SlimVertex {
  const digest = reader.bytes32();
  const header = vertexHeaderCodec.decode(reader.longBytes(MAX_VERTEX_OVERHEAD_BYTES));
  const { round, author } = header;
  const named = Uint32Array.from(reader.list(MAX_SET_WORDS, 4, (r) => r.u32()));
  const payload = readPayload(reader);
  const signature = reader.bytes(VERTEX_SIGNATURE_BYTES);
  return { ref: { round, author, digest }, header, named, payload, signature };
}

function writeSignedHeader(writer: Writer, { header, signature }: SignedHeader): void {
  writer.longBytes(vertexHeaderCodec.encode(header)).bytes(signature, VERTEX_SIGNATURE_BYTES);
}

function readSignedHeader(reader: Reader, { hash }: WireContext): SignedHeader {
  const bytes = reader.longBytes(MAX_VERTEX_OVERHEAD_BYTES);
  const signature = reader.bytes(VERTEX_SIGNATURE_BYTES);
  return signedHeaderOf(bytes, signature, hash);
}

function writeCheckpoint(writer: Writer, checkpoint: CertifiedCheckpoint): void {
  writer.u64(checkpoint.size).bytes(checkpoint.root, 32);
  writer.list(checkpoint.cosignatures, MAX_COMMITTEE, (w, { author, cosignature }) => {
    w.u16(author).u64(cosignature.time).bytes(cosignature.signature, 64);
  });
}

function readCheckpoint(reader: Reader, epoch: number): CertifiedCheckpoint {
  const size = reader.u64();
  const root = reader.bytes32();
  let last = -1;
  const cosignatures = reader.list(
    MAX_COMMITTEE,
    COSIGNATURE_BYTES - 38,
    (r): AuthoredCosignature => {
      const author = r.u16();
      if (author <= last) throw r.error('order', 'cosigners are not ascending');
      last = author;
      return { author, cosignature: { size, root, time: r.u64(), signature: r.bytes(64) } };
    },
  );
  return { epoch, size, root, cosignatures };
}
