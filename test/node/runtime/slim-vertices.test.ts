import { taggedHash } from 'fanal/primitives/hash.ts';
import { createCommittee } from 'fanal-node/core/committee.ts';
import { MAX_SLOTS_ASKED_AT_ONCE } from 'fanal-node/core/limits.ts';
import { withMissing } from 'fanal-node/core/slim-inbox.ts';
import type { PeerMessage, Vertex } from 'fanal-node/core/types.ts';
import { encodeVertex } from 'fanal-node/core/vertex.ts';
import { SlimVertices } from 'fanal-node/runtime/slim-vertices.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DagBuilder, testRecord } from '../../core/dag-builder.ts';

const SIZE = 20;
const PEER = 'its author' as never;
const committee = createCommittee(0, testRecord(SIZE).members);
const OPTIONS = { hash: taggedHash, leastBytes: 512, askFull() {}, onRestored() {} };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A vertex over a whole round, its author, and one who receives it. */
function meeting() {
  const builder = new DagBuilder(SIZE);
  const entries = builder.layers(1, 1);
  const first = entries.map(({ vertex }) => vertex as Vertex);
  const vertex = builder.add(2, 0, entries).vertex as Vertex;
  const asked: unknown[] = [];
  const restored: Vertex[] = [];
  const options = {
    hash: taggedHash,
    leastBytes: 512,
    askFull: (_peer: unknown, refs: unknown) => asked.push(refs),
    onRestored: (_peer: unknown, whole: Vertex) => restored.push(whole),
  };
  const author = new SlimVertices(committee, options);
  for (const each of first) author.note(each);
  const message = author.toAll({ kind: 'vertices', epoch: 0, vertices: [vertex] });
  if (message.kind !== 'slimVertex') throw new Error(`sent ${message.kind}`);
  const receiver = new SlimVertices(committee, options);
  return { first, vertex, slim: message.slim, receiver, asked, restored };
}

describe('a slim vertex between two validators', () => {
  test('is whole at once for whoever knows what it names', () => {
    const { first, vertex, slim, receiver, asked } = meeting();
    for (const each of first) receiver.note(each);
    const whole = receiver.take(PEER, slim);
    expect(encodeVertex(whole as Vertex)).toEqual(encodeVertex(vertex));
    expect(asked).toEqual([]);
  });

  test('is whole when the last vertex that it names has come', () => {
    const { first, vertex, slim, receiver, asked, restored } = meeting();
    expect(receiver.take(PEER, slim)).toBeNull();
    for (const each of first.slice(1)) receiver.note(each);
    expect(restored.map(({ ref }) => ref)).toEqual([vertex.ref]);
    vi.advanceTimersByTime(1_000);
    expect(asked).toEqual([]);
  });

  test('is asked for in full, once, when that takes too long', () => {
    const { first, vertex, slim, receiver, asked, restored } = meeting();
    const missing = first.slice(1, 1 + MAX_SLOTS_ASKED_AT_ONCE).map(({ ref }) => ref);
    expect(receiver.take(PEER, slim)).toBeNull();
    vi.advanceTimersByTime(1_000);
    expect(asked).toEqual([withMissing(vertex.ref, missing)]);
    expect(restored).toEqual([]);
  });

  test('is asked for in full when it means another vertex of a slot', () => {
    const { first, slim, receiver, asked } = meeting();
    const builder = new DagBuilder(SIZE);
    const twin = builder.add(1, 3, builder.table.genesis, 1);
    for (const each of first) {
      receiver.note(each.ref.author === 3 ? (twin.vertex as Vertex) : each);
    }
    expect(receiver.take(PEER, slim)).toBeNull();
    expect(asked).toEqual([[slim.ref]]);
  });
});

describe('a slim vertex that cannot be restored', () => {
  test('is named by its digest all the same, for those that others build on it', () => {
    const { first, slim, receiver, asked, restored } = meeting();
    for (const each of first) receiver.note(each);
    const builder = new DagBuilder(SIZE);
    const second = builder.layer(2, builder.layers(1, 1));
    const above = builder.add(3, 1, second).vertex as Vertex;
    const author = new SlimVertices(committee, OPTIONS);
    for (const { vertex } of second) author.note(vertex as Vertex);
    const message = author.toAll({ kind: 'vertices', epoch: 0, vertices: [above] });
    if (message.kind !== 'slimVertex') throw new Error(`sent ${message.kind}`);
    for (const { vertex } of second.slice(1)) receiver.note(vertex as Vertex);
    expect(receiver.take(PEER, message.slim)).toBeNull();
    const named = slim.named.map((word, i) => (i === 0 ? word & ~4 : word));
    expect(receiver.take(PEER, { ...slim, named })).toBeNull();
    expect(asked).toEqual([[slim.ref]]);
    expect(restored.map(({ ref }) => ref)).toEqual([above.ref]);
  });
});

describe('a vertex that was lost on its way', () => {
  test('is known by what another one names: only the first that builds on it is asked for in full', () => {
    const { first, vertex, slim, receiver, asked, restored } = meeting();
    for (const each of first.slice(2)) receiver.note(each);
    const builder = new DagBuilder(SIZE);
    const other = builder.add(2, 5, builder.layers(1, 1)).vertex as Vertex;
    expect(receiver.take(PEER, slim)).toBeNull();
    receiver.note(other);
    expect(restored.map(({ ref }) => ref)).toEqual([vertex.ref]);
    vi.advanceTimersByTime(5_000);
    expect(asked).toEqual([]);
  });
});

describe('what goes out whole', () => {
  test('is all but a single vertex', () => {
    const { vertex, receiver } = meeting();
    const messages: PeerMessage[] = [
      { kind: 'vertices', epoch: 0, vertices: [vertex, vertex] },
      { kind: 'askOwn', epoch: 0 },
    ];
    for (const message of messages) expect(receiver.toAll(message)).toBe(message);
  });

  test('is a vertex of a committee so small that little would be saved', () => {
    const builder = new DagBuilder(4);
    const vertex = builder.add(2, 0, builder.layers(1, 1)).vertex as Vertex;
    const message: PeerMessage = { kind: 'vertices', epoch: 0, vertices: [vertex] };
    expect(new SlimVertices(builder.committee, OPTIONS).toAll(message)).toBe(message);
  });
});
