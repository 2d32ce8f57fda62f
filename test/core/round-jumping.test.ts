/**
 * The schedule that stalls a protocol whose validators may jump over their own rounds.
 *
 * Four validators, one of them Byzantine. Before every odd round its leader is kept waiting so long
 * that it hears of the whole odd round first, and jumps over it: the slot is skipped. The Byzantine
 * validator, which nobody can wait for, blames the leader of every even round; the one that jumped
 * would have been the third vote. Where the Byzantine validator leads it shows each half another
 * vertex. So no leader ever has a certificate, and every even slot stays open for ever.
 *
 * Each of these vertices is valid. Only a rule for honest proposers can help: nobody jumps (P1), and
 * everybody waits for votes that may still decide (P3).
 */
import type { Entry } from 'fanal-node/core/entry.ts';
import { describe, expect, it } from 'vitest';
import { DagBuilder } from './dag-builder.ts';

const ROUNDS = 400;
const BYZANTINE = 3;
const HONEST = [0, 1, 2];

function play(mayJump: boolean): DagBuilder {
  const builder = new DagBuilder(4);
  let even = [...builder.table.genesis];
  for (let round = 1; round < ROUNDS; round += 2) {
    const leader = builder.leaderOf(round);
    const late = leader === BYZANTINE ? 1 : leader;
    const present = HONEST.filter((author) => !mayJump || author !== late);
    const odd = present.map((author) => builder.add(round, author, even));
    const blaming = even.filter(({ author }) => author !== builder.leaderOf(round - 1));
    const own = builder.add(round, BYZANTINE, blaming);
    const other = leader === BYZANTINE ? builder.add(round, BYZANTINE, blaming, 1) : own;
    even = [...HONEST, BYZANTINE].map((author) =>
      builder.add(round + 1, author, [
        ...previousOf(author, odd, even),
        ...odd,
        author < 2 ? other : own,
      ]),
    );
  }
  return builder;
}

/** The own vertex that one names first, when it has jumped over the round before. */
function previousOf(author: number, odd: readonly Entry[], even: readonly Entry[]): Entry[] {
  if (author === BYZANTINE || odd.some((entry) => entry.author === author)) return [];
  return even.filter((entry) => entry.author === author && entry.round > 0);
}

describe('the schedule that stalls unrestricted round jumping', () => {
  it('decides nothing in four hundred rounds when validators jump', () => {
    const decided = play(true).decide();
    expect(decided.filter(({ kind }) => kind === 'commit')).toEqual([]);
    expect(decided.length).toBeLessThan(3);
  });

  it('commits in every wave when they do not', () => {
    const decided = play(false).decide();
    const commits = decided.filter(({ kind }) => kind === 'commit');
    expect(decided.length).toBeGreaterThan(ROUNDS - 8);
    expect(commits.length).toBeGreaterThan(ROUNDS / 2);
  });
});
