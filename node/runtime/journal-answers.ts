/**
 * Answers to members that miss vertices, commits or certificates, out of the journal.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { MAX_SYNC_COMMITS } from '../core/limits.ts';
import type { Commit, PeerRequest, PeerResponse, SignedHeader, Vertex } from '../core/types.ts';
import { decodeVertex, VERTEX_REF_BYTES } from '../core/vertex.ts';
import { encodeResponse, type WireContext } from '../core/wire.ts';
import { NETWORK_LIMITS } from '../network/limits.ts';
import type { Journal } from '../store/journal.ts';

const KIB = 1_024;
/** An answer fits one frame, with room for its own fields. */
const ANSWER_BYTES = NETWORK_LIMITS.consensusFrameBytes - 512 * KIB;
/** Beyond that, for commits whose vertices do not fit any more. */
const CHAIN_BYTES = 256 * KIB;
/** Rounds above a commit's leader in which vertices vote for it. */
const VOTE_ROUNDS = 8;

/** The answer in wire bytes; null when nothing of what was asked is here. */
export function answerFromJournal(
  journal: Journal,
  context: WireContext,
  request: PeerRequest,
): Bytes | null {
  const response = respond(journal, context, request);
  return response === null ? null : encodeResponse(context, response);
}

function respond(
  journal: Journal,
  context: WireContext,
  request: PeerRequest,
): PeerResponse | null {
  const { epoch } = request;
  switch (request.kind) {
    case 'vertices': {
      const found = fitting(journal.vertices(epoch, request.refs));
      if (found.length === 0) return null;
      return { kind: 'vertices', epoch, vertices: found.map((bytes) => decode(bytes, context)) };
    }
    case 'checkpoint': {
      const checkpoint = journal.certificate(request.size);
      // The message names one epoch: a certificate of a later one is the ledger's to hand out.
      if (checkpoint === null || checkpoint.epoch !== epoch) return null;
      return { kind: 'checkpoint', epoch, checkpoint };
    }
    case 'commits':
      return commits(journal, context, epoch, request.first, request.count);
  }
}

/**
 * As many commits as fit with all their vertices, some more of the chain, and the votes that prove
 * them: of commits that were decided at once only the last was voted for.
 */
function commits(
  journal: Journal,
  context: WireContext,
  epoch: number,
  first: bigint,
  count: number,
): PeerResponse | null {
  const chain: Commit[] = [];
  const vertices: Vertex[] = [];
  let size = 0;
  let chainSize = 0;
  for (const commit of journal.commits(epoch, first, Math.min(count, MAX_SYNC_COMMITS))) {
    const refs = VERTEX_REF_BYTES * commit.vertices.length;
    if (size <= ANSWER_BYTES) {
      const found = journal.vertices(epoch, commit.vertices);
      // A commit whose vertices are not all here is of no use to anyone.
      if (found.length < commit.vertices.length) break;
      const bytes = found.reduce((sum, { length }) => sum + length, refs);
      if (size + bytes <= ANSWER_BYTES || chain.length === 0) {
        vertices.push(...found.map((vertex) => decode(vertex, context)));
      }
      size += bytes;
    }
    if (size > ANSWER_BYTES && chain.length > 0) chainSize += refs;
    if (chainSize > CHAIN_BYTES) break;
    chain.push(commit);
  }
  const last = chain.at(-1);
  if (last === undefined) return null;
  const voters = votersOf(journal, context, epoch, first, last);
  return { kind: 'commits', epoch, commits: chain, vertices, voters };
}

/** Of each author the header that votes for the latest commit of the chain. */
function votersOf(
  journal: Journal,
  context: WireContext,
  epoch: number,
  first: bigint,
  last: Commit,
): SignedHeader[] {
  const best = new Map<number, { header: SignedHeader; index: bigint }>();
  const from = last.leader.round + 1;
  const authors = new Set(last.vertices.map(({ author }) => author)).size + 1;
  const limit = VOTE_ROUNDS * Math.max(4, authors);
  for (const bytes of journal.verticesFrom(epoch, from, limit)) {
    const { ref, header, signature } = decode(bytes, context);
    const vote = header.commitVote;
    if (vote === null || vote.epoch !== epoch) continue;
    if (vote.index < first || vote.index > last.index) continue;
    const known = best.get(ref.author);
    if (known === undefined || vote.index > known.index) {
      best.set(ref.author, { header: { ref, header, signature }, index: vote.index });
    }
  }
  return [...best.values()].map(({ header }) => header);
}

function fitting(all: readonly Bytes[]): Bytes[] {
  let size = 0;
  return all.filter((bytes) => {
    size += bytes.length;
    return size <= ANSWER_BYTES;
  });
}

function decode(bytes: Bytes, { hash }: WireContext): Vertex {
  return decodeVertex(bytes, hash);
}
