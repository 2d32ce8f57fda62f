/**
 * What the state knows of a validator, in the set or not (docs/protocol.md §5.4).
 */
import type { AddressBytes } from '../crypto/address.ts';
import type { Codec } from '../primitives/codec.ts';
import { flag, listOf, struct, u32, u64 } from '../primitives/struct.ts';
import { addressField } from './address-codec.ts';
import { MAX_UNBONDINGS } from './limits.ts';
import { keyFields, networkAddressesField, type ValidatorKeys } from './registration.ts';
import { nameField } from './text.ts';

/** Stake on its way back to the owner. */
export interface Unbonding {
  /** Paid out in the last block of this epoch. */
  readonly epoch: number;
  readonly amount: bigint;
}

export interface ValidatorRecord extends ValidatorKeys {
  readonly name: string;
  readonly owner: AddressBytes;
  readonly addresses: readonly string[];
  /** Units that count at the running epoch's start, less what was burnt since. */
  readonly stake: bigint;
  /** Units bonded in this epoch; they join the stake when it ends. */
  readonly pendingBond: bigint;
  /** Units asked back in this epoch; they leave the stake when it ends. */
  readonly pendingUnbond: bigint;
  /** Leaves the set at the epoch's end, for good. */
  readonly retired: boolean;
  /** Ascending by epoch. */
  readonly unbondings: readonly Unbonding[];
  /** Kept out of the set in epochs before this one. */
  readonly jailedUntil: number;
  /** Vertices of earlier epochs convict no more: they were answered for. */
  readonly accountableFromEpoch: number;
  /** Cosignatures at smaller sizes convict no more. */
  readonly accountableFromSize: bigint;
}

const unbondingCodec: Codec<Unbonding> = /* @__PURE__ */ struct('unbonding', 12, {
  epoch: u32,
  amount: u64,
});

export const validatorRecordCodec: Codec<ValidatorRecord> = /* @__PURE__ */ struct(
  'validator record',
  2_048,
  {
    name: nameField,
    ...keyFields,
    owner: addressField,
    addresses: networkAddressesField,
    stake: u64,
    pendingBond: u64,
    pendingUnbond: u64,
    retired: flag,
    unbondings: /* @__PURE__ */ listOf(MAX_UNBONDINGS, 12, unbondingCodec),
    jailedUntil: u32,
    accountableFromEpoch: u32,
    accountableFromSize: u64,
  },
);
