/** Rule V4: vertices without what their receiver knows. */
import { taggedHash } from 'fanal/primitives/hash.ts';
import { createCommittee } from 'fanal-node/core/committee.ts';
import type { Entry } from 'fanal-node/core/entry.ts';
import { answerFetch } from 'fanal-node/core/fetch-answer.ts';
import { KnownSlots, SUSPECT_ROUNDS } from 'fanal-node/core/known-slots.ts';
import {
  MAX_FETCH_VERTICES,
  MAX_SLIM_PER_AUTHOR,
  MAX_SLOTS_ASKED_AT_ONCE,
  SLIM_KEEP_MILLIS,
  SLIM_WAIT_MILLIS,
} from 'fanal-node/core/limits.ts';
import { nameable, restoreSlim, type SlimVertex, slimOf } from 'fanal-node/core/slim.ts';
import { SlimInbox, withMissing } from 'fanal-node/core/slim-inbox.ts';
import type { Vertex } from 'fanal-node/core/types.ts';
import { encodeVertex } from 'fanal-node/core/vertex.ts';
import { decodeMessage, encodeMessage } from 'fanal-node/core/wire.ts';
import { describe, expect, it } from 'vitest';
import { DagBuilder, testRecord } from './dag-builder.ts';

const SIZE = 40;
const committee = createCommittee(0, testRecord(SIZE).members);
const context = { genesisId: testRecord(SIZE).genesisId, hash: taggedHash };

/** Forty validators over one whole round, and a vertex of the second by the first of them. */
function world() {
  const builder = new DagBuilder(SIZE);
  const first = builder.layers(1, 1);
  const vertex = builder.add(2, 0, first).vertex as Vertex;
  return { builder, first, vertex };
}

/** What somebody knows who has these. */
function knowing(entries: readonly { readonly ref: Vertex['ref'] }[]): KnownSlots {
  const slots = new KnownSlots(committee);
  for (const { ref } of entries) slots.note(ref);
  return slots;
}

const slotOf = ({ round, author }: Entry) => ({ round, author });

function slim(vertex: Vertex, slots: KnownSlots): SlimVertex {
  const named = nameable(vertex, slots, 512);
  if (named === null) throw new Error('nothing to leave out');
  return slimOf(vertex, named);
}

describe('a slim vertex', () => {
  it('is a fifth as long, and becomes the same bytes again', () => {
    const { first, vertex } = world();
    const slots = knowing(first);
    const message = { kind: 'slimVertex', epoch: 0, slim: slim(vertex, slots) } as const;
    const bytes = encodeMessage(context, message);
    expect(bytes.length).toBeLessThan(encodeVertex(vertex).length / 4);
    const read = decodeMessage(context, bytes);
    if (read.kind !== 'slimVertex') throw new Error(read.kind);
    const restored = restoreSlim(read.slim, slots, taggedHash);
    expect(encodeVertex(restored as Vertex)).toEqual(encodeVertex(vertex));
    expect(restored?.ref).toEqual(vertex.ref);
  });

  it('leaves out nothing where that saves too little', () => {
    const small = new DagBuilder(4);
    const first = small.layers(1, 1);
    const vertex = small.add(2, 0, first).vertex as Vertex;
    const slots = new KnownSlots(small.committee);
    for (const { ref } of first) slots.note(ref);
    expect(nameable(vertex, slots, 512)).toBeNull();
    expect(nameable(vertex, slots, 0)).not.toBeNull();
  });

  it('names in full what its author has seen twice, and what is older', () => {
    const { builder, first } = world();
    const old = builder.add(2, 7, first);
    const second = builder.layer(
      2,
      first,
      [...Array(SIZE).keys()].filter((a) => a !== 7 && a !== 5),
    );
    const twins = [0, 1].map((twin) => builder.add(2, 5, first, twin + 1));
    const parents = [...second, twins[0] as typeof old, first[7] as typeof old];
    const vertex = builder.add(3, 0, parents).vertex as Vertex;
    const { header } = slim(vertex, knowing([...first, ...second, old, ...twins]));
    expect(header.ancestors.map(({ round, author }) => `${round}/${author}`)).toEqual([
      '2/0',
      '2/5',
      '1/7',
    ]);
  });

  it('names in full whoever has shown two, for some rounds', () => {
    const slots = new KnownSlots(committee);
    const [one, two] = [1, 2].map((byte) => new Uint8Array(32).fill(byte));
    const show = (digest: Uint8Array | undefined) =>
      slots.note({ round: 7, author: 3, digest: digest as Vertex['ref']['digest'] });
    show(one);
    expect(slots.isSuspect({ round: 7, author: 3 })).toBe(false);
    show(two);
    expect(slots.isSuspect({ round: 7 + SUSPECT_ROUNDS, author: 3 })).toBe(true);
    expect(slots.isSuspect({ round: 8 + SUSPECT_ROUNDS, author: 3 })).toBe(false);
    const { first, vertex } = world();
    for (const { ref } of first) slots.note(ref);
    expect(slim(vertex, slots).header.ancestors.map(({ author }) => author)).toEqual([0, 3]);
  });

  it('is not restored by who knows too little, or another vertex of a slot', () => {
    const { builder, first, vertex } = world();
    const small = slim(vertex, knowing(first));
    const missing = first.filter(({ author }) => author !== 9);
    expect(restoreSlim(small, knowing(missing), taggedHash)).toBeNull();
    const twin = builder.add(1, 9, builder.table.genesis, 1);
    expect(restoreSlim(small, knowing([...missing, twin]), taggedHash)).toBeNull();
    expect(restoreSlim(small, knowing([...first, twin]), taggedHash)).toBeNull();
  });
});

describe('slim vertices on their way in', () => {
  it('wait for what they name, and no longer', () => {
    const { first, vertex } = world();
    const small = slim(vertex, knowing(first));
    const slots = knowing(first.slice(0, SIZE - 2));
    const inbox = new SlimInbox<SlimVertex>(slots);
    expect(inbox.offer(small, 0)).toBe('waits');
    const [other, last] = first.slice(SIZE - 2) as [Entry, Entry];
    expect(inbox.shown(last.ref)).toEqual([]);
    expect(inbox.shown(other.ref)).toEqual([small]);
    expect(inbox.count).toBe(0);
    expect(inbox.offer(small, 0)).toBe('known');
  });

  it('are asked for in full after some time, once, and given up in the end', () => {
    const { first, vertex } = world();
    const small = slim(vertex, knowing(first));
    const inbox = new SlimInbox<SlimVertex>(knowing([]));
    expect(inbox.offer(small, 100)).toBe('waits');
    expect(inbox.offer(small, 101)).toBe('waits');
    expect(inbox.overdue(100 + SLIM_WAIT_MILLIS - 1)).toEqual([]);
    const missing = first.slice(1, 1 + MAX_SLOTS_ASKED_AT_ONCE).map(slotOf);
    expect(inbox.overdue(100 + SLIM_WAIT_MILLIS)).toEqual([{ slim: small, missing }]);
    expect(inbox.overdue(100 + SLIM_WAIT_MILLIS + 1)).toEqual([]);
    expect(inbox.count).toBe(1);
    expect(inbox.overdue(100 + SLIM_KEEP_MILLIS)).toEqual([]);
    expect(inbox.count).toBe(0);
    for (const { ref } of first) expect(inbox.shown(ref)).toEqual([]);
  });

  it('are asked for two at a time for what all of them miss, then more', () => {
    const { builder, first } = world();
    const known = knowing(first);
    const all = builder
      .layer(2, first)
      .map(({ vertex }) => slim(vertex as Vertex, known))
      .slice(1);
    const inbox = new SlimInbox<SlimVertex>(knowing(first.slice(1)));
    for (const each of all) inbox.offer(each, 0);
    const count = (now: number) => inbox.overdue(now).length;
    expect(count(SLIM_WAIT_MILLIS)).toBe(2);
    expect(count(2 * SLIM_WAIT_MILLIS)).toBe(0);
    expect(count(3 * SLIM_WAIT_MILLIS)).toBe(4);
    expect(count(5 * SLIM_WAIT_MILLIS)).toBe(8);
  });

  it('wait no more for an author whose vertex came long after others told of it', () => {
    const { builder, first, vertex } = world();
    const [late] = first.slice(9) as [Entry];
    const slots = knowing(first.filter((entry) => entry !== late));
    const inbox = new SlimInbox<SlimVertex>(slots);
    const known = knowing(first);
    expect(inbox.offer(slim(vertex, known), 0)).toBe('waits');
    expect(inbox.overdue(SLIM_WAIT_MILLIS)).toHaveLength(1);
    expect(inbox.told(late.ref)).toHaveLength(1);
    expect(inbox.shown(late.ref)).toEqual([]);
    expect(slots.isSuspect({ round: 2, author: 9 })).toBe(true);
    const second = builder.layer(2, first, [...Array(SIZE).keys()].slice(1));
    const parents = [builder.table.intern(vertex.ref), ...second];
    const third = builder.add(3, 0, parents).vertex as Vertex;
    for (const entry of parents) if (entry.author !== 9) inbox.shown(entry.ref);
    expect(inbox.offer(slim(third, knowing(parents)), 200)).toBe('due');
  });

  it('tell nothing of an author whose vertex came late and is not what was told', () => {
    const { builder, first, vertex } = world();
    const [late] = first.slice(9) as [Entry];
    const slots = knowing(first.filter((entry) => entry !== late));
    const inbox = new SlimInbox<SlimVertex>(slots);
    inbox.offer(slim(vertex, knowing(first)), 0);
    inbox.overdue(SLIM_WAIT_MILLIS);
    inbox.told(builder.add(1, 9, builder.table.genesis, 1).ref);
    inbox.shown(late.ref);
    expect(slots.isSuspect({ round: 2, author: 9 })).toBe(false);
  });

  it('are not asked for while what they name waits itself', () => {
    const { builder, first, vertex } = world();
    const second = builder.layer(2, first, [...Array(SIZE).keys()].slice(1));
    const entry = builder.table.intern(vertex.ref);
    const third = builder.add(3, 1, [...second, entry]).vertex as Vertex;
    const slots = knowing([...first.slice(1), ...second]);
    const inbox = new SlimInbox<SlimVertex>(slots);
    const below = slim(vertex, knowing(first));
    const above = slim(third, knowing([...first, ...second, entry]));
    expect(below.ref.author).toBe(0);
    expect(inbox.offer(above, 0)).toBe('waits');
    const twin = slim(vertex, knowing(first.filter(({ author }) => author !== 0)));
    expect(inbox.offer({ ...twin, named: below.named }, 0)).toBe('known');
    const blind = new SlimInbox<SlimVertex>(knowing([...first.slice(2), ...second]));
    expect([blind.offer(below, 0), blind.offer(above, 0)]).toEqual(['waits', 'waits']);
    expect(blind.overdue(SLIM_WAIT_MILLIS).map(({ slim }) => slim)).toEqual([below]);
  });

  it('are few of each author, and one of a slot: others are asked for whole', () => {
    const builder = new DagBuilder(SIZE);
    const inbox = new SlimInbox<SlimVertex>(knowing([]));
    let last = builder.layers(1, 1);
    const outcomes: string[] = [];
    for (let round = 2; round <= MAX_SLIM_PER_AUTHOR + 2; round++) {
      const known = knowing(last);
      last = builder.layer(round, last);
      outcomes.push(inbox.offer(slim((last[0] as Entry).vertex as Vertex, known), 0));
    }
    expect(outcomes.slice(-2)).toEqual(['waits', 'full']);
    expect(inbox.count).toBe(MAX_SLIM_PER_AUTHOR);
    const { first, vertex, builder: other } = world();
    const twin = other.add(2, 0, first, 1).vertex as Vertex;
    const fresh = new SlimInbox<SlimVertex>(knowing([]));
    expect(fresh.offer(slim(vertex, knowing(first)), 0)).toBe('waits');
    expect(fresh.offer(slim(twin, knowing(first)), 0)).toBe('full');
  });
});

describe('who is asked for the full form of a vertex', () => {
  it('gives what it has of the slots that the other one misses, and of unknown ones nothing', () => {
    const { builder, first, vertex } = world();
    const missing = [first[4] as Entry, first[9] as Entry].map(slotOf);
    const refs = withMissing(vertex.ref, [...missing, { round: 2, author: 30 }]);
    const twin = builder.add(1, 9, builder.table.genesis, 1);
    const answer = answerFetch(builder.dag, 1, refs);
    expect(answer?.map(({ ref }) => ref)).toEqual([
      first[4]?.ref,
      first[9]?.ref,
      twin.ref,
      vertex.ref,
      // Its author's earlier one comes along, as with every answer.
      first[0]?.ref,
    ]);
  });

  it('gives no more than an answer may hold', () => {
    const { builder, first, vertex } = world();
    const refs = withMissing(vertex.ref, first.map(slotOf));
    expect(answerFetch(builder.dag, 1, refs)).toHaveLength(MAX_FETCH_VERTICES);
  });
});

describe('what is known of a slot', () => {
  it('is of the latest rounds of its author, whoever else runs ahead', () => {
    const slots = new KnownSlots(committee);
    const digest = new Uint8Array(32) as Vertex['ref']['digest'];
    slots.note({ round: 5, author: 1, digest });
    slots.note({ round: 1_000_000, author: 2, digest });
    expect(slots.digestOf(5, 1)).toBe(digest);
    slots.note({ round: 21, author: 1, digest });
    expect(slots.has(5, 1)).toBe(false);
    slots.note({ round: 5, author: 1, digest });
    expect(slots.has(5, 1)).toBe(false);
  });

  it('may be hearsay, until its author shows it; that marks nobody as one who shows two', () => {
    const slots = new KnownSlots(committee);
    const [right, wrong] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [
      Vertex['ref']['digest'],
      Vertex['ref']['digest'],
    ];
    expect(slots.hear({ round: 5, author: 1, digest: wrong })).toBe(true);
    expect(slots.hear({ round: 5, author: 1, digest: right })).toBe(false);
    expect(slots.digestOf(5, 1)).toBe(wrong);
    slots.note({ round: 5, author: 1, digest: right });
    expect(slots.digestOf(5, 1)).toBe(right);
    expect(slots.hear({ round: 5, author: 1, digest: wrong })).toBe(false);
    expect(slots.digestOf(5, 1)).toBe(right);
  });
});
