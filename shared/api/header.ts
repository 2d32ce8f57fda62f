/**
 * Headers and blocks as JSON.
 */
import type { EquivocationRecord } from '../chain/block.ts';
import type { Header } from '../chain/header.ts';
import {
  MAX_BLOCK_EQUIVOCATIONS,
  MAX_HEADER_RANGE,
  MAX_INCLUSION_HASHES,
  MAX_VALIDATORS,
} from '../chain/limits.ts';
import type { Bytes32 } from '../primitives/bytes.ts';
import { bytes32, list, nullable, object, type Shape, text, u8, u16, u32, u64 } from './shape.ts';

export const headerShape = object({
  version: u8,
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
}) satisfies Shape<Header>;

export const pathShape: Shape<readonly Bytes32[], readonly string[]> = list(
  bytes32,
  MAX_INCLUSION_HASHES,
);

const equivocationShape = object({
  author: u16,
  round: u32,
}) satisfies Shape<EquivocationRecord>;

/** `/v1/headers`: consecutive headers with their ids. */
export const headersShape = object({
  items: list(object({ id: bytes32, header: headerShape }), MAX_HEADER_RANGE),
  /** The height that the next page begins at, or null at the tip. */
  next: nullable(u64),
});

/** `/v1/blocks/{height}`: what is in a block; its transactions come by pages. */
export const blockShape = object({
  id: bytes32,
  header: headerShape,
  committed: list(u32, MAX_VALIDATORS),
  equivocations: list(equivocationShape, MAX_BLOCK_EQUIVOCATIONS),
  sizeBytes: u32,
});

/** A page's `next`: a cursor to hand back unchanged. */
export const nextShape: Shape<string | null, string | null> = nullable(text(96));
