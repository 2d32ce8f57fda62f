/**
 * Evidence: a file that convicts by signatures alone, checked offline (docs/protocol.md §10).
 *
 * An *offence* convicts one validator. A *fork* shows two certified histories that cannot both be
 * one log, and names who signed both: together more than a third of the stake.
 */
import { MAX_EVIDENCE_BYTES } from '../chain/limits.ts';
import { type Offence, offenceCodec } from '../chain/offence.ts';
import { originField, originNames } from '../chain/origin.ts';
import { type Validator, type ValidatorSet, validatorSetCodec } from '../chain/validators.ts';
import { type CertifiedCheckpoint, certify } from '../checkpoint/certify.ts';
import type { Cosignature } from '../checkpoint/cosignature.ts';
import { type CosignedCheckpoint, cosignedCheckpointCodec } from '../checkpoint/cosigned.ts';
import { cosignatureOffence, verifyOffence } from '../checkpoint/offence.ts';
import type { VerifyBatch } from '../crypto/filter.ts';
import { verifyConsistency } from '../merkle/list.ts';
import { type Bytes32, equalBytes, toHex } from '../primitives/bytes.ts';
import { type Codec, codec } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { bytes32, type Fields, struct, u32 } from '../primitives/struct.ts';
import { type EpochTrust, type Handover, handoversField, takeHandover } from './handover.ts';
import { consistencyPath } from './hashes.ts';
import type { TrustState } from './trust.ts';

/** What every evidence file says first: which chain, and whose keys it is judged by. */
interface EvidenceAnchor {
  readonly origin: string;
  readonly genesisId: Bytes32;
  readonly epoch: number;
  /** The set of that epoch. */
  readonly validators: ValidatorSet;
}

export interface OffenceEvidence extends EvidenceAnchor {
  readonly kind: 'offence';
  readonly offence: Offence;
}

/** One of the two histories: how the sets lead to its checkpoint. */
export interface Branch {
  readonly handovers: readonly Handover[];
  readonly checkpoint: CosignedCheckpoint;
}

export interface ForkEvidence extends EvidenceAnchor {
  readonly kind: 'fork';
  readonly older: Branch;
  /** At the same size or a larger one. */
  readonly newer: Branch;
  /** The root that the newer log has at the older one's size. */
  readonly otherRoot: Bytes32;
  /** Consistency of `otherRoot` with the newer checkpoint. */
  readonly path: readonly Hash[];
}

export type Evidence = OffenceEvidence | ForkEvidence;

/** What a piece of evidence shows, once checked. */
export interface Finding {
  readonly kind: Evidence['kind'];
  /** Names of who is convicted, in order. */
  readonly guilty: readonly string[];
  /** Their stake, and that of all, in the evidence's set. */
  readonly guiltyStake: bigint;
  readonly totalStake: bigint;
  /** Whether the set is the one that the given trust holds. If not, compare its hash yourself. */
  readonly isAnchored: boolean;
}

const EVIDENCE_VERSION = 1;

const anchorFields: Fields<EvidenceAnchor> = {
  origin: originField,
  genesisId: bytes32,
  epoch: u32,
  validators: validatorSetCodec,
};

const branchCodec: Codec<Branch> = /* @__PURE__ */ struct('branch', MAX_EVIDENCE_BYTES, {
  handovers: handoversField,
  checkpoint: cosignedCheckpointCodec,
});

const offenceFileCodec: Codec<Omit<OffenceEvidence, 'kind'>> = /* @__PURE__ */ struct(
  'evidence',
  MAX_EVIDENCE_BYTES,
  { ...anchorFields, offence: offenceCodec },
);

const forkFileCodec: Codec<Omit<ForkEvidence, 'kind'>> = /* @__PURE__ */ struct(
  'evidence',
  MAX_EVIDENCE_BYTES,
  {
    ...anchorFields,
    older: branchCodec,
    newer: branchCodec,
    otherRoot: bytes32,
    path: consistencyPath,
  },
);

/** A version, then 0 and an offence or 1 and a fork. */
export const evidenceCodec: Codec<Evidence> = /* @__PURE__ */ codec(
  'evidence',
  MAX_EVIDENCE_BYTES,
  (writer, evidence) => {
    writer.u8(EVIDENCE_VERSION);
    if (evidence.kind === 'offence') offenceFileCodec.write(writer.u8(0), evidence);
    else forkFileCodec.write(writer.u8(1), evidence);
  },
  (reader) => {
    reader.version(EVIDENCE_VERSION);
    const isFork = reader.flag();
    const evidence: Evidence = isFork
      ? { kind: 'fork', ...forkFileCodec.read(reader) }
      : { kind: 'offence', ...offenceFileCodec.read(reader) };
    if (!originNames(evidence.origin, evidence.genesisId)) {
      throw reader.error('origin', `${evidence.origin} is not of ${toHex(evidence.genesisId)}`);
    }
    return evidence;
  },
);

/**
 * Checks evidence offline and says whom it convicts.
 *
 * @param trust what the reader knows of the chain; the finding says whether it vouches for the set
 * @throws {VerificationError} `evidence/…`, `checkpoint/…`, `handover/…`, `proof/…`
 */
export async function verifyEvidence(
  evidence: Evidence,
  verify: VerifyBatch,
  trust?: Pick<TrustState, 'genesisId' | 'validators'>,
): Promise<Finding> {
  const { kind, genesisId, validators } = evidence;
  if (trust !== undefined && !equalBytes(trust.genesisId, genesisId)) {
    throw new VerificationError(
      'evidence/another-chain',
      'evidence',
      `chain ${toHex(trust.genesisId)}`,
      toHex(genesisId),
    );
  }
  const guilty =
    evidence.kind === 'fork'
      ? await verifyFork(evidence, verify)
      : [await verifyOffender(evidence, verify)];
  return {
    kind,
    guilty: guilty.map(({ name }) => name),
    guiltyStake: guilty.reduce((sum, { stake }) => sum + stake, 0n),
    totalStake: validators.totalStake,
    isAnchored: trust !== undefined && equalBytes(trust.validators.hash, validators.hash),
  };
}

/**
 * The offences inside a fork at one size: for everyone who cosigned both roots, evidence that
 * convicts on its own. A fork at different sizes has none.
 */
export function offencesOf({ older, newer, validators }: ForkEvidence): Offence[] {
  const { size, root } = older.checkpoint;
  if (newer.checkpoint.size !== size || older.handovers.length + newer.handovers.length > 0) {
    return [];
  }
  return older.checkpoint.cosignatures.flatMap((a) => {
    const b = newer.checkpoint.cosignatures.find(({ validator }) => validator === a.validator);
    const member = validators.validators[a.validator];
    if (b === undefined || member === undefined) return [];
    const [first, second] = [rootOf(a, root), rootOf(b, newer.checkpoint.root)];
    return [cosignatureOffence(member.name, size, first, second)];
  });
}

function rootOf({ time, signature }: Cosignature, root: Bytes32) {
  return { root, time, signature };
}

async function verifyOffender(
  { origin, genesisId, validators, offence }: OffenceEvidence,
  verify: VerifyBatch,
): Promise<Validator> {
  const offender = validators.validators.find(({ name }) => name === offence.validator);
  if (offender === undefined) {
    throw new VerificationError(
      'evidence/unknown-validator',
      'evidence',
      'a validator of the set',
      offence.validator,
    );
  }
  await verifyOffence(offence, offender, { origin, genesisId }, verify);
  return offender;
}

/** Both branches are certified, and the newer one began with another root than the older one has. */
async function verifyFork(evidence: ForkEvidence, verify: VerifyBatch): Promise<Validator[]> {
  const { origin, epoch, validators, otherRoot, path } = evidence;
  const anchor: EpochTrust = { origin, epoch, validators };
  const older = await certifyBranch(anchor, evidence.older, verify);
  const newer = await certifyBranch(anchor, evidence.newer, verify);
  verifyConsistency({
    oldSize: older.checkpoint.size,
    oldRoot: otherRoot,
    newSize: newer.checkpoint.size,
    newRoot: newer.checkpoint.root,
    path,
  });
  if (equalBytes(otherRoot, older.checkpoint.root)) {
    throw new VerificationError(
      'evidence/not-conflicting',
      'evidence of a fork',
      'two histories',
      'one: the newer log began as the older one',
    );
  }
  return signersOfBoth(older, newer);
}

interface CertifiedBranch {
  readonly checkpoint: CertifiedCheckpoint;
  readonly set: ValidatorSet;
}

async function certifyBranch(
  anchor: EpochTrust,
  { handovers, checkpoint }: Branch,
  verify: VerifyBatch,
): Promise<CertifiedBranch> {
  let epoch = anchor;
  for (const handover of handovers) epoch = await takeHandover(epoch, handover, verify);
  const { origin, validators: set } = epoch;
  return { checkpoint: await certify(checkpoint, origin, set, verify), set };
}

/** Members whose key stands under both checkpoints, whichever sets these are. */
function signersOfBoth(older: CertifiedBranch, newer: CertifiedBranch): Validator[] {
  const signers = ({ checkpoint, set }: CertifiedBranch) =>
    checkpoint.cosignatures.map(({ validator }) => set.validators[validator] as Validator);
  const keys = new Set(signers(newer).map(({ checkpointKey }) => toHex(checkpointKey)));
  return signers(older).filter(({ checkpointKey }) => keys.has(toHex(checkpointKey)));
}
