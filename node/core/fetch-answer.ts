/**
 * Answers a fetch of vertices: what was asked for, and below it the author's earlier vertices that
 * the asker seems to lack (docs/consensus.md §8).
 *
 * An author that hides its vertices from some leaves them a whole chain to fetch. Asked for one by
 * one it would take them a round trip for every link.
 */
import { type Bytes32, equalBytes, ZERO_32 } from 'fanal/primitives/bytes.ts';
import type { Dag } from './dag.ts';
import type { Entry } from './entry.ts';
import { MAX_FETCH_VERTICES, MAX_PUSH_BYTES } from './limits.ts';
import type { Vertex, VertexRef } from './types.ts';
import { vertexSize } from './vertex.ts';

/** In place of a digest: whichever vertex of the slot the one who is asked has (rule V4). */
export const ANY_VERTEX: Bytes32 = ZERO_32;

/** The answer to a peer, newest first of each author; null when something asked for is not here. */
export function answerFetch(
  dag: Dag,
  asker: number | null,
  refs: readonly VertexRef[],
): Vertex[] | null {
  const asked: Entry[] = [];
  for (const ref of refs) {
    if (equalBytes(ref.digest, ANY_VERTEX)) {
      asked.push(...dag.verticesOf(ref.round, ref.author).filter(({ vertex }) => vertex !== null));
      continue;
    }
    // What a peer asks for leaves no trace here.
    const entry = ref.round > dag.gcRound ? dag.table.find(ref) : undefined;
    if (entry === undefined || !dag.isAccepted(entry) || entry.vertex === null) return null;
    asked.push(entry);
  }
  const answer = new Set(asked.map(({ vertex }) => vertex as Vertex));
  let bytes = 0;
  for (const entry of asked) {
    const floor = Math.max(dag.gcRound, asker === null ? 0 : newestNamed(dag, asker, entry.author));
    for (let below = previous(dag, entry); below !== undefined; below = previous(dag, below)) {
      const { vertex } = below;
      if (below.round <= floor || vertex === null || answer.has(vertex)) break;
      bytes += vertexSize(vertex);
      if (answer.size >= MAX_FETCH_VERTICES || bytes > MAX_PUSH_BYTES) break;
      answer.add(vertex);
    }
  }
  return [...answer].slice(0, MAX_FETCH_VERTICES);
}

/** The author's vertex before this one, if it is accepted here. */
function previous(dag: Dag, { vertex }: Entry): Entry | undefined {
  const ref = vertex?.header.ancestors[0];
  if (ref === undefined || ref.round <= dag.gcRound) return undefined;
  const entry = dag.table.find(ref);
  return entry !== undefined && dag.isAccepted(entry) ? entry : undefined;
}

/** The newest round of an author that a peer's vertices name, so that it surely has it. */
function newestNamed(dag: Dag, peer: number, author: number): number {
  const newest = dag.newestRounds[peer] as number;
  for (let round = newest; round > dag.gcRound; round--) {
    const vertex = dag.round(round)?.first[peer]?.vertex;
    const named = vertex?.header.ancestors.find((ref) => ref.author === author);
    if (named !== undefined) return named.round;
  }
  return 0;
}
