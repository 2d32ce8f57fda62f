/**
 * How map trees hash: many leaves, or many pairs of one level, at a time.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../primitives/bytes.ts';

/**
 * SHA-256 in bulk. A node gives one that hashes a whole level at once in native code.
 *
 * `output` has 32 bytes for each input and must not be kept, nor must `input`.
 */
export interface MapHasher {
  /** Hashes inputs of 65 bytes each: 0x00 ‖ key ‖ value hash. */
  leaves(input: Bytes, output: Bytes): void;
  /** Hashes inputs of 64 bytes each: left ‖ right. */
  pairs(input: Bytes, output: Bytes): void;
}

export const MAP_LEAF_BYTES = 65;
export const MAP_PAIR_BYTES = 64;

/** Hashes in plain JavaScript. */
export const mapHasher: MapHasher = {
  leaves: (input, output) => hashEach(input, MAP_LEAF_BYTES, output),
  pairs: (input, output) => hashEach(input, MAP_PAIR_BYTES, output),
};

function hashEach(input: Bytes, width: number, output: Bytes): void {
  for (let from = 0, to = 0; from < input.length; from += width, to += 32) {
    output.set(sha256(input.subarray(from, from + width)), to);
  }
}
