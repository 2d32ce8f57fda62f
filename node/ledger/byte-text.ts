/**
 * Byte strings as keys of maps: a Latin-1 text has one character a byte and is made natively.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';

export function textOf(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
