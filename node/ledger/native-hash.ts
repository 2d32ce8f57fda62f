/**
 * SHA-256 in native code: one hash at a time for lists and records, a whole level at a time for
 * maps.
 */
import { hash as nodeHash } from 'node:crypto';
import { hashInto } from '@chainsafe/hashtree';
import { type ListHasher, listHasherOf } from 'fanal/merkle/list.ts';
import { MAP_LEAF_BYTES, type MapHasher } from 'fanal/merkle/map-hasher.ts';
import {
  type Hash,
  type HashFunction,
  type TaggedHash,
  taggedHashOf,
} from 'fanal/primitives/hash.ts';

/**
 * SHA-256, about 0.3 µs for short input. A binary string carries the digest out of native code three
 * times faster than a buffer does, and the small array lives on the ordinary heap.
 */
export const nativeSha256: HashFunction = (bytes) => {
  const digest = nodeHash('sha256', bytes, 'binary');
  const hash = new Uint8Array(32);
  for (let i = 0; i < 32; i++) hash[i] = digest.charCodeAt(i);
  return hash as Hash;
};

/** Tagged hashes in native code. */
export const nativeTaggedHash: TaggedHash = taggedHashOf(nativeSha256);

export const nativeListHasher: ListHasher = listHasherOf(nativeSha256);

export const nativeMapHasher: MapHasher = {
  leaves(input, output) {
    const target = Buffer.from(output.buffer, output.byteOffset, output.byteLength);
    for (let from = 0, to = 0; from < input.length; from += MAP_LEAF_BYTES, to += 32) {
      const leaf = input.subarray(from, from + MAP_LEAF_BYTES);
      target.write(nodeHash('sha256', leaf, 'binary'), to, 32, 'latin1');
    }
  },
  pairs: hashInto,
};
