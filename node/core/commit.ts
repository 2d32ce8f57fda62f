/**
 * Commits in canonical bytes, their digests, and the hash of the consensus snapshot
 * (docs/consensus.md §6).
 */
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { type Codec, codec, Writer } from 'fanal/primitives/codec.ts';
import { MAX_COMMITTEE } from './committee.ts';
import { MAX_COMMIT_VERTICES } from './limits.ts';
import type { Commit, CommitRef, ScheduleState } from './types.ts';
import { readVertexRef, type TaggedHash, VERTEX_REF_BYTES, writeVertexRef } from './vertex.ts';

/** A commit without the digest that follows from it. */
export type CommitBody = Omit<Commit, 'digest'>;

const MAX_COMMIT_BYTES = 128 + VERTEX_REF_BYTES * MAX_COMMIT_VERTICES;

const commitBodyCodec: Codec<CommitBody> = codec(
  'commit',
  MAX_COMMIT_BYTES,
  (writer, commit) => {
    writer.u32(commit.epoch).u64(commit.index).bytes(commit.previousDigest, 32);
    writeVertexRef(writer, commit.leader);
    writer.u64(commit.time).list(commit.vertices, MAX_COMMIT_VERTICES, writeVertexRef);
  },
  (reader) => ({
    epoch: reader.u32(),
    index: reader.u64(),
    previousDigest: reader.bytes32(),
    leader: readVertexRef(reader),
    time: reader.u64(),
    vertices: reader.list(MAX_COMMIT_VERTICES, VERTEX_REF_BYTES, readVertexRef),
  }),
);

/** Completes a commit with H(commit, its canonical bytes). */
export function sealCommit(hash: TaggedHash, body: CommitBody): Commit {
  return { ...body, digest: hash('fanal/commit/v1', commitBodyCodec.encode(body)) };
}

export function encodeCommit(commit: Commit): Bytes {
  return commitBodyCodec.encode(commit);
}

/** @throws {DecodeError} unless the bytes are exactly one canonical commit */
export function decodeCommit(bytes: Bytes, hash: TaggedHash): Commit {
  return { ...commitBodyCodec.decode(bytes), digest: hash('fanal/commit/v1', bytes) };
}

/** Names a commit. */
export function commitRef(commit: Commit): CommitRef {
  return { epoch: commit.epoch, index: commit.index, digest: commit.digest };
}

export const scheduleCodec: Codec<ScheduleState> = codec(
  'leader schedule',
  64 + 4 * 3 * MAX_COMMITTEE,
  (writer, schedule) => {
    writer
      .list(schedule.bad, MAX_COMMITTEE, (w, author) => w.u16(author))
      .list(schedule.good, MAX_COMMITTEE, (w, author) => w.u16(author))
      .list(schedule.scores, MAX_COMMITTEE, (w, score) => w.u32(score))
      .u32(schedule.commits)
      .list(schedule.caught, MAX_COMMITTEE, (w, author) => w.u16(author));
  },
  (reader) => ({
    bad: reader.list(MAX_COMMITTEE, 2, (r) => r.u16()),
    good: reader.list(MAX_COMMITTEE, 2, (r) => r.u16()),
    scores: reader.list(MAX_COMMITTEE, 4, (r) => r.u32()),
    commits: reader.u32(),
    caught: reader.list(MAX_COMMITTEE, 2, (r) => r.u16()),
  }),
);

/**
 * The hash that every header carries: all that a node needs, besides the vertices, to go on
 * ordering after this commit.
 *
 * The commit's digest chains over the committed vertices, so a node can fetch the recent commits
 * from anyone and check them against it.
 */
export function snapshotHash(
  hash: TaggedHash,
  commit: Pick<Commit, 'epoch' | 'index' | 'digest' | 'leader' | 'time'>,
  schedule: ScheduleState,
): Bytes32 {
  const writer = new Writer();
  writer.u32(commit.epoch).u64(commit.index).bytes(commit.digest, 32);
  writeVertexRef(writer, commit.leader);
  writer.u64(commit.time);
  scheduleCodec.write(writer, schedule);
  return hash('fanal/consensus-snapshot/v1', writer.finish());
}
