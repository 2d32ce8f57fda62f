/**
 * What the state says under a key, or that it says nothing: one path to a header's state root
 * (docs/protocol.md §9.6).
 */
import { type EpochState, epochStateCodec } from '../chain/epoch-state.ts';
import { MAX_PROOF_BYTES } from '../chain/limits.ts';
import { type Params, paramsCodec } from '../chain/params.ts';
import { EPOCH_KEY, PARAMETERS_KEY, validatorKey } from '../chain/state-keys.ts';
import { type ValidatorRecord, validatorRecordCodec } from '../chain/validator-record.ts';
import { type MapProof, mapProofCodec, verifyMapValue } from '../merkle/map.ts';
import type { Bytes, Bytes32 } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import { type Field, optional, struct, u64 } from '../primitives/struct.ts';
import type { VerifiedHeader } from './header-proof.ts';

const MAX_STATE_VALUE_BYTES = 16 * 1_024;

export interface StateProof {
  /** The header whose state this is. */
  readonly height: bigint;
  /** Null: nothing stands under the key. */
  readonly value: Bytes | null;
  readonly proof: MapProof;
}

const valueField: Field<Bytes> = {
  write: (writer, value) => {
    writer.longBytes(value);
  },
  read: (reader) => reader.longBytes(MAX_STATE_VALUE_BYTES),
};

export const stateProofCodec: Codec<StateProof> = /* @__PURE__ */ struct(
  'state proof',
  MAX_PROOF_BYTES,
  { height: u64, value: /* @__PURE__ */ optional(valueField), proof: mapProofCodec },
);

/**
 * Checks what the state of a header has under a key.
 *
 * @returns the value's bytes, or null: proved to be absent
 * @throws {VerificationError} `proof/height` for another header's state, or what a map proof throws
 */
export function verifyStateProof(
  { height, value, proof }: StateProof,
  key: Bytes32,
  header: VerifiedHeader,
): Bytes | null {
  requireHeight('state proof', height, header.height);
  verifyMapValue({ root: header.stateRoot, key, value, proof });
  return value;
}

/** The parameters in force after a header's block. */
export function verifyParams(proof: StateProof, header: VerifiedHeader): Params {
  return paramsCodec.decode(present('parameters', verifyStateProof(proof, PARAMETERS_KEY, header)));
}

/** The running epoch's accounts after a header's block. */
export function verifyEpochState(proof: StateProof, header: VerifiedHeader): EpochState {
  return epochStateCodec.decode(present('epoch state', verifyStateProof(proof, EPOCH_KEY, header)));
}

/** What the state knows of a validator; null when the name was never taken. */
export function verifyValidator(
  proof: StateProof,
  name: string,
  header: VerifiedHeader,
): ValidatorRecord | null {
  const value = verifyStateProof(proof, validatorKey(name), header);
  return value === null ? null : validatorRecordCodec.decode(value);
}

/** Requires that a proof speaks of the header at hand. */
export function requireHeight(step: string, found: bigint, expected: bigint): void {
  if (found === expected) return;
  throw new VerificationError('proof/height', step, `height ${expected}`, `${found}`, {
    hint: 'Ask for the proof at the height that you hold.',
  });
}

function present(what: string, value: Bytes | null): Bytes {
  if (value !== null) return value;
  throw new VerificationError('proof/absent', what, 'a value', 'a proof that there is none');
}
