/**
 * Addresses inside canonical bytes: 33 bytes, of a known version.
 */
import { ADDRESS_BYTES, type AddressBytes, asAddress } from '../crypto/address.ts';
import type { Reader, Writer } from '../primitives/codec.ts';

export function writeAddress(writer: Writer, address: AddressBytes): void {
  writer.bytes(address, ADDRESS_BYTES);
}

/** @throws {DecodeError} `address/version` for a kind of address that is not known */
export function readAddress(reader: Reader): AddressBytes {
  return asAddress(reader.bytes(ADDRESS_BYTES));
}
