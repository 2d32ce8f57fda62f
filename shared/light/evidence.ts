/**
 * Evidence: a file that convicts by signatures alone, checked offline (docs/protocol.md §12).
 *
 * An *offence* convicts one validator. A *fork* shows two certified histories that cannot both be
 * one log, and names who signed both: together more than a third of the stake.
 */
import {
  MAX_CONSISTENCY_HASHES,
  MAX_EVIDENCE_BYTES,
  MAX_HANDOVERS,
  MAX_ORIGIN_BYTES,
} from '../chain/limits.ts';
import { type Offence, offenceCodec } from '../chain/offence.ts';
import { originNames, parseOrigin } from '../chain/origin.ts';
import { readText, writeText } from '../chain/text.ts';
import { type Validator, type ValidatorSet, validatorSetCodec } from '../chain/validators.ts';
import { type CertifiedCheckpoint, certify } from '../checkpoint/certify.ts';
import type { Cosignature } from '../checkpoint/cosignature.ts';
import { type CosignedCheckpoint, cosignedCheckpointCodec } from '../checkpoint/cosigned.ts';
import { cosignatureOffence, verifyOffence } from '../checkpoint/offence.ts';
import type { VerifyBatch } from '../crypto/filter.ts';
import { verifyConsistency } from '../merkle/list.ts';
import { type Bytes32, equalBytes, toHex } from '../primitives/bytes.ts';
import { type Codec, codec, type Reader, type Writer } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { type EpochTrust, type Handover, handoverCodec, takeHandover } from './handover.ts';
import { readPath, writePath } from './hashes.ts';
import { type TrustState, trustedTip } from './trust.ts';
import type { Update } from './update.ts';

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
const OFFENCE = 0;
const FORK = 1;

export const evidenceCodec: Codec<Evidence> = codec('evidence', MAX_EVIDENCE_BYTES, write, read);

/** Makes the evidence of a fork from a trusted state and an update that contradicts it. */
export function forkEvidence(state: TrustState, update: Update): ForkEvidence {
  const { size, root } = trustedTip(state);
  return {
    kind: 'fork',
    origin: state.origin,
    genesisId: state.genesisId,
    epoch: state.header.epoch,
    validators: state.validators,
    older: { handovers: [], checkpoint: { size, root, cosignatures: state.cosignatures } },
    newer: { handovers: update.handovers, checkpoint: update.checkpoint },
    otherRoot: update.from.root,
    path: update.consistency,
  };
}

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

function write(writer: Writer, evidence: Evidence): void {
  writer.u8(EVIDENCE_VERSION).u8(evidence.kind === 'offence' ? OFFENCE : FORK);
  writeText(writer, evidence.origin);
  writer.bytes(evidence.genesisId, 32).u32(evidence.epoch);
  validatorSetCodec.write(writer, evidence.validators);
  if (evidence.kind === 'offence') {
    offenceCodec.write(writer, evidence.offence);
    return;
  }
  for (const { handovers, checkpoint } of [evidence.older, evidence.newer]) {
    writer.list(handovers, MAX_HANDOVERS, handoverCodec.write);
    cosignedCheckpointCodec.write(writer, checkpoint);
  }
  writer.bytes(evidence.otherRoot, 32);
  writePath(writer, evidence.path, MAX_CONSISTENCY_HASHES);
}

function read(reader: Reader): Evidence {
  const version = reader.u8();
  if (version !== EVIDENCE_VERSION) {
    throw reader.error('version', `expected version ${EVIDENCE_VERSION}, found ${version}`);
  }
  const kind = reader.u8();
  if (kind > FORK) throw reader.error('kind', `expected evidence 0 or 1, found ${kind}`);
  const origin = readText(reader, MAX_ORIGIN_BYTES, 'an origin', (text) => !!parseOrigin(text));
  const genesisId = reader.bytes32();
  if (!originNames(origin, genesisId)) {
    throw reader.error('origin', `${origin} is not of genesis ${toHex(genesisId)}`);
  }
  const anchor = {
    origin,
    genesisId,
    epoch: reader.u32(),
    validators: validatorSetCodec.read(reader),
  };
  if (kind === OFFENCE) return { kind: 'offence', ...anchor, offence: offenceCodec.read(reader) };
  return {
    kind: 'fork',
    ...anchor,
    older: readBranch(reader),
    newer: readBranch(reader),
    otherRoot: reader.bytes32(),
    path: readPath(reader, MAX_CONSISTENCY_HASHES),
  };
}

function readBranch(reader: Reader): Branch {
  return {
    handovers: reader.list(MAX_HANDOVERS, 42 + 257 + 2, handoverCodec.read),
    checkpoint: cosignedCheckpointCodec.read(reader),
  };
}
