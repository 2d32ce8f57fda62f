/**
 * The median time of a vertex: the least time that half the stake of its ancestors in the round
 * before has reached (rule C2).
 *
 * Less than a third of the stake is faulty and a vertex names at least two thirds, so the median
 * lies between two honest clocks.
 */
import { assert } from 'fanal/primitives/assert.ts';
import { type AuthorSet, authorsOf } from './author-set.ts';
import type { Committee } from './committee.ts';
import type { Entry, EntryTable } from './entry.ts';

/**
 * The median time that a vertex with these ancestors in the round before must state. In round 1
 * there is nothing to take it of, and it is 0.
 */
export function medianTimeOf(committee: Committee, parents: readonly Entry[]): bigint {
  const times: { time: number; stake: number }[] = [];
  let total = 0;
  for (const parent of parents) {
    if (parent.round === 0) return 0n;
    assert(parent.vertex !== null, `the ancestor in round ${parent.round} has no body`);
    const stake = committee.stakes[parent.author] as number;
    times.push({ time: Number(parent.vertex.header.time), stake });
    total += stake;
  }
  times.sort((a, b) => a.time - b.time);
  let reached = 0;
  for (const { time, stake } of times) {
    reached += stake;
    if (reached >= total - reached) return BigInt(time);
  }
  return 0n;
}

/** Says whether an accepted vertex states the median that its ancestors have. */
export function medianIsRight(table: EntryTable, entry: Entry): boolean {
  if (entry.medianRight === null) {
    const stated = entry.vertex?.header.medianTime;
    entry.medianRight = stated === medianTimeOf(table.committee, parentsOf(table, entry));
  }
  return entry.medianRight;
}

/** The ancestors in the round before. */
export function parentsOf(table: EntryTable, entry: Entry): Entry[] {
  const parents = authorsOf(entry.parents as AuthorSet).map(
    (author) => table.first(entry.round - 1, author) as Entry,
  );
  parents.push(...entry.oddParents);
  return parents;
}
