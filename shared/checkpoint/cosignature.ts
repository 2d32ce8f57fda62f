/**
 * A cosignature: one validator's word that it executed every block below a size and that this is
 * its only root there (C2SP tlog-cosignature, `cosignature/v1`; docs/protocol.md §7.3).
 */
import { MAX_VALIDATORS } from '../chain/limits.ts';
import type { Validator, ValidatorSet } from '../chain/validators.ts';
import { SIGNATURE_BYTES, type SignedItem } from '../crypto/filter.ts';
import { type Bytes, utf8 } from '../primitives/bytes.ts';
import { type Codec, codec, Writer } from '../primitives/codec.ts';
import { MAX_U64 } from '../primitives/units.ts';
import { type Checkpoint, checkpointBody } from './checkpoint.ts';
import { COSIGNATURE_TYPE, type NoteSignature, noteKeyId, verifierKeyText } from './note.ts';

export interface Cosignature {
  /** The cosigner's index in the validator set of the checkpoint's epoch. */
  readonly validator: number;
  /** Unix seconds. */
  readonly time: bigint;
  readonly signature: Bytes;
}

export const COSIGNATURE_BYTES = 2 + 8 + SIGNATURE_BYTES;

export const cosignatureCodec: Codec<Cosignature> = /* @__PURE__ */ codec(
  'cosignature',
  COSIGNATURE_BYTES,
  (writer, { validator, time, signature }) => {
    writer.u16(validator).u64(time).bytes(signature, SIGNATURE_BYTES);
  },
  (reader) => {
    const validator = reader.u16();
    if (validator >= MAX_VALIDATORS) {
      throw reader.error('index', `expected an index below ${MAX_VALIDATORS}, found ${validator}`);
    }
    return { validator, time: reader.u64(), signature: reader.bytes(SIGNATURE_BYTES) };
  },
);

/** The bytes that a cosigner signs: a fixed line, the time, and the checkpoint's body. */
export function cosignatureMessage(checkpoint: Checkpoint, time: bigint): Bytes {
  return utf8(`cosignature/v1\ntime ${time}\n${checkpointBody(checkpoint)}`);
}

/** The name of a validator's key in notes: `<origin>/<validator name>`. */
export function cosignerName(origin: string, validator: Pick<Validator, 'name'>): string {
  return `${origin}/${validator.name}`;
}

/** A validator's checkpoint key as other log tools want it (a C2SP `vkey`). */
export function cosignerKeyText(
  origin: string,
  validator: Pick<Validator, 'name' | 'checkpointKey'>,
): string {
  const name = cosignerName(origin, validator);
  return verifierKeyText(name, COSIGNATURE_TYPE, validator.checkpointKey);
}

/** The key id of a validator in notes. */
export function cosignerKeyId(
  origin: string,
  validator: Pick<Validator, 'name' | 'checkpointKey'>,
): Bytes {
  return noteKeyId(cosignerName(origin, validator), COSIGNATURE_TYPE, validator.checkpointKey);
}

/** A cosignature ready to be checked. The index must be in the set. */
export function cosignatureItem(
  checkpoint: Checkpoint,
  { validator, time, signature }: Cosignature,
  set: ValidatorSet,
): SignedItem {
  const { checkpointKey } = set.validators[validator] as Validator;
  return { message: cosignatureMessage(checkpoint, time), signature, publicKey: checkpointKey };
}

/** The line of a cosignature in a note. */
export function cosignatureLine(
  origin: string,
  { validator, time, signature }: Cosignature,
  set: ValidatorSet,
): NoteSignature {
  const member = set.validators[validator] as Validator;
  return {
    name: cosignerName(origin, member),
    keyId: cosignerKeyId(origin, member),
    signature: new Writer(72).u64(time).bytes(signature, SIGNATURE_BYTES).finish(),
  };
}

/**
 * The time and signature of a note's line by a known cosigner; null when it has another length or
 * a time past 2^63 − 1, which no cosigner of ours would write.
 */
export function readCosignatureLine(line: Bytes): Omit<Cosignature, 'validator'> | null {
  if (line.length !== 8 + SIGNATURE_BYTES) return null;
  const time = new DataView(line.buffer, line.byteOffset, 8).getBigUint64(0);
  return time > MAX_U64 ? null : { time, signature: line.slice(8) };
}
