/**
 * Random DAGs, and cores that watch them in random orders (invariant S15).
 */
import { type Bytes32, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { taggedHash } from 'fanal/primitives/hash.ts';
import { createCommittee } from 'fanal-node/core/committee.ts';
import { createCore } from 'fanal-node/core/core.ts';
import { type Entry, EntryTable, genesisVertices } from 'fanal-node/core/entry.ts';
import { DEFAULT_LOCAL_PARAMS } from 'fanal-node/core/params.ts';
import type {
  Commit,
  Effect,
  EpochRecord,
  Event,
  StepResult,
  Vertex,
  VertexRef,
} from 'fanal-node/core/types.ts';
import { asVerified } from 'fanal-node/core/verify.ts';
import { makeVertex, testRecord } from './dag-builder.ts';

/** A small generator with a seed: splitmix32. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}

export interface RandomDagOptions {
  readonly validators: number;
  readonly rounds: number;
  readonly equivocators: number;
  /** Chance that a vertex names an author of the round before that it need not name. */
  readonly density: number;
  readonly seed: number;
}

export interface RandomDag {
  readonly record: EpochRecord;
  /** In an order in which all ancestors come first. */
  readonly vertices: readonly Vertex[];
}

/** A DAG in which every vertex names a quorum, and some authors sign two or three vertices a slot. */
export function randomDag(options: RandomDagOptions): RandomDag {
  const { validators, rounds, equivocators, density, seed } = options;
  const next = random(seed);
  const record = {
    ...testRecord(validators),
    params: { ...testRecord(validators).params, gcDepth: 12, scheduleInterval: 20 },
  };
  const committee = createCommittee(0, record.members);
  const table = new EntryTable(committee, genesisVertices(taggedHash, record));
  const vertices: Vertex[] = [];
  let before: Entry[][] = table.genesis.map((entry) => [entry]);
  for (let round = 1; round <= rounds; round++) {
    const layer: Entry[][] = [];
    for (let author = 0; author < validators; author++) {
      const twins = author < equivocators ? 1 + Math.floor(next() * 3) : 1;
      layer.push([]);
      for (let twin = 0; twin < twins; twin++) {
        const parents = chooseParents(before, author, committee.quorum, density, next);
        const vertex = makeVertex(record, committee, round, author, parents, {
          twin,
          time: BigInt(round * 50 + Math.floor(next() * 40)),
        });
        layer[author]?.push(table.link(vertex));
        vertices.push(vertex);
      }
    }
    before = layer;
  }
  return { record, vertices };
}

function chooseParents(
  before: readonly (readonly Entry[])[],
  author: number,
  quorum: number,
  density: number,
  next: () => number,
): Entry[] {
  const others = before.map((_, index) => index).filter((index) => index !== author);
  for (let i = others.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [others[i], others[j]] = [others[j] as number, others[i] as number];
  }
  const chosen = others.filter((_, place) => place < quorum - 1 || next() < density);
  return [author, ...chosen].map((index) => {
    const slot = before[index] as readonly Entry[];
    return slot[Math.floor(next() * slot.length)] as Entry;
  });
}

/** Shuffles so that nothing moves much farther than `window` places. */
export function shuffle(vertices: readonly Vertex[], window: number, seed: number): Vertex[] {
  const next = random(seed);
  return vertices
    .map((vertex, place) => ({ vertex, key: place + next() * window }))
    .sort((a, b) => a.key - b.key)
    .map(({ vertex }) => vertex);
}

/**
 * The commits that a core outside the set makes of vertices in this order. What it asks for, it is
 * given at once.
 */
export function commitsOf({ record }: RandomDag, order: readonly Vertex[]): Commit[] {
  const commits: Commit[] = [];
  const byDigest = new Map(order.map((vertex) => [nameOf(vertex.ref), vertex]));
  const core = createCore(DEFAULT_LOCAL_PARAMS, {
    hash: taggedHash,
    signVertex: () => new Uint8Array(64),
    signCheckpoint: () => new Uint8Array(64),
  });
  const events: Event[] = [bootEvent(record)];
  let now = 0;
  let syncAt: { readonly at: number; readonly generation: number } | null = null;
  const take = (effect: Effect) => {
    if (effect.kind === 'timer' && effect.id === 'sync') {
      syncAt = { at: effect.at, generation: effect.generation };
    }
    if (effect.kind === 'cancel' && effect.id === 'sync') syncAt = null;
    if (effect.kind === 'halt') throw new Error(effect.info);
    if (effect.kind !== 'fetch' || effect.request.kind !== 'vertices') return;
    const found = effect.request.refs.map((ref) => byDigest.get(nameOf(ref)) as Vertex);
    events.push({
      kind: 'vertices',
      epoch: 0,
      from: effect.to,
      via: 'fetch',
      requestId: effect.requestId,
      vertices: found.map(asVerified),
    });
  };
  const drain = () => {
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      const result: StepResult = core.step(now, event);
      for (const write of result.writes) if (write.kind === 'commit') commits.push(write.commit);
      for (const effect of [...result.now, ...result.afterSync]) take(effect);
      const due: { at: number; generation: number } | null = syncAt;
      if (events.length === 0 && due !== null && due.at <= now) {
        syncAt = null;
        events.push({ kind: 'timer', id: 'sync', generation: due.generation });
      }
    }
  };
  drain();
  for (const vertex of order) {
    now += 5;
    events.push({
      kind: 'vertices',
      epoch: 0,
      from: vertex.ref.author,
      via: 'push',
      requestId: null,
      vertices: [asVerified(vertex)],
    });
    drain();
  }
  for (let i = 0; i < 100; i++) {
    now += 500;
    const due = syncAt as { at: number; generation: number } | null;
    if (due === null) break;
    events.push({ kind: 'timer', id: 'sync', generation: due.generation });
    drain();
  }
  return commits;
}

const nameOf = ({ digest }: VertexRef): string => Buffer.from(digest).toString('latin1');

function bootEvent(record: EpochRecord): Event {
  return {
    kind: 'boot',
    // Far enough ahead that no vertex is from the future.
    wallOffset: 1e12,
    stored: {
      epoch: { ...record, params: { ...record.params, epochDurationMillis: 10n ** 9n } },
      author: null,
      guard: { epoch: 0, round: 0, digest: ZERO_32 },
      checkpointGuard: { epoch: 0, size: 0n, root: ZERO_32 },
      commits: [],
      vertices: [],
      executed: {
        height: 0n,
        time: 0n,
        commitIndex: 0n,
        root: ZERO_32 as Bytes32,
        next: null,
      },
      certifiedSize: 1n,
      divergence: null,
    },
  };
}
