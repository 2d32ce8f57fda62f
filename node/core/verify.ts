/**
 * What can be said of a vertex from its bytes and the committee alone (docs/consensus.md §3).
 *
 * These checks are pure and run outside the core, in a pool. They look at no transaction's
 * signature and at no state: a rule on which two versions can differ would split liveness.
 */
import type { SignedItem } from 'fanal/crypto/filter.ts';
import { type Bytes, type Bytes32, equalBytes, toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { Committee } from './committee.ts';
import { MAX_TIME_MILLIS } from './limits.ts';
import type {
  EpochRecord,
  SignedHeader,
  Verified,
  Vertex,
  VertexHeader,
  VertexRef,
} from './types.ts';
import { payloadDigest, payloadSize, type TaggedHash, withTransactionIds } from './vertex.ts';

/** What the checks need to know of an epoch. */
export interface VerifyContext {
  readonly record: EpochRecord;
  readonly committee: Committee;
  /** The vertices of round 0, by author (`genesisVertices`). */
  readonly genesis: readonly VertexRef[];
  readonly hash: TaggedHash;
  /** The id of a transaction in canonical bytes. @throws {FanalError} when they are not one */
  readonly transactionId: (transaction: Bytes) => Bytes32;
}

/**
 * Checks everything of a vertex but its signature.
 *
 * @returns the vertex with its transactions' ids, and what its signature must cover
 * @throws {FanalError} `vertex/…` naming the first rule that it breaks
 */
export function checkVertex(
  vertex: Vertex,
  context: VerifyContext,
): { readonly vertex: Vertex; readonly item: SignedItem } {
  const item = checkHeader(vertex, context);
  checkPayload(vertex, context, refuser(vertex));
  return { vertex: withTransactionIds(vertex, vertex.payload.map(context.transactionId)), item };
}

/**
 * Checks everything of a header but its signature.
 *
 * @returns what its signature must cover
 * @throws {FanalError} `vertex/…` naming the first rule that it breaks
 */
export function checkHeader(signed: SignedHeader, context: VerifyContext): SignedItem {
  const { header, ref, signature } = signed;
  const { record, committee } = context;
  const refuse = refuser(signed);
  if (!equalBytes(header.genesisId, record.genesisId)) {
    throw refuse('genesis', `expected genesis ${toHex(record.genesisId)}`);
  }
  if (header.epoch !== record.epoch) {
    throw refuse('epoch', `expected epoch ${record.epoch}, found ${header.epoch}`);
  }
  const member = committee.members[header.author];
  if (member === undefined) throw refuse('author', `expected an author below ${committee.size}`);
  if (header.round < 1) throw refuse('round', 'expected a round from 1 on');
  if (header.time > MAX_TIME_MILLIS) throw refuse('time', 'expected a time below 2^53');
  checkAncestors(header, context, refuse);
  return { message: ref.digest, signature, publicKey: member.vertexKey };
}

/** Marks a vertex or a header whose checks and signature were both good. */
export function asVerified<T extends SignedHeader>(signed: T): Verified<T> {
  return signed as Verified<T>;
}

type Refuse = (rule: string, message: string) => FanalError;

function refuser({ header }: SignedHeader): Refuse {
  return (rule, message) =>
    new FanalError(`vertex/${rule}`, `${message} (round ${header.round}, author ${header.author})`);
}

/** Rule V2: own vertex first, then one of each other author, by author; a quorum of the round before. */
function checkAncestors(
  header: VertexHeader,
  { committee, genesis }: VerifyContext,
  refuse: Refuse,
): void {
  const { round, author, ancestors } = header;
  const own = ancestors[0];
  if (own === undefined || own.author !== author) {
    throw refuse('own-ancestor', 'expected the own previous vertex first');
  }
  let stake = 0;
  let last = -1;
  for (const [place, ancestor] of ancestors.entries()) {
    if (ancestor.author >= committee.size) throw refuse('ancestor-author', 'unknown author named');
    if (ancestor.round >= round) throw refuse('ancestor-round', 'an ancestor is not earlier');
    if (place > 0) {
      if (ancestor.author <= last || ancestor.author === author) {
        throw refuse('ancestor-order', 'expected one ancestor an author, by author');
      }
      last = ancestor.author;
    }
    if (ancestor.round === round - 1) stake += committee.stakes[ancestor.author] as number;
    if (
      ancestor.round === 0 &&
      !equalBytes(ancestor.digest, (genesis[ancestor.author] as VertexRef).digest)
    ) {
      throw refuse('ancestor-genesis', 'an ancestor in round 0 is not of this epoch');
    }
  }
  if (stake < committee.quorum) {
    throw refuse(
      'ancestor-quorum',
      `expected stake ${committee.quorum} in the round before, found ${stake}`,
    );
  }
}

/** Rule V3: the payload is the one that the header binds, and within the epoch's limits. */
function checkPayload(
  { header, payload }: Vertex,
  { record, hash }: VerifyContext,
  refuse: Refuse,
): void {
  const { maxVertexBytes, maxVertexTransactions } = record.params;
  const size = payloadSize(payload);
  if (payload.length !== header.transactionCount || size !== header.payloadBytes) {
    throw refuse('payload-size', 'the payload is not as large as the header says');
  }
  if (payload.length > maxVertexTransactions) {
    throw refuse('payload-count', `expected at most ${maxVertexTransactions} transactions`);
  }
  if (size > maxVertexBytes)
    throw refuse('payload-bytes', `expected at most ${maxVertexBytes} bytes`);
  if (!equalBytes(payloadDigest(hash, payload), header.payloadDigest)) {
    throw refuse('payload-digest', 'the header binds another payload');
  }
}
