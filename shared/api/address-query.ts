/**
 * Many address records in one answer, as JSON.
 */
import { MAX_ADDRESS_QUERY } from '../chain/limits.ts';
import type { AddressPrefix } from '../crypto/address.ts';
import { addressShape } from './address-text.ts';
import { list, nullable, object, text, u64 } from './shape.ts';

/** The body of `POST /v1/addresses/query`. */
export function addressQueryShape(prefix: AddressPrefix) {
  return object({
    addresses: list(addressShape(prefix), MAX_ADDRESS_QUERY),
    /** Size to answer at; null for the newest. */
    at: nullable(u64),
  });
}

/** Its answer: the proofs, in the order asked, each in canonical bytes. */
export const addressAnswersShape = object({
  height: u64,
  proofs: list(text(2 * 65_536), MAX_ADDRESS_QUERY),
});
