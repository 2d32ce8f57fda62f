/**
 * Proofs as JSON, to read and to draw. Wallets take the same proofs in canonical bytes.
 */
import {
  MAX_CONSISTENCY_HASHES,
  MAX_HANDOVERS,
  MAX_MAP_SIBLINGS,
  MAX_VALIDATORS,
} from '../chain/limits.ts';
import type { ValidatorSet } from '../chain/validators.ts';
import { validatorSet } from '../chain/validators.ts';
import type { CosignedCheckpoint } from '../checkpoint/cosigned.ts';
import type { AddressPrefix } from '../crypto/address.ts';
import type { Handover } from '../light/handover.ts';
import type { HeaderProof } from '../light/header-proof.ts';
import type { StateProof } from '../light/state-proof.ts';
import type { Update } from '../light/update.ts';
import type { MapProof } from '../merkle/map.ts';
import { addressShape } from './address-text.ts';
import { headerShape, pathShape } from './header.ts';
import {
  bytes32,
  hex,
  list,
  mapped,
  nullable,
  object,
  type Shape,
  text,
  u16,
  u64,
} from './shape.ts';

export const mapProofShape = object({
  siblings: list(nullable(bytes32), MAX_MAP_SIBLINGS),
  end: nullable(object({ key: bytes32, valueHash: bytes32 })),
}) satisfies Shape<MapProof>;

export const headerProofShape = object({
  header: headerShape,
  size: u64,
  path: pathShape,
}) satisfies Shape<HeaderProof>;

export const stateProofShape = object({
  height: u64,
  value: nullable(hex({ max: 16_384 })),
  proof: mapProofShape,
}) satisfies Shape<StateProof>;

export const cosignedCheckpointShape = object({
  size: u64,
  root: bytes32,
  cosignatures: list(
    object({ validator: u16, time: u64, signature: hex({ length: 64 }) }),
    MAX_VALIDATORS,
  ),
}) satisfies Shape<CosignedCheckpoint>;

/** A validator set; its hash is left out because whoever reads it computes it. */
export function validatorSetShape(prefix: AddressPrefix) {
  const validator = object({
    name: text(32),
    stake: u64,
    vertexKey: bytes32,
    checkpointKey: bytes32,
    networkKey: bytes32,
    owner: addressShape(prefix),
  });
  return mapped(
    object({ validators: list(validator, MAX_VALIDATORS) }),
    ({ validators }: ValidatorSet) => ({ validators }),
    ({ validators }): ValidatorSet => validatorSet(validators),
  );
}

export function handoverShape(prefix: AddressPrefix) {
  return object({
    checkpoint: cosignedCheckpointShape,
    header: headerShape,
    path: pathShape,
    nextValidators: nullable(validatorSetShape(prefix)),
  }) satisfies Shape<Handover>;
}

export function updateShape(prefix: AddressPrefix) {
  return object({
    from: object({ size: u64, root: bytes32 }),
    handovers: list(handoverShape(prefix), MAX_HANDOVERS),
    checkpoint: cosignedCheckpointShape,
    header: headerShape,
    inclusion: pathShape,
    consistency: list(bytes32, MAX_CONSISTENCY_HASHES),
  }) satisfies Shape<Update>;
}
