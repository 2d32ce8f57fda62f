/**
 * What a light client trusts: one header of the chain, who certifies the next ones, and when it
 * was last sure. A few kilobytes, however long the chain (docs/protocol.md §9.1).
 */

import { prefixField } from '../chain/address-codec.ts';
import { type Header, headerCodec } from '../chain/header.ts';
import { MAX_TRUST_FILE_BYTES, MAX_VALIDATORS } from '../chain/limits.ts';
import { originField, originNames } from '../chain/origin.ts';
import { type ValidatorSet, validatorSetCodec } from '../chain/validators.ts';
import {
  COSIGNATURE_BYTES,
  type Cosignature,
  cosignatureCodec,
} from '../checkpoint/cosignature.ts';
import type { AddressPrefix } from '../crypto/address.ts';
import { type Bytes32, equalBytes, toHex } from '../primitives/bytes.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import { bytes32, listOf, struct, u64 } from '../primitives/struct.ts';
import type { LogTip, VerifiedHeader } from './header-proof.ts';

export interface TrustState {
  readonly origin: string;
  readonly genesisId: Bytes32;
  /** What addresses of this network begin with. */
  readonly prefix: AddressPrefix;
  /** How long the client may sleep before it needs a new anchor. */
  readonly trustingPeriodMillis: bigint;
  /** The set of the header's epoch. */
  readonly validators: ValidatorSet;
  /** The newest header that is trusted. The log's size is its height + 1. */
  readonly header: Header;
  /** Root of the header log with this header in it. */
  readonly root: Bytes32;
  /** The quorum that certified size and root: half of the proof, should there be a fork. */
  readonly cosignatures: readonly Cosignature[];
  /** The latest time that more than one third of stake vouched for, in milliseconds. */
  readonly sureAt: bigint;
}

const TRUST_VERSION = 1;

const fieldsCodec: Codec<TrustState> = /* @__PURE__ */ struct(
  'trust state',
  MAX_TRUST_FILE_BYTES / 2,
  {
    origin: originField,
    genesisId: bytes32,
    prefix: prefixField,
    trustingPeriodMillis: u64,
    validators: validatorSetCodec,
    header: headerCodec,
    root: bytes32,
    cosignatures: /* @__PURE__ */ listOf(MAX_VALIDATORS, COSIGNATURE_BYTES, cosignatureCodec),
    sureAt: u64,
  },
  TRUST_VERSION,
);

export const trustStateCodec: Codec<TrustState> = /* @__PURE__ */ codec(
  'trust state',
  MAX_TRUST_FILE_BYTES / 2,
  fieldsCodec.write,
  (reader) => {
    const state = fieldsCodec.read(reader);
    const { origin, genesisId, validators, header } = state;
    if (!originNames(origin, genesisId)) {
      throw reader.error('origin', `${origin} is not of genesis ${toHex(genesisId)}`);
    }
    if (!equalBytes(validators.hash, header.validatorsHash)) {
      throw reader.error('validators', 'the set is not the one that the header names');
    }
    return state;
  },
);

/** The size and root that proofs are checked against. */
export function trustedTip({ header, root }: TrustState): LogTip {
  return { size: header.height + 1n, root };
}

/** The newest header that is trusted, for proofs that lead to its state. */
export function trustedHeader({ header }: TrustState): VerifiedHeader {
  return header as VerifiedHeader;
}
