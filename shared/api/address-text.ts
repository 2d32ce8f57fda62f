/**
 * Addresses as JSON: bech32m text of the network at hand.
 */
import {
  type AddressBytes,
  type AddressPrefix,
  decodeAddress,
  encodeAddress,
} from '../crypto/address.ts';
import { mapped, type Shape, text } from './shape.ts';

/** An address of the network with this prefix; one of another network is refused. */
export function addressShape(prefix: AddressPrefix): Shape<AddressBytes, string> {
  return mapped(
    text(100),
    (address: AddressBytes) => encodeAddress(address, prefix),
    (written) => decodeAddress(written, prefix).address,
  );
}
