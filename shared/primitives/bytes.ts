/**
 * Byte strings: comparing, joining, and the three text forms (hex, base64, UTF-8).
 */
import type { Branded } from './brand.ts';
import { DecodeError } from './errors.ts';

export type Bytes = Uint8Array;
/** 32 bytes: a hash, a root, an id. */
export type Bytes32 = Branded<Uint8Array, 'Bytes32'>;

export const EMPTY_BYTES: Bytes = new Uint8Array(0);
export const ZERO_32: Bytes32 = new Uint8Array(32) as Bytes32;

/** Joins byte strings, in order, into a new one. */
export function concat(...parts: Bytes[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Says whether two byte strings are the same. Not constant-time: for public data only. */
export function equalBytes(a: Bytes, b: Bytes): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Orders byte strings bytewise, a prefix before what it begins. Negative, zero or positive. */
export function compareBytes(a: Bytes, b: Bytes): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** Lower-case hex. */
export function toHex(bytes: Bytes): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += HEX_OF_BYTE[bytes[i] as number];
  return text;
}

const HEX = /^(?:[0-9a-f]{2})*$/;

/**
 * Reads lower-case hex, of `length` bytes when one is given.
 *
 * @throws {DecodeError} `encoding/hex`
 */
export function fromHex(text: string, length?: number): Bytes {
  if (typeof text !== 'string' || !HEX.test(text)) {
    throw new DecodeError('encoding/hex', 'expected lower-case hex with an even number of digits');
  }
  if (length !== undefined && text.length !== length * 2) {
    throw new DecodeError(
      'encoding/hex',
      `expected ${length * 2} hex digits, found ${text.length}`,
    );
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

/**
 * Takes bytes as a 32-byte value.
 *
 * @throws {DecodeError} `encoding/length` unless there are exactly 32
 */
export function asBytes32(bytes: Bytes): Bytes32 {
  if (bytes.length !== 32) {
    throw new DecodeError('encoding/length', `expected 32 bytes, found ${bytes.length}`);
  }
  return bytes as Bytes32;
}

/** Reads a 32-byte value from 64 lower-case hex digits. */
export function bytes32FromHex(text: string): Bytes32 {
  return fromHex(text, 32) as Bytes32;
}

const BASE64_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE64_VALUE = new Int16Array(128).fill(-1);
for (let i = 0; i < 64; i++) BASE64_VALUE[BASE64_ALPHABET.charCodeAt(i)] = i;

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Bytes): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const a = bytes[i] as number;
    const b = bytes[i + 1];
    const c = bytes[i + 2];
    text += BASE64_ALPHABET[a >> 2];
    text += BASE64_ALPHABET[((a & 3) << 4) | ((b ?? 0) >> 4)];
    text += b === undefined ? '=' : BASE64_ALPHABET[((b & 15) << 2) | ((c ?? 0) >> 6)];
    text += c === undefined ? '=' : BASE64_ALPHABET[c & 63];
  }
  return text;
}

/**
 * Reads standard base64 in its one canonical form: padded, nothing left in the spare bits.
 *
 * @throws {DecodeError} `encoding/base64`
 */
export function fromBase64(text: string): Bytes {
  const refuse = (why: string) =>
    new DecodeError('encoding/base64', `not canonical base64: ${why}`);
  if (text.length % 4 !== 0) throw refuse(`length ${text.length} is not a multiple of 4`);
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let at = 0;
  let buffer = 0;
  let bits = 0;
  for (let i = 0; i < text.length - padding; i++) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? (BASE64_VALUE[code] as number) : -1;
    if (value < 0) throw refuse(`bad character at ${i}`);
    buffer = ((buffer << 6) | value) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (buffer >> bits) & 0xff;
    }
  }
  if ((buffer & ((1 << bits) - 1)) !== 0) throw refuse('spare bits are not zero');
  return bytes;
}

/** UTF-8 bytes of a text, without a platform's help; half a surrogate pair becomes U+FFFD. */
export function utf8(text: string): Bytes {
  const bytes: number[] = [];
  for (const character of text) {
    let point = character.codePointAt(0) as number;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    const tail = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    bytes.push(tail === 0 ? point : (~(0xff >> (tail + 1)) & 0xff) | (point >> (6 * tail)));
    for (let i = tail - 1; i >= 0; i--) bytes.push(0x80 | ((point >> (6 * i)) & 0x3f));
  }
  return Uint8Array.from(bytes);
}

/**
 * Reads printable ASCII (0x20 to 0x7e) and line feeds, the only text the protocol knows.
 *
 * @throws {DecodeError} `encoding/ascii`
 */
export function asciiText(bytes: Bytes): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if ((byte < 0x20 && byte !== 0x0a) || byte > 0x7e) {
      throw new DecodeError('encoding/ascii', `byte 0x${toHex(bytes.slice(i, i + 1))} at ${i}`);
    }
    text += String.fromCharCode(byte);
  }
  return text;
}
