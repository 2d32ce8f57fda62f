/**
 * Rule A4: what waits is bounded for each author, so a flood costs the one who sends it.
 */
import { ZERO_32 } from 'fanal/primitives/bytes.ts';
import { taggedHash } from 'fanal/primitives/hash.ts';
import { createCore } from 'fanal-node/core/core.ts';
import { EntryTable, genesisVertices } from 'fanal-node/core/entry.ts';
import {
  AHEAD_DEPTHS,
  MAX_HELD_PER_AUTHOR,
  MISSING_QUOTA_BASE,
  MISSING_QUOTA_PER_MEMBER,
  SUSPENDED_DEPTHS,
} from 'fanal-node/core/limits.ts';
import { DEFAULT_LOCAL_PARAMS } from 'fanal-node/core/params.ts';
import type { Core, Effect, Verified, Vertex, VertexRef } from 'fanal-node/core/types.ts';
import { describe, expect, it } from 'vitest';
import { DagBuilder, makeVertex, testRecord } from './dag-builder.ts';

const GC_DEPTH = 10;
const FLOODER = 3;
const HONEST = 1;

const base = testRecord(4);
const record = { ...base, params: { ...base.params, gcDepth: GC_DEPTH } };
const builder = new DagBuilder(4);
const WALL_MILLIS = 1_000_000;

/** A core that looks on, and the table of entries that it holds. */
function makeCore(): { core: Core; table: EntryTable; give: (...vertices: Vertex[]) => Effect[] } {
  let table: EntryTable | undefined;
  const core = createCore(
    DEFAULT_LOCAL_PARAMS,
    {
      hash: taggedHash,
      signVertex: () => new Uint8Array(64) as never,
      signCheckpoint: () => new Uint8Array(64) as never,
    },
    {
      makeTable(committee, epoch) {
        table = new EntryTable(committee, genesisVertices(taggedHash, epoch));
        return table;
      },
    },
  );
  core.step(0, {
    kind: 'boot',
    wallOffset: WALL_MILLIS,
    stored: {
      epoch: record,
      author: null,
      guard: null,
      checkpointGuard: { epoch: 0, size: 0n, root: ZERO_32 },
      commits: [],
      vertices: [],
      executed: { height: 0n, time: 0n, commitIndex: 0n, root: ZERO_32, next: null },
      certifiedSize: 1n,
      divergence: null,
    },
  });
  const give = (...vertices: Vertex[]): Effect[] =>
    vertices.flatMap((vertex) => {
      const { now } = core.step(1, {
        kind: 'vertices',
        epoch: 0,
        from: vertex.ref.author,
        via: 'push',
        requestId: null,
        vertices: [vertex as Verified<Vertex>],
      });
      return [...now];
    });
  return { core, table: table as unknown as EntryTable, give };
}

/** A vertex over ancestors that nobody has. */
function overGhosts(author: number, round: number, salt = 0, time = 1n): Vertex {
  const parents = [0, 1, 2, 3].map((ghost) => {
    const vertex = makeVertex(record, builder.committee, round - 1, ghost, [], { twin: salt + 1 });
    return builder.table.link(vertex);
  });
  return makeVertex(record, builder.committee, round, author, parents, { time, twin: salt });
}

describe('a flood by one validator', () => {
  it('of vertices over ancestors that do not exist fills its own places only', () => {
    const { core, give } = makeCore();
    const honest = overGhosts(HONEST, 2);
    give(honest);
    for (let round = 2; round <= AHEAD_DEPTHS * GC_DEPTH; round++) {
      for (let salt = 1; salt <= 40; salt++) give(overGhosts(FLOODER, round, salt));
    }
    const { suspended, missing } = core.status();
    expect(suspended).toBeLessThanOrEqual(1 + SUSPENDED_DEPTHS * GC_DEPTH);
    expect(missing).toBeLessThanOrEqual(4 + MISSING_QUOTA_BASE + 4 * MISSING_QUOTA_PER_MEMBER);
    // What the honest one sent still waits: the same again is a duplicate.
    expect(give(honest)).toContainEqual({ kind: 'mark', name: 'vertexDuplicate', count: 1 });
  });

  it('of rounds far ahead is not looked at', () => {
    const { core, give } = makeCore();
    for (let i = 1; i <= 500; i++) give(overGhosts(FLOODER, AHEAD_DEPTHS * GC_DEPTH + i));
    expect(core.status()).toMatchObject({ suspended: 0, missing: 0, held: 0 });
  });

  it('of vertices from the future is held to a few', () => {
    const { core, give } = makeCore();
    for (let round = 1; round <= AHEAD_DEPTHS * GC_DEPTH; round++) {
      give(overGhosts(FLOODER, round + 1, 0, BigInt(WALL_MILLIS + 60_000 + round)));
    }
    expect(core.status().held).toBe(MAX_HELD_PER_AUTHOR);
  });

  it('of second vertices in one slot leaves nothing behind', () => {
    const { core, table, give } = makeCore();
    const [first, ...others] = Array.from({ length: 200 }, (_, salt) =>
      overGhosts(FLOODER, 2, salt),
    ) as [Vertex, ...Vertex[]];
    give(first);
    const before = core.status();
    const effects = give(...others);
    expect(core.status()).toEqual(before);
    expect(effects.filter((effect) => effect.kind === 'mark')).toHaveLength(others.length);
    for (const { ref } of others) expect(table.find(ref)).toBeUndefined();
    expect(table.find(first.ref)).toBeDefined();
  });

  it('of requests for vertices that do not exist leaves nothing behind', () => {
    const { core, table } = makeCore();
    const refs: VertexRef[] = Array.from({ length: 32 }, (_, i) => ({
      round: 1_000_000 + i,
      author: 2,
      digest: taggedHash('fanal/vertex/v1', Uint8Array.of(i)),
    }));
    const result = core.step(2, {
      kind: 'request',
      epoch: 0,
      from: FLOODER,
      requestId: 1,
      request: { kind: 'vertices', epoch: 0, refs },
    });
    expect(result.afterSync).toMatchObject([{ kind: 'serve', requestId: 1 }]);
    for (const ref of refs) expect(table.find(ref)).toBeUndefined();
  });
});
