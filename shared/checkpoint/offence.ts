/**
 * Checking an offence: that one validator signed two things where its promise allows one
 * (docs/protocol.md §10).
 */
import type { CosignedRoot, Offence, SignedVertexHeader } from '../chain/offence.ts';
import type { ValidatorKeys } from '../chain/registration.ts';
import type { SignedItem, VerifyBatch } from '../crypto/filter.ts';
import { type Bytes, type Bytes32, compareBytes, equalBytes } from '../primitives/bytes.ts';
import { Reader } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import { taggedHash } from '../primitives/hash.ts';
import { cosignatureMessage } from './cosignature.ts';

/** Which chain the offence is against. */
export interface OffenceContext {
  readonly origin: string;
  readonly genesisId: Bytes32;
}

/** Where a vertex stands: the fixed first fields of its header. */
export interface VertexSlot {
  readonly genesisId: Bytes32;
  readonly epoch: number;
  readonly round: number;
  readonly author: number;
}

/**
 * Reads the slot from a vertex header's bytes, which begin with version u8, genesis id, epoch u32,
 * round u32, author u16.
 *
 * @throws {DecodeError} when it is too short
 */
export function vertexSlot(header: Bytes): VertexSlot {
  const reader = new Reader(header, 'vertex header');
  reader.u8();
  return {
    genesisId: reader.bytes32(),
    epoch: reader.u32(),
    round: reader.u32(),
    author: reader.u16(),
  };
}

/** Writes two cosigned roots of one validator at one size as an offence. */
export function cosignatureOffence(
  validator: string,
  size: bigint,
  a: CosignedRoot,
  b: CosignedRoot,
): Offence {
  const [first, second] = compareBytes(a.root, b.root) < 0 ? [a, b] : [b, a];
  return { kind: 'cosignatures', validator, size, first, second };
}

/** Writes two vertices of one validator in one slot as an offence. */
export function vertexOffence(
  validator: string,
  a: SignedVertexHeader,
  b: SignedVertexHeader,
): Offence {
  const [first, second] = compareBytes(a.header, b.header) < 0 ? [a, b] : [b, a];
  return { kind: 'vertices', validator, first, second };
}

/**
 * Checks everything about an offence but its two signatures, and gives those.
 *
 * @param keys of the validator that the offence names
 * @throws {VerificationError} `evidence/not-conflicting`, `evidence/another-chain`
 */
export function offenceItems(
  offence: Offence,
  keys: Pick<ValidatorKeys, 'vertexKey' | 'checkpointKey'>,
  context: OffenceContext,
): SignedItem[] {
  if (offence.kind === 'cosignatures') {
    const { size, first, second } = offence;
    requireAscending(first.root, second.root, 'two different roots, the smaller first');
    return [first, second].map(({ root, time, signature }) => ({
      message: cosignatureMessage({ origin: context.origin, size, root }, time),
      signature,
      publicKey: keys.checkpointKey,
    }));
  }
  const { first, second } = offence;
  requireAscending(first.header, second.header, 'two different headers, the smaller first');
  const [a, b] = [vertexSlot(first.header), vertexSlot(second.header)];
  if (a.epoch !== b.epoch || a.round !== b.round || a.author !== b.author) {
    throw new VerificationError(
      'evidence/not-conflicting',
      'offence slots',
      `epoch ${a.epoch}, round ${a.round}, author ${a.author}`,
      `epoch ${b.epoch}, round ${b.round}, author ${b.author}`,
    );
  }
  for (const { genesisId } of [a, b]) {
    if (equalBytes(genesisId, context.genesisId)) continue;
    throw new VerificationError(
      'evidence/another-chain',
      'offence chain',
      'vertices of this chain',
      'vertices of another',
    );
  }
  return [first, second].map(({ header, signature }) => ({
    message: taggedHash('fanal/vertex/v1', header),
    signature,
    publicKey: keys.vertexKey,
  }));
}

/**
 * Checks an offence, signatures and all.
 *
 * @throws {VerificationError} what `offenceItems` throws, and `evidence/bad-signature`
 */
export async function verifyOffence(
  offence: Offence,
  keys: Pick<ValidatorKeys, 'vertexKey' | 'checkpointKey'>,
  context: OffenceContext,
  verify: VerifyBatch,
): Promise<void> {
  const verdicts = await verify(offenceItems(offence, keys, context));
  if (verdicts.every((verdict) => verdict === true)) return;
  throw new VerificationError(
    'evidence/bad-signature',
    `offence of ${offence.validator}`,
    'two valid signatures',
    'one that does not verify',
  );
}

function requireAscending(a: Bytes, b: Bytes, expected: string): void {
  const order = compareBytes(a, b);
  if (order < 0) return;
  throw new VerificationError(
    'evidence/not-conflicting',
    'offence',
    expected,
    order === 0 ? 'the same twice' : 'them in the other order',
  );
}
