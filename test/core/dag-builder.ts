/**
 * DAGs by hand, for the commit rule: a committee of equal stakes, vertices by slot, leaders in turn.
 */

import { LOCAL_PARAMS } from 'fanal/chain/params-presets.ts';
import { type Bytes32, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { taggedHash } from 'fanal/primitives/hash.ts';
import { type Committee, createCommittee } from 'fanal-node/core/committee.ts';
import { MysticetiCommitter, type SlotStatus } from 'fanal-node/core/committer.ts';
import { Dag } from 'fanal-node/core/dag.ts';
import { type Entry, EntryTable, genesisVertices } from 'fanal-node/core/entry.ts';
import { LeaderVotes } from 'fanal-node/core/leader-votes.ts';
import { medianTimeOf } from 'fanal-node/core/median-time.ts';
import type { EpochRecord, Vertex, VertexHeader } from 'fanal-node/core/types.ts';
import { payloadDigest, VERTEX_VERSION, vertexDigest } from 'fanal-node/core/vertex.ts';

const key = (text: string): Bytes32 =>
  taggedHash('fanal/possession/v1', new TextEncoder().encode(text));

/** An epoch of `count` validators with one coin each, or with the stakes given. */
export function testRecord(count: number, stakes: readonly bigint[] = []): EpochRecord {
  return {
    epoch: 0,
    genesisId: key('genesis'),
    origin: 'example.org/testing/0000000000000000',
    startHeight: 0n,
    startBlockId: key('genesis'),
    startTime: 0n,
    members: Array.from({ length: count }, (_, i) => ({
      name: `val-${i}`,
      stake: stakes[i] ?? 1n,
      vertexKey: key(`vertex ${i}`),
      checkpointKey: key(`checkpoint ${i}`),
      networkKey: key(`network ${i}`),
    })),
    params: { ...LOCAL_PARAMS, gcDepth: 60, leadersPerRound: 1 },
  };
}

export class DagBuilder {
  readonly record: EpochRecord;
  readonly committee: Committee;
  readonly table: EntryTable;
  readonly dag: Dag;
  readonly votes: LeaderVotes;
  readonly committer: MysticetiCommitter;

  constructor(count = 4, stakes: readonly bigint[] = []) {
    this.record = testRecord(count, stakes);
    this.committee = createCommittee(0, this.record.members);
    this.table = new EntryTable(this.committee, genesisVertices(taggedHash, this.record));
    this.dag = new Dag(this.committee, this.table, 0);
    this.votes = new LeaderVotes(this.dag, (round) => [this.leaderOf(round)]);
    this.committer = new MysticetiCommitter(this.dag, this.votes);
  }

  /** Leaders take turns. */
  leaderOf(round: number): number {
    return round % this.committee.size;
  }

  /** Adds a vertex over `parents`. `twin` tells vertices of one slot apart. */
  add(round: number, author: number, parents: readonly Entry[], twin = 0): Entry {
    const vertex = makeVertex(this.record, this.committee, round, author, parents, { twin });
    const entry = this.table.link(vertex);
    this.dag.insert(entry, round);
    this.votes.onAccepted(entry);
    return entry;
  }

  /** One vertex of each of these authors over all of `parents`. */
  layer(
    round: number,
    parents: readonly Entry[],
    authors: readonly number[] = this.everyone(),
  ): Entry[] {
    return authors.map((author) => this.add(round, author, parents));
  }

  /** Whole layers from `from` to `to`. Returns the last one. */
  layers(from: number, to: number, parents: readonly Entry[] = this.table.genesis): Entry[] {
    let last = [...parents];
    for (let round = from; round <= to; round++) last = this.layer(round, last);
    return last;
  }

  everyone(): number[] {
    return this.committee.members.map((_, author) => author);
  }

  /** What is decided after a slot; from the beginning when none is given. */
  decide(afterRound = 0): SlotStatus[] {
    return this.committer.tryDecide({ round: afterRound, place: 0 });
  }
}

/** A vertex with a right median time. Its signature is not one. */
export function makeVertex(
  record: EpochRecord,
  committee: Committee,
  round: number,
  author: number,
  parents: readonly Entry[],
  { twin = 0, time = BigInt(round * 1000 + author) }: { twin?: number; time?: bigint } = {},
): Vertex {
  const own = parents.find((entry) => entry.author === author) ?? parents[0];
  const others = parents.filter((entry) => entry !== own).sort((a, b) => a.author - b.author);
  const header: VertexHeader = {
    version: VERTEX_VERSION,
    genesisId: record.genesisId,
    epoch: record.epoch,
    round,
    author,
    time: time + BigInt(twin),
    ancestors: [...(own === undefined ? [] : [own]), ...others].map(({ ref }) => ref),
    medianTime: medianTimeOf(
      committee,
      parents.filter((entry) => entry.round === round - 1),
    ),
    payloadDigest: payloadDigest(taggedHash, []),
    payloadBytes: 2,
    transactionCount: 0,
    commitVote: null,
    cosignature: null,
    misbehaviour: [],
  };
  const digest = vertexDigest(taggedHash, header);
  return {
    ref: { round, author, digest },
    header,
    payload: [],
    signature: new Uint8Array(64),
    transactionIds: [ZERO_32].slice(1),
  };
}
