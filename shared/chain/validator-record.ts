/**
 * What the state knows of a validator, in the set or not (docs/protocol.md §7.4).
 */
import type { AddressBytes } from '../crypto/address.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import { readAddress, writeAddress } from './address-codec.ts';
import { MAX_UNBONDINGS } from './limits.ts';
import {
  readKeys,
  readNetworkAddresses,
  type ValidatorKeys,
  writeKeys,
  writeNetworkAddresses,
} from './registration.ts';
import { readName, writeText } from './text.ts';

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

export const validatorRecordCodec: Codec<ValidatorRecord> = codec(
  'validator record',
  2_048,
  (writer, record) => {
    writeText(writer, record.name);
    writeKeys(writer, record);
    writeAddress(writer, record.owner);
    writeNetworkAddresses(writer, record.addresses);
    writer
      .u64(record.stake)
      .u64(record.pendingBond)
      .u64(record.pendingUnbond)
      .u8(record.retired ? 1 : 0)
      .list(record.unbondings, MAX_UNBONDINGS, (w, { epoch, amount }) => {
        w.u32(epoch).u64(amount);
      })
      .u32(record.jailedUntil)
      .u32(record.accountableFromEpoch)
      .u64(record.accountableFromSize);
  },
  (reader) => ({
    name: readName(reader),
    ...readKeys(reader),
    owner: readAddress(reader),
    addresses: readNetworkAddresses(reader),
    stake: reader.u64(),
    pendingBond: reader.u64(),
    pendingUnbond: reader.u64(),
    retired: reader.flag(),
    unbondings: reader.list(MAX_UNBONDINGS, 12, (item) => ({
      epoch: item.u32(),
      amount: item.u64(),
    })),
    jailedUntil: reader.u32(),
    accountableFromEpoch: reader.u32(),
    accountableFromSize: reader.u64(),
  }),
);
