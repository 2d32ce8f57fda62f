/**
 * A checkpoint with the cosignatures that came with it, not yet checked, in its two forms: the
 * note that log tools read, and compact bytes for proofs and phones (docs/protocol.md §7.4).
 *
 * Both need the validator set: the note to find its cosigners, the bytes because they name them by
 * index only.
 */
import { MAX_LOG_SIZE, MAX_VALIDATORS } from '../chain/limits.ts';
import type { ValidatorSet } from '../chain/validators.ts';
import { type Bytes32, equalBytes } from '../primitives/bytes.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import { type Checkpoint, checkpointBody, parseCheckpointBody } from './checkpoint.ts';
import {
  COSIGNATURE_BYTES,
  type Cosignature,
  cosignatureCodec,
  cosignatureLine,
  cosignerKeyId,
  cosignerName,
  readCosignatureLine,
} from './cosignature.ts';
import { formatNote, parseNote } from './note.ts';

export interface CosignedCheckpoint {
  readonly size: bigint;
  readonly root: Bytes32;
  /** Ascending by validator, each at most once. */
  readonly cosignatures: readonly Cosignature[];
}

export const cosignedCheckpointCodec: Codec<CosignedCheckpoint> = /* @__PURE__ */ codec(
  'cosigned checkpoint',
  42 + MAX_VALIDATORS * COSIGNATURE_BYTES,
  (writer, { size, root, cosignatures }) => {
    writer.u64(size).bytes(root, 32).list(cosignatures, MAX_VALIDATORS, cosignatureCodec.write);
  },
  (reader) => {
    const size = reader.u64();
    if (size > MAX_LOG_SIZE) {
      throw reader.error('integer', `expected a size of at most ${MAX_LOG_SIZE}, found ${size}`);
    }
    const root = reader.bytes32();
    const cosignatures = reader.list(MAX_VALIDATORS, COSIGNATURE_BYTES, cosignatureCodec.read);
    for (let i = 1; i < cosignatures.length; i++) {
      const [a, b] = [cosignatures[i - 1] as Cosignature, cosignatures[i] as Cosignature];
      if (a.validator >= b.validator) {
        throw reader.error('order', 'expected distinct cosigners in ascending order');
      }
    }
    return { size, root, cosignatures };
  },
);

/** Writes a cosigned checkpoint as a signed note. */
export function checkpointNote(
  { size, root, cosignatures }: CosignedCheckpoint,
  origin: string,
  set: ValidatorSet,
): string {
  return formatNote({
    text: checkpointBody({ origin, size, root }),
    signatures: cosignatures.map((cosignature) => cosignatureLine(origin, cosignature, set)),
  });
}

/**
 * Reads a note as a checkpoint of the log `origin` cosigned by members of `set`.
 *
 * Lines of unknown keys are ignored, also when they share a name or an id with a known one. Of two
 * lines of one key the first counts.
 *
 * @throws {DecodeError} when it is no note or its text no checkpoint
 * @throws {VerificationError} `checkpoint/origin` for another log, `checkpoint/bad-cosignature` for
 *   a known cosigner's line that cannot be a cosignature
 */
export function parseCheckpointNote(
  note: string,
  origin: string,
  set: ValidatorSet,
): CosignedCheckpoint {
  const { text, signatures } = parseNote(note);
  const checkpoint: Checkpoint = parseCheckpointBody(text);
  if (checkpoint.origin !== origin) {
    throw new VerificationError(
      'checkpoint/origin',
      'checkpoint origin',
      origin,
      checkpoint.origin,
      { hint: 'The note belongs to another chain, or to one from before a reset.' },
    );
  }
  const indexByName = new Map(
    set.validators.map((validator, index) => [cosignerName(origin, validator), index]),
  );
  const byValidator = new Map<number, Cosignature>();
  for (const { name, keyId, signature } of signatures) {
    const validator = indexByName.get(name);
    const member = validator === undefined ? undefined : set.validators[validator];
    if (validator === undefined || member === undefined || byValidator.has(validator)) continue;
    if (!equalBytes(keyId, cosignerKeyId(origin, member))) continue;
    const cosignature = readCosignatureLine(signature);
    if (cosignature === null) {
      throw new VerificationError(
        'checkpoint/bad-cosignature',
        `cosignature of ${member.name}`,
        'a time and 64 bytes of signature',
        `${signature.length} bytes`,
      );
    }
    byValidator.set(validator, { validator, ...cosignature });
  }
  const cosignatures = [...byValidator.values()].sort((a, b) => a.validator - b.validator);
  return { size: checkpoint.size, root: checkpoint.root, cosignatures };
}
