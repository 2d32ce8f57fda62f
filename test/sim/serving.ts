/**
 * Answers of a validator from its journal: what the core has forgotten, and epochs that are over.
 */
import { MAX_SYNC_COMMITS } from 'fanal-node/core/limits.ts';
import type { Commit, PeerRequest, PeerResponse, Vertex } from 'fanal-node/core/types.ts';
import type { SimDisk } from './disk.ts';

const MAX_VERTICES = 32;

export function answerFromDisk(disk: SimDisk, request: PeerRequest): PeerResponse {
  const { epoch } = request;
  switch (request.kind) {
    case 'vertices': {
      const vertices = request.refs
        .slice(0, MAX_VERTICES)
        .map((ref) => disk.vertex(epoch, ref))
        .filter((vertex) => vertex !== undefined);
      return { kind: 'vertices', epoch, vertices };
    }
    case 'commits': {
      const all = disk.commits(epoch);
      const from = Number(request.first) - 1;
      const commits = all.slice(from, from + Math.min(request.count, MAX_SYNC_COMMITS));
      const vertices = commits
        .flatMap((commit) => commit.vertices)
        .map((ref) => disk.vertex(epoch, ref))
        .filter((vertex) => vertex !== undefined);
      return { kind: 'commits', epoch, commits, vertices, voters: votersOf(disk, epoch, commits) };
    }
    case 'checkpoint': {
      const checkpoint = disk.certified(request.size) ?? disk.newestCertified();
      const fits = checkpoint !== undefined && checkpoint.size >= request.size;
      return { kind: 'checkpoint', epoch, checkpoint: fits ? checkpoint : null };
    }
  }
}

/** Of every author the vertex with the newest vote for one of these commits. */
function votersOf(disk: SimDisk, epoch: number, commits: readonly Commit[]): Vertex[] {
  const last = commits.at(-1)?.index ?? 0n;
  const first = commits[0]?.index ?? 0n;
  const newest = new Map<number, Vertex>();
  for (const vertex of disk.vertices(epoch)) {
    const vote = vertex.header.commitVote;
    if (vote === null || vote.epoch !== epoch || vote.index < first || vote.index > last) continue;
    const known = newest.get(vertex.ref.author)?.header.commitVote?.index ?? 0n;
    if (vote.index > known) newest.set(vertex.ref.author, vertex);
  }
  return [...newest.values()];
}
