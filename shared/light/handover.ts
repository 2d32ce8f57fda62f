/**
 * A handover: the end of an epoch, certified by its own validators, naming the next ones
 * (docs/protocol.md §8.2).
 *
 * A client that slept for a year takes one handover an epoch and nothing in between.
 */
import { endsEpoch, HEADER_BYTES, type Header, headerCodec } from '../chain/header.ts';
import { MAX_HANDOVER_BYTES, MAX_HANDOVERS } from '../chain/limits.ts';
import { type ValidatorSet, validatorSetCodec } from '../chain/validators.ts';
import { type CertifiedCheckpoint, certify } from '../checkpoint/certify.ts';
import { type CosignedCheckpoint, cosignedCheckpointCodec } from '../checkpoint/cosigned.ts';
import type { VerifyBatch } from '../crypto/filter.ts';
import { equalBytes, toHex } from '../primitives/bytes.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { type Field, listOf, optional, struct } from '../primitives/struct.ts';
import { inclusionPath } from './hashes.ts';
import { type VerifiedHeader, verifyTipHeader } from './header-proof.ts';

export interface Handover {
  /** Ends with the epoch's last header. */
  readonly checkpoint: CosignedCheckpoint;
  readonly header: Header;
  /** Of the header, the last leaf of the log at the checkpoint's size. */
  readonly path: readonly Hash[];
  /** The next epoch's set; null when it is the same set. */
  readonly nextValidators: ValidatorSet | null;
}

const fieldsCodec: Codec<Handover> = /* @__PURE__ */ struct('handover', MAX_HANDOVER_BYTES, {
  checkpoint: cosignedCheckpointCodec,
  header: headerCodec,
  path: inclusionPath,
  nextValidators: /* @__PURE__ */ optional(validatorSetCodec),
});

export const handoverCodec: Codec<Handover> = /* @__PURE__ */ codec(
  'handover',
  MAX_HANDOVER_BYTES,
  fieldsCodec.write,
  (reader) => {
    const handover = fieldsCodec.read(reader);
    const { header, nextValidators } = handover;
    const isSame = equalBytes(header.nextValidatorsHash, header.validatorsHash);
    if (isSame !== (nextValidators === null)) {
      throw reader.error('redundant', 'expected the next set just when it is another one');
    }
    return handover;
  },
);

/** Handovers in order, one an epoch. */
export const handoversField: Field<readonly Handover[]> = /* @__PURE__ */ listOf(
  MAX_HANDOVERS,
  42 + HEADER_BYTES + 2,
  handoverCodec,
);

/** An epoch and who certifies its headers. */
export interface EpochTrust {
  readonly origin: string;
  readonly epoch: number;
  readonly validators: ValidatorSet;
}

/** Where a handover leads. */
export interface HandedOver extends EpochTrust {
  /** The last checkpoint of the epoch that ended. */
  readonly checkpoint: CertifiedCheckpoint;
  readonly header: VerifiedHeader;
}

/**
 * Takes one handover: from an epoch's set to the next.
 *
 * @throws {VerificationError} `handover/epoch`, `handover/validators`, `handover/not-last`,
 *   `handover/next-validators`, and what certifying and the inclusion proof throw
 */
export async function takeHandover(
  { origin, epoch, validators }: EpochTrust,
  handover: Handover,
  verify: VerifyBatch,
): Promise<HandedOver> {
  const { header, path } = handover;
  if (header.epoch !== epoch) {
    throw new VerificationError(
      'handover/epoch',
      'handover',
      `the end of epoch ${epoch}`,
      `epoch ${header.epoch}`,
    );
  }
  requireSet('handover/validators', validators, header.validatorsHash);
  if (!endsEpoch(header)) {
    throw new VerificationError(
      'handover/not-last',
      `handover of epoch ${epoch}`,
      'the last header of its epoch',
      'a header that names no next set',
    );
  }
  const next = handover.nextValidators ?? validators;
  requireSet('handover/next-validators', next, header.nextValidatorsHash);
  const checkpoint = await certify(handover.checkpoint, origin, validators, verify);
  const verified = verifyTipHeader(header, path, checkpoint);
  return { origin, epoch: epoch + 1, validators: next, checkpoint, header: verified };
}

/** Requires that a set is the one with this hash. */
export function requireSet(code: string, set: ValidatorSet, hash: Hash): void {
  if (equalBytes(set.hash, hash)) return;
  throw new VerificationError(code, 'validator set', `set ${toHex(hash)}`, toHex(set.hash));
}
