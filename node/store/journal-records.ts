/**
 * The journal's own forms of what has no canonical bytes: epoch records, certificates, evidence.
 */
import { MAX_ORIGIN_BYTES } from 'fanal/chain/limits.ts';
import { asciiText, type Bytes, utf8 } from 'fanal/primitives/bytes.ts';
import { type Codec, codec, type Reader, type Writer } from 'fanal/primitives/codec.ts';
import { MAX_COMMITTEE, type Member } from '../core/committee.ts';
import type { ConsensusParams } from '../core/params.ts';
import type { CertifiedCheckpoint, Cosignature, EpochRecord, Evidence } from '../core/types.ts';
import { encodeVertex, readCosignature, writeCosignature } from '../core/vertex.ts';

const MAX_NAME_BYTES = 64;
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

export const certificateCodec: Codec<CertifiedCheckpoint> = codec(
  'stored certificate',
  MAX_RECORD_BYTES,
  (writer, { epoch, size, root, cosignatures }) => {
    writer
      .u32(epoch)
      .u64(size)
      .bytes(root, 32)
      .list(cosignatures, MAX_COMMITTEE, (w, { author, cosignature }) => {
        w.u16(author);
        writeCosignature(w, cosignature);
      });
  },
  (reader) => ({
    epoch: reader.u32(),
    size: reader.u64(),
    root: reader.bytes32(),
    cosignatures: reader.list(MAX_COMMITTEE, 114, (item) => ({
      author: item.u16(),
      cosignature: readCosignature(item),
    })),
  }),
);

export const epochRecordCodec: Codec<EpochRecord> = codec(
  'stored epoch record',
  MAX_RECORD_BYTES,
  (writer, record) => {
    writer
      .u32(record.epoch)
      .bytes(record.genesisId, 32)
      .shortBytes(utf8(record.origin))
      .u64(record.startHeight)
      .bytes(record.startBlockId, 32)
      .u64(record.startTime)
      .list(record.members, MAX_COMMITTEE, writeMember);
    writeParams(writer, record.params);
  },
  (reader) => ({
    epoch: reader.u32(),
    genesisId: reader.bytes32(),
    origin: asciiText(reader.shortBytes(MAX_ORIGIN_BYTES)),
    startHeight: reader.u64(),
    startBlockId: reader.bytes32(),
    startTime: reader.u64(),
    members: reader.list(MAX_COMMITTEE, 106, readMember),
    params: readParams(reader),
  }),
);

/** The two halves of a piece of evidence, as they were signed. */
export function evidenceHalves(evidence: Evidence): readonly [first: Bytes, second: Bytes] {
  if (evidence.kind === 'vertex') {
    const [first, second] = evidence.vertices;
    return [encodeVertex(first), encodeVertex(second)];
  }
  const [first, second] = evidence.cosignatures;
  const { author } = evidence;
  return [half.encode({ author, ...first }), half.encode({ author, ...second })];
}

/** A cosignature with its author in front. */
const half: Codec<Cosignature & { readonly author: number }> = codec(
  'stored cosignature',
  256,
  (writer, value) => {
    writer.u16(value.author);
    writeCosignature(writer, value);
  },
  (reader) => ({ author: reader.u16(), ...readCosignature(reader) }),
);

function writeMember(writer: Writer, member: Member): void {
  writer
    .shortBytes(utf8(member.name))
    .u64(member.stake)
    .bytes(member.vertexKey, 32)
    .bytes(member.checkpointKey, 32)
    .bytes(member.networkKey, 32);
}

function readMember(reader: Reader): Member {
  return {
    name: asciiText(reader.shortBytes(MAX_NAME_BYTES)),
    stake: reader.u64(),
    vertexKey: reader.bytes32(),
    checkpointKey: reader.bytes32(),
    networkKey: reader.bytes32(),
  };
}

function writeParams(writer: Writer, params: ConsensusParams): void {
  writer
    .u8(params.leadersPerRound)
    .u16(params.gcDepth)
    .u16(params.scheduleInterval)
    .u8(params.badStakePercent)
    .u16(params.maxVertexTransactions)
    .u32(params.maxVertexBytes)
    .u64(params.blockIntervalMillis)
    .u64(params.heartbeatMillis)
    .u32(params.maxBlockTransactions)
    .u32(params.maxBlockBytes)
    .u64(params.epochDurationMillis);
}

function readParams(reader: Reader): ConsensusParams {
  return {
    leadersPerRound: reader.u8(),
    gcDepth: reader.u16(),
    scheduleInterval: reader.u16(),
    badStakePercent: reader.u8(),
    maxVertexTransactions: reader.u16(),
    maxVertexBytes: reader.u32(),
    blockIntervalMillis: reader.u64(),
    heartbeatMillis: reader.u64(),
    maxBlockTransactions: reader.u32(),
    maxBlockBytes: reader.u32(),
    epochDurationMillis: reader.u64(),
  };
}
