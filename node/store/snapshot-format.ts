/**
 * Snapshots: the state at a certified height as a list of small files, the same bytes at every
 * node, so that chunks may come from many peers at once.
 *
 * The manifest names the header and the hash of every chunk. Chunks are rows, one after the other:
 * the handovers of all epochs (in chunks of their own: who cosigned differs from node to node), then
 * the header log's hashes, the state's records, and each address in order with its coins behind it.
 * Nothing in them is believed before it leads to the header.
 */

import { addressField } from 'fanal/chain/address-codec.ts';
import { type AddressRecord, addressRecordCodec } from 'fanal/chain/address-record.ts';
import { type Coin, coinCodec } from 'fanal/chain/coin.ts';
import { type Header, headerCodec } from 'fanal/chain/header.ts';
import { type CosignedCheckpoint, cosignedCheckpointCodec } from 'fanal/checkpoint/cosigned.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import { type Handover, handoverCodec } from 'fanal/light/handover.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { type Codec, codec, Reader, Writer } from 'fanal/primitives/codec.ts';
import type { Hash } from 'fanal/primitives/hash.ts';

export const SNAPSHOT_VERSION = 1;
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
export const MAX_CHUNKS = 65_536;
/** Where the writer begins the next chunk. Every writer must use the same. */
export const CHUNK_BYTES = 1024 * 1024;

export interface SnapshotManifest {
  readonly genesisId: Bytes32;
  readonly header: Header;
  /** Certifies the header, its last leaf. */
  readonly checkpoint: CosignedCheckpoint;
  readonly addresses: bigint;
  readonly coins: bigint;
  readonly sizeBytes: bigint;
  /** SHA-256 of each chunk. */
  readonly chunks: readonly Hash[];
}

export const manifestCodec: Codec<SnapshotManifest> = codec(
  'snapshot manifest',
  MAX_MANIFEST_BYTES,
  (writer, manifest) => {
    writer.u8(SNAPSHOT_VERSION).bytes(manifest.genesisId, 32);
    headerCodec.write(writer, manifest.header);
    cosignedCheckpointCodec.write(writer, manifest.checkpoint);
    writer
      .u64(manifest.addresses)
      .u64(manifest.coins)
      .u64(manifest.sizeBytes)
      .list(manifest.chunks, MAX_CHUNKS, (w, hash) => w.bytes(hash, 32));
  },
  (reader) => {
    const version = reader.u8();
    if (version !== SNAPSHOT_VERSION) {
      throw reader.error('version', `expected version ${SNAPSHOT_VERSION}, found ${version}`);
    }
    return {
      genesisId: reader.bytes32(),
      header: headerCodec.read(reader),
      checkpoint: cosignedCheckpointCodec.read(reader),
      addresses: reader.u64(),
      coins: reader.u64(),
      sizeBytes: reader.u64(),
      chunks: reader.list(MAX_CHUNKS, 32, (item) => item.bytes32()),
    };
  },
);

export type SnapshotRow =
  /** The next leaf of the header log. */
  | { readonly kind: 'leaf'; readonly hash: Hash }
  /** The end of the next epoch. */
  | { readonly kind: 'handover'; readonly handover: Handover }
  | { readonly kind: 'record'; readonly key: Bytes32; readonly value: Bytes }
  | {
      readonly kind: 'address';
      readonly address: AddressBytes;
      readonly record: AddressRecord;
      /** The complete subtrees of its history. */
      readonly peaks: readonly Hash[];
    }
  /** A coin of the address before it. */
  | { readonly kind: 'coin'; readonly coin: Coin };

const KINDS = ['leaf', 'handover', 'record', 'address', 'coin'] as const;
const MAX_PEAKS = 64;

export function writeRow(writer: Writer, row: SnapshotRow): void {
  writer.u8(KINDS.indexOf(row.kind));
  switch (row.kind) {
    case 'leaf':
      writer.bytes(row.hash, 32);
      return;
    case 'handover':
      writer.longBytes(handoverCodec.encode(row.handover));
      return;
    case 'record':
      writer.bytes(row.key, 32).longBytes(row.value);
      return;
    case 'address':
      addressField.write(writer, row.address);
      addressRecordCodec.write(writer, row.record);
      writer.list(row.peaks, MAX_PEAKS, (w, hash) => w.bytes(hash, 32));
      return;
    case 'coin':
      coinCodec.write(writer, row.coin);
  }
}

/**
 * Reads the rows of a chunk whose hash was checked.
 *
 * @throws {DecodeError}
 */
export function* readRows(chunk: Bytes): Generator<SnapshotRow> {
  const reader = new Reader(chunk, 'snapshot chunk');
  while (reader.remaining > 0) yield readRow(reader);
}

function readRow(reader: Reader): SnapshotRow {
  const number = reader.u8();
  const kind = KINDS[number];
  switch (kind) {
    case 'leaf':
      return { kind, hash: reader.bytes32() };
    case 'handover':
      return { kind, handover: handoverCodec.decode(reader.longBytes(MAX_CHUNK_BYTES)) };
    case 'record':
      return { kind, key: reader.bytes32(), value: reader.longBytes(MAX_CHUNK_BYTES) };
    case 'address':
      return {
        kind,
        address: addressField.read(reader),
        record: addressRecordCodec.read(reader),
        peaks: reader.list(MAX_PEAKS, 32, (item) => item.bytes32()),
      };
    case 'coin':
      return { kind, coin: coinCodec.read(reader) };
    case undefined:
      break;
  }
  throw reader.error('kind', `expected a row from 0 to ${KINDS.length - 1}, found ${number}`);
}

/** Cuts rows into chunks. A row never spans two. */
export class ChunkWriter {
  #writer = new Writer(CHUNK_BYTES + 65_536);

  /** Adds a row; gives the chunk that it completes, if it does. */
  add(row: SnapshotRow): Bytes | null {
    writeRow(this.#writer, row);
    return this.#writer.length < CHUNK_BYTES ? null : this.finish();
  }

  /** The rows since the last chunk; null when there are none. */
  finish(): Bytes | null {
    if (this.#writer.length === 0) return null;
    const chunk = this.#writer.finish();
    this.#writer = new Writer(CHUNK_BYTES + 65_536);
    return chunk;
  }
}
