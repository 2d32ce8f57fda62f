/**
 * Paths in canonical bytes: hashes behind their count.
 */
import type { Reader, Writer } from '../primitives/codec.ts';
import type { Hash } from '../primitives/hash.ts';

/** Writes the hashes of a path. */
export function writePath(writer: Writer, path: readonly Hash[], max: number): void {
  writer.list(path, max, (w, hash) => {
    w.bytes(hash, 32);
  });
}

/** Reads the hashes of a path. */
export function readPath(reader: Reader, max: number): Hash[] {
  return reader.list(max, 32, (item) => item.bytes32());
}
