/**
 * The few texts inside hashed bytes: ASCII behind a u16 length, of one fixed shape each.
 */
import { asciiText, utf8 } from '../primitives/bytes.ts';
import type { Reader, Writer } from '../primitives/codec.ts';
import { MAX_VALIDATOR_ADDRESS_BYTES, MAX_VALIDATOR_NAME_BYTES } from './limits.ts';

const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const NETWORK_ADDRESS = /^\/[!-~]+$/;

/** Says whether a text can name a validator: lower-case letters, digits, single inner hyphens. */
export function isValidatorName(text: string): boolean {
  return text.length <= MAX_VALIDATOR_NAME_BYTES && NAME.test(text);
}

/** Says whether a text can be a network address: a multiaddr, printable and without spaces. */
export function isNetworkAddress(text: string): boolean {
  return text.length <= MAX_VALIDATOR_ADDRESS_BYTES && NETWORK_ADDRESS.test(text);
}

/** Writes ASCII text behind its u16 length. */
export function writeText(writer: Writer, text: string): void {
  writer.shortBytes(utf8(text));
}

/** Reads text that `isValid` accepts. */
export function readText(
  reader: Reader,
  maxBytes: number,
  what: string,
  isValid: (text: string) => boolean,
): string {
  const text = asciiText(reader.shortBytes(maxBytes));
  if (!isValid(text)) {
    throw reader.error('text', `expected ${what}, found ${JSON.stringify(text)}`);
  }
  return text;
}

/** Reads a validator's name. */
export function readName(reader: Reader): string {
  return readText(reader, MAX_VALIDATOR_NAME_BYTES, 'a validator name', isValidatorName);
}
