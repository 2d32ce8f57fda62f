/**
 * SHA-256 in native code: one hash at a time for lists and records, a whole level at a time for
 * maps.
 */
import { hash as nodeHash } from 'node:crypto';
import { hashInto } from '@chainsafe/hashtree';
import { type ListHasher, listHasherOf } from 'fanal/merkle/list.ts';
import { MAP_LEAF_BYTES, type MapHasher } from 'fanal/merkle/map-hasher.ts';
import { nativeSha256, nativeTaggedHash } from './native-sha256.ts';

export { nativeSha256, nativeTaggedHash };

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
