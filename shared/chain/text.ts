/**
 * The few texts inside hashed bytes: ASCII behind a u16 length, of one fixed shape each.
 */
import { asciiText, utf8 } from '../primitives/bytes.ts';
import type { Field } from '../primitives/struct.ts';
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

/** ASCII text behind its u16 length, of a shape that `isValid` accepts. */
export function text(
  maxBytes: number,
  what: string,
  isValid: (text: string) => boolean,
): Field<string> {
  return {
    write: (writer, value) => {
      writer.shortBytes(utf8(value));
    },
    read: (reader) => {
      const value = asciiText(reader.shortBytes(maxBytes));
      if (!isValid(value)) {
        throw reader.error('text', `expected ${what}, found ${JSON.stringify(value)}`);
      }
      return value;
    },
  };
}

/** A validator's name. */
export const nameField: Field<string> = /* @__PURE__ */ text(
  MAX_VALIDATOR_NAME_BYTES,
  'a validator name',
  isValidatorName,
);

/** A multiaddr. */
export const networkAddressField: Field<string> = /* @__PURE__ */ text(
  MAX_VALIDATOR_ADDRESS_BYTES,
  'a multiaddr',
  isNetworkAddress,
);
