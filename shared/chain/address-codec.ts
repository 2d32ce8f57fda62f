/**
 * Addresses inside canonical bytes: 33 bytes, of a known version, and which prefix they have in
 * text.
 */
import {
  ADDRESS_BYTES,
  ADDRESS_PREFIXES,
  type AddressBytes,
  type AddressPrefix,
  asAddress,
} from '../crypto/address.ts';
import type { Field } from '../primitives/struct.ts';

/** Refuses `address/version`: a kind of address that is not known. */
export const addressField: Field<AddressBytes> = {
  write: (writer, address) => {
    writer.bytes(address, ADDRESS_BYTES);
  },
  read: (reader) => asAddress(reader.bytes(ADDRESS_BYTES)),
};

/** Main, test or local network: 0, 1, 2. */
export const prefixField: Field<AddressPrefix> = {
  write: (writer, prefix) => {
    writer.u8(ADDRESS_PREFIXES.indexOf(prefix));
  },
  read: (reader) => {
    const index = reader.u8();
    const prefix = ADDRESS_PREFIXES[index];
    if (prefix === undefined) throw reader.error('prefix', `expected 0 to 2, found ${index}`);
    return prefix;
  },
};
