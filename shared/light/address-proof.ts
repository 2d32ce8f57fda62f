/**
 * A proved balance: what the state has for an address, or that nobody ever used it
 * (docs/protocol.md §9.7).
 */

import { addressField } from '../chain/address-codec.ts';
import { type AddressRecord, addressRecordCodec, UNUSED_ADDRESS } from '../chain/address-record.ts';
import { MAX_PROOF_BYTES } from '../chain/limits.ts';
import { addressKey } from '../chain/state-keys.ts';
import type { AddressBytes } from '../crypto/address.ts';
import { type MapProof, mapProofCodec, verifyMapValue } from '../merkle/map.ts';
import type { Branded } from '../primitives/brand.ts';
import { type Bytes, equalBytes, toHex } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import { optional, struct, u64 } from '../primitives/struct.ts';
import type { VerifiedHeader } from './header-proof.ts';
import { requireHeight } from './state-proof.ts';

export interface AddressProof {
  readonly address: AddressBytes;
  /** The header whose state this is. */
  readonly height: bigint;
  /** Null: the address was never used. */
  readonly record: AddressRecord | null;
  readonly proof: MapProof;
}

/** An address record that was proved, with the height it holds at. */
export type ProvedAddress = Branded<
  {
    readonly address: AddressBytes;
    readonly height: bigint;
    /** All zero when the address was never used. */
    readonly record: AddressRecord;
    readonly isUsed: boolean;
  },
  'ProvedAddress'
>;

export const addressProofCodec: Codec<AddressProof> = /* @__PURE__ */ struct(
  'address proof',
  MAX_PROOF_BYTES,
  {
    address: addressField,
    height: u64,
    record: /* @__PURE__ */ optional(addressRecordCodec),
    proof: mapProofCodec,
  },
);

/**
 * Checks what the state of a header says of an address.
 *
 * @throws {VerificationError} `proof/address` for another address, `proof/height` for another
 *   header, or what a map proof throws
 */
export function verifyAddressProof(
  proof: AddressProof,
  address: AddressBytes,
  header: VerifiedHeader,
): ProvedAddress {
  requireAbout('address proof', proof, { address, height: header.height });
  verifyMapValue({
    root: header.stateRoot,
    key: addressKey(address),
    value: proof.record === null ? null : addressRecordCodec.encode(proof.record),
    proof: proof.proof,
  });
  const proved = {
    address,
    height: header.height,
    record: proof.record ?? UNUSED_ADDRESS,
    isUsed: proof.record !== null,
  };
  return proved as ProvedAddress;
}

/**
 * Requires that an answer speaks of the address that was asked for, at the height at hand.
 *
 * @throws {VerificationError} `proof/address`, `proof/height`
 */
export function requireAbout(
  step: string,
  answer: { readonly address: Bytes; readonly height: bigint },
  { address, height }: { readonly address: Bytes; readonly height: bigint },
): void {
  if (!equalBytes(answer.address, address)) {
    throw new VerificationError('proof/address', step, toHex(address), toHex(answer.address));
  }
  requireHeight(step, answer.height, height);
}
