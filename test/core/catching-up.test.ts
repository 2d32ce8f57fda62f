/** Rules Y2 and Y3: what a validator asks for anew, and which commits it believes. */
import { ZERO_32 } from 'fanal/primitives/bytes.ts';
import { taggedHash } from 'fanal/primitives/hash.ts';
import { commitRef, sealCommit } from 'fanal-node/core/commit.ts';
import { CommitSyncer } from 'fanal-node/core/commit-syncer.ts';
import { createCommittee } from 'fanal-node/core/committee.ts';
import { MAX_SYNC_COMMITS } from 'fanal-node/core/limits.ts';
import { StepOutput } from 'fanal-node/core/output.ts';
import { DEFAULT_LOCAL_PARAMS } from 'fanal-node/core/params.ts';
import { Subscriptions } from 'fanal-node/core/subscriptions.ts';
import type { Commit, CommitRef, SignedHeader, Verified } from 'fanal-node/core/types.ts';
import { describe, expect, it } from 'vitest';
import { testRecord } from './dag-builder.ts';

const SELF = 0;
const PEERS = [0, 1, 2, 3];
const BATCH = DEFAULT_LOCAL_PARAMS.commitSyncBatch;

/** Commits without vertices, one on the other. */
function chainOf(length: number): Commit[] {
  const chain: Commit[] = [];
  for (let index = 1n; index <= length; index++) {
    const body = {
      ...{ epoch: 0, index, previousDigest: chain.at(-1)?.digest ?? ZERO_32, time: index },
      leader: { round: Number(index), author: 1, digest: ZERO_32 },
      vertices: [],
    };
    chain.push(sealCommit(taggedHash, body));
  }
  return chain;
}

const chain = chainOf(200);
const commit = (index: number): CommitRef => commitRef(chain[index - 1] as Commit);
const START: CommitRef = { epoch: 0, index: 0n, digest: ZERO_32 };

/** One that has no commit yet, and what it asks for at each look. */
function makeSyncer() {
  const output = new StepOutput();
  const record = testRecord(4);
  let id = 0;
  const committee = createCommittee(0, record.members);
  const syncer = new CommitSyncer(
    ...([committee, SELF, DEFAULT_LOCAL_PARAMS, output, taggedHash] as const),
    () => ++id,
  );
  const asked = (isLeftBehind = false, now = 0) => {
    syncer.plan(0n, isLeftBehind, now);
    return output.take().now.flatMap((effect) => (effect.kind === 'fetch' ? [effect] : []));
  };
  return { syncer, asked };
}

const vote = (author: number, ref: CommitRef) =>
  ({ ref: { author }, header: { commitVote: ref } }) as unknown as Verified<SignedHeader>;

describe('commits that a validator believes', () => {
  it('are those that one honest validator surely made: two of four have voted', () => {
    const { syncer, asked } = makeSyncer();
    syncer.noteVote(1, commit(100));
    expect(asked()).toEqual([]);
    syncer.noteVote(2, commit(90));
    expect(asked()).toMatchObject([{ request: { kind: 'commits', first: 1n, count: BATCH } }]);
    const answer = chain.slice(0, BATCH);
    const one = syncer.accept(1, START, answer, [], [vote(1, commit(BATCH))], 0);
    expect(one).toBeNull();
    expect(asked()).toHaveLength(1);
    const two = [vote(1, commit(BATCH)), vote(2, commit(BATCH - 3))];
    const proved = syncer.accept(2, START, answer, [], two, 0);
    expect(proved?.commits.at(-1)?.index).toBe(BigInt(BATCH - 3));
  });

  it('are asked for when a few are missing, and others are at rounds too far ahead', () => {
    const { syncer, asked } = makeSyncer();
    for (const author of [1, 2]) syncer.noteVote(author, commit(5));
    expect(asked(false)).toEqual([]);
    expect(asked(true)).toMatchObject([{ request: { kind: 'commits', first: 1n } }]);
  });

  it('may have votes only far on: more are asked for until they are among them', () => {
    const { syncer, asked } = makeSyncer();
    for (const author of [1, 2]) syncer.noteVote(author, commit(200));
    const counts: number[] = [];
    for (let id = 1; id <= 5; id++) {
      const [fetch] = asked();
      const count = fetch?.request.kind === 'commits' ? fetch.request.count : 0;
      counts.push(count);
      const voters = [1, 2].map((author) => vote(author, commit(60)));
      const proved = syncer.accept(id, START, chain.slice(0, count), [], voters, 0);
      if (proved === null) continue;
      expect(proved.commits).toHaveLength(60);
      break;
    }
    expect(counts).toEqual([BATCH, 2 * BATCH, 4 * BATCH]);
    expect(4 * BATCH).toBeLessThanOrEqual(MAX_SYNC_COMMITS);
  });
});

describe('whom a validator asks for vertices anew', () => {
  const far = (round: number) => round > 50;

  it('everybody else, while no round is completed between two looks', () => {
    const subscriptions = new Subscriptions(SELF);
    expect(subscriptions.due(7, PEERS, far)).toEqual([]);
    expect(subscriptions.due(7, PEERS, far)).toEqual([1, 2, 3]);
    expect(subscriptions.due(8, PEERS, far)).toEqual([]);
  });

  it('an author whose vertices came too early, once, when they no longer would', () => {
    const subscriptions = new Subscriptions(SELF);
    subscriptions.leftAhead(2, 60);
    subscriptions.leftAhead(2, 55);
    subscriptions.leftAhead(2, 70);
    expect(subscriptions.due(1, PEERS, far)).toEqual([]);
    expect([...subscriptions.ahead]).toEqual([2]);
    expect(subscriptions.due(2, PEERS, (round) => round > 55)).toEqual([2]);
    expect(subscriptions.due(3, PEERS, (round) => round > 55)).toEqual([]);
    expect([...subscriptions.ahead]).toEqual([]);
  });
});
