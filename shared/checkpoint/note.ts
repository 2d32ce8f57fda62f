/**
 * Signed notes: a text, an empty line, and a line for each signature (C2SP signed-note;
 * docs/protocol.md §7.2).
 *
 * A note is read whatever its signatures are; which of them count is settled by who knows the
 * keys.
 */

import { MAX_CHECKPOINT_NOTE_BYTES, MAX_NOTE_SIGNATURES } from '../chain/limits.ts';
import { type Bytes, concat, fromBase64, toBase64, toHex, utf8 } from '../primitives/bytes.ts';
import { DecodeError } from '../primitives/errors.ts';
import { sha256 } from '../primitives/hash.ts';

export interface NoteSignature {
  /** The name of the key. */
  readonly name: string;
  /** 4 bytes that tell keys of one name apart. Not a strong hash. */
  readonly keyId: Bytes;
  /** What the kind of key says: for a cosignature, a time and 64 bytes. */
  readonly signature: Bytes;
}

export interface Note {
  /** What is signed, ending in a line break. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** The kinds of signature whose ids we compute. */
export const COSIGNATURE_TYPE = 0x04;

const DASH = '\u2014 ';
const KEY_ID_BYTES = 4;
// Every ASCII control character but the line feed is refused anywhere in a note.
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const NAME = /^[^\s+]+$/u;

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key), the first 4 bytes. */
export function noteKeyId(name: string, type: number, publicKey: Bytes): Bytes {
  return sha256(concat(utf8(name), Uint8Array.of(0x0a, type), publicKey)).slice(0, KEY_ID_BYTES);
}

/** A key in its text form: `<name>+<key id in hex>+<base64 of type and key>`. */
export function verifierKeyText(name: string, type: number, publicKey: Bytes): string {
  const key = toBase64(concat(Uint8Array.of(type), publicKey));
  return `${name}+${toHex(noteKeyId(name, type, publicKey))}+${key}`;
}

/** Writes a note. */
export function formatNote({ text, signatures }: Note): string {
  const lines = signatures.map(
    ({ name, keyId, signature }) => `${DASH}${name} ${toBase64(concat(keyId, signature))}\n`,
  );
  return `${text}\n${lines.join('')}`;
}

/**
 * Reads a note. The text ends at the last empty line, so it may have empty lines of its own.
 *
 * @throws {DecodeError} `note/size`, `note/control-character`, `note/no-signatures`,
 *   `note/signature-line`
 */
export function parseNote(input: string): Note {
  if (input.length > MAX_CHECKPOINT_NOTE_BYTES) {
    throw new DecodeError('note/size', `a note of ${input.length} characters`);
  }
  const control = CONTROL.exec(input);
  if (control !== null) {
    throw new DecodeError('note/control-character', `a control character at ${control.index}`);
  }
  const end = input.lastIndexOf('\n\n');
  if (end < 0 || !input.endsWith('\n') || end + 2 === input.length) {
    throw new DecodeError(
      'note/no-signatures',
      'expected a text, an empty line, and at least one line with a signature',
    );
  }
  const lines = input.slice(end + 2, -1).split('\n');
  if (lines.length > MAX_NOTE_SIGNATURES) {
    throw new DecodeError(
      'note/size',
      `expected at most ${MAX_NOTE_SIGNATURES} signatures, found ${lines.length}`,
    );
  }
  return { text: input.slice(0, end + 1), signatures: lines.map(parseLine) };
}

function parseLine(line: string): NoteSignature {
  const parts = line.startsWith(DASH) ? line.slice(DASH.length).split(' ') : [];
  const [name, base64] = parts;
  if (parts.length !== 2 || name === undefined || base64 === undefined || !NAME.test(name)) {
    throw new DecodeError(
      'note/signature-line',
      `expected "\u2014 <name> <base64>", found ${JSON.stringify(line.slice(0, 80))}`,
    );
  }
  const bytes = fromBase64(base64);
  if (bytes.length <= KEY_ID_BYTES) {
    throw new DecodeError('note/signature-line', `a signature of ${bytes.length} bytes`);
  }
  return {
    name,
    keyId: bytes.slice(0, KEY_ID_BYTES),
    signature: bytes.slice(KEY_ID_BYTES),
  };
}

/**
 * Reads the bytes of a note or proof file as text.
 *
 * @throws {DecodeError} `note/utf-8` on anything but well-formed UTF-8
 */
export function noteFromBytes(bytes: Bytes): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] as number;
    const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    let point = length === 1 ? first : first & (0x7f >> length);
    for (let i = 1; i < length; i++) {
      const next = bytes[at + i] ?? 0;
      point = (next & 0xc0) === 0x80 ? (point << 6) | (next & 0x3f) : -1;
      if (point < 0) break;
    }
    if (length === 0 || !isScalar(point, length)) {
      throw new DecodeError('note/utf-8', `not UTF-8 at byte ${at}`);
    }
    text += String.fromCodePoint(point);
    at += length;
  }
  return text;
}

/** Refuses overlong forms, surrogates, and what is past Unicode's end. */
function isScalar(point: number, length: number): boolean {
  if (point < 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
  return length < 3 || point >= (length === 3 ? 0x800 : 0x10000);
}
