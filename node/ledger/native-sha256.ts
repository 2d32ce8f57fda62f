/**
 * SHA-256 in native code, for whatever is hashed one at a time.
 */
import { createHash, hash as nodeHash } from 'node:crypto';
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

/** Parts up to which putting them together costs less than handing them over one by one. */
const FEW_PARTS = 4;
const ofFew = taggedHashOf(nativeSha256);

/** Tagged hashes in native code. */
export const nativeTaggedHash: TaggedHash = (tag, ...parts) => {
  if (parts.length <= FEW_PARTS) return ofFew(tag, ...parts);
  const hash = createHash('sha256').update(`${tag}\n`, 'latin1');
  for (const part of parts) hash.update(part);
  // A copy of its own: digests share no memory with anything, and are plain byte arrays.
  return new Uint8Array(hash.digest()) as Hash;
};
