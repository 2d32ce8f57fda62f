/**
 * A header: everything a block promises, in 257 bytes (docs/protocol.md §6.1).
 *
 * The leaf hash of a header in the header log is the block's id, so whoever proves the leaf has
 * proved the block.
 */
import { type Bytes32, concat } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { type Hash, sha256 } from '../primitives/hash.ts';
import { bytes32, type Field, struct, u8, u32, u64 } from '../primitives/struct.ts';
import { NEWEST_VERSION } from './version.ts';

export interface Header {
  /** Of the protocol, in the header's epoch; whoever does not know it refuses the header. */
  readonly version: number;
  readonly height: bigint;
  readonly epoch: number;
  /** Milliseconds since 1970; never before the parent's. */
  readonly time: bigint;
  /** Root of the header log before this header; its size is the height. */
  readonly previousRoot: Bytes32;
  readonly txRoot: Bytes32;
  readonly txCount: number;
  /** The state map after this block. */
  readonly stateRoot: Bytes32;
  /** The set that certifies this header. */
  readonly validatorsHash: Bytes32;
  /** The next epoch's set in the last header of an epoch, else zero. */
  readonly nextValidatorsHash: Bytes32;
  /** The last commit in this block. */
  readonly commitIndex: bigint;
  readonly commitDigest: Bytes32;
  /** What a node needs to resume consensus from here. */
  readonly consensusSnapshotHash: Bytes32;
}

export const HEADER_BYTES = 257;

const versionField: Field<number> = {
  write: u8.write,
  read: (reader) => reader.version(NEWEST_VERSION),
};

export const headerCodec: Codec<Header> = /* @__PURE__ */ struct('header', HEADER_BYTES, {
  version: versionField,
  height: u64,
  epoch: u32,
  time: u64,
  previousRoot: bytes32,
  txRoot: bytes32,
  txCount: u32,
  stateRoot: bytes32,
  validatorsHash: bytes32,
  nextValidatorsHash: bytes32,
  commitIndex: u64,
  commitDigest: bytes32,
  consensusSnapshotHash: bytes32,
});

const LEAF_PREFIX = Uint8Array.of(0x00);

/** The block id: the leaf hash of the header in the header log, SHA-256(0x00 ‖ header). */
export function blockId(header: Header): Hash {
  return sha256(concat(LEAF_PREFIX, headerCodec.encode(header)));
}

/** Says whether this is the last header of its epoch. */
export function endsEpoch(header: Header): boolean {
  return header.nextValidatorsHash.some((byte) => byte !== 0);
}
