/**
 * The commit rule (docs/consensus.md §5) on DAGs made by hand, after the scenarios of the Mysticeti
 * paper's appendix. Four validators, so a quorum is three; the leader of round r is r mod 4.
 */

import { AssumptionBroken, type SlotStatus } from 'fanal-node/core/committer.ts';
import { describe, expect, it } from 'vitest';
import { DagBuilder } from './dag-builder.ts';

const text = (status: SlotStatus): string =>
  status.kind === 'undecided'
    ? `${status.round} undecided`
    : `${status.round} ${status.direct ? 'direct' : 'indirect'} ${status.kind}`;

const without = <T>(list: readonly T[], index: number): T[] => list.filter((_, i) => i !== index);

describe('a direct decision', () => {
  it('commits a leader once a quorum certifies it, two rounds up', () => {
    const builder = new DagBuilder();
    builder.layers(1, 3);
    expect(builder.decide().map(text)).toEqual(['1 direct commit']);
  });

  it('comes no earlier: votes alone decide nothing', () => {
    const builder = new DagBuilder();
    builder.layers(1, 2);
    expect(builder.decide()).toEqual([]);
  });

  it('needs a quorum of certificates: one short is undecided', () => {
    const builder = new DagBuilder();
    const voters = builder.layers(1, 2);
    builder.layer(3, voters, [0, 1]);
    expect(builder.decide()).toEqual([]);
    builder.add(3, 2, voters);
    expect(builder.decide().map(text)).toEqual(['1 direct commit']);
  });

  it('commits several leaders in one call, in order', () => {
    const builder = new DagBuilder();
    builder.layers(1, 12);
    expect(builder.decide().map(({ round }) => round)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('is the same when asked late as when asked at every round', () => {
    const late = new DagBuilder();
    late.layers(1, 10);
    const early = new DagBuilder();
    const seen: string[] = [];
    let last = [...early.table.genesis];
    for (let round = 1; round <= 10; round++) {
      last = early.layer(round, last);
      for (const status of early.decide(seen.length)) seen.push(text(status));
    }
    expect(seen).toEqual(late.decide().map(text));
  });

  it('asked twice says the same', () => {
    const builder = new DagBuilder();
    builder.layers(1, 6);
    expect(builder.decide().map(text)).toEqual(builder.decide().map(text));
    expect(builder.decide(4)).toEqual([]);
  });

  it('skips a leader that made no vertex', () => {
    const builder = new DagBuilder();
    const first = builder.layer(1, builder.table.genesis, [0, 2, 3]);
    builder.layers(2, 3, first);
    expect(builder.decide().map(text)).toEqual(['1 direct skip']);
  });

  it('skips a leader whom a quorum did not name', () => {
    const builder = new DagBuilder();
    const first = builder.layers(1, 1);
    const blind = without(first, 1);
    const second = [
      builder.add(2, 1, first),
      ...[0, 2, 3].map((author) => builder.add(2, author, blind)),
    ];
    builder.layer(3, second);
    expect(builder.decide().map(text)).toEqual(['1 direct skip']);
  });

  it('never commits a vertex of round 0', () => {
    const builder = new DagBuilder();
    builder.layers(1, 5);
    expect(builder.decide().every(({ round }) => round >= 1)).toBe(true);
  });
});

describe('an indirect decision', () => {
  /** Round 1's leader gets votes of a quorum, but only one vertex of round 3 certifies it. */
  const weaklyCertified = () => {
    const builder = new DagBuilder();
    const first = builder.layers(1, 1);
    const voters = [0, 1, 2].map((author) => builder.add(2, author, first));
    const blind = builder.add(2, 3, without(first, 1));
    const certifier = builder.add(3, 0, voters);
    const others = [1, 2, 3].map((author) =>
      builder.add(3, author, [...voters.slice(0, 2), blind]),
    );
    return { builder, certifier, others };
  };

  it('is open while the anchor is', () => {
    const { builder, certifier, others } = weaklyCertified();
    builder.layers(4, 5, [certifier, ...others]);
    expect(builder.decide()).toEqual([]);
  });

  it('commits a leader with one certificate in the history of the next anchor', () => {
    const { builder, certifier, others } = weaklyCertified();
    builder.layers(4, 6, [certifier, ...others]);
    expect(builder.decide().map(text)[0]).toBe('1 indirect commit');
  });

  it('skips a leader with no certificate in the history of the next anchor', () => {
    const { builder, others } = weaklyCertified();
    builder.layers(4, 6, others);
    expect(builder.decide().map(text)[0]).toBe('1 indirect skip');
  });

  it('is made by the first later slot that is not skipped', () => {
    const { builder, certifier, others } = weaklyCertified();
    // The leader of round 4 is missing, so the anchor is round 5's.
    const fourth = builder.layer(4, [certifier, ...others], [1, 2, 3]);
    builder.layers(5, 7, fourth);
    const decided = builder.decide().map(text);
    expect(decided[0]).toBe('1 indirect commit');
    expect(decided[3]).toBe('4 direct skip');
  });
});

describe('order', () => {
  it('holds back what is decided behind an open slot', () => {
    const builder = new DagBuilder();
    const first = builder.layers(1, 1);
    // Round 1: two votes, two blames. Round 2 on is whole.
    const second = [
      ...[0, 1].map((author) => builder.add(2, author, first)),
      ...[2, 3].map((author) => builder.add(2, author, without(first, 1))),
    ];
    builder.layers(3, 5, second);
    expect(builder.decide()).toEqual([]);
    builder.layer(6, builder.dag.verticesIn(5));
    expect(builder.decide().map(text).slice(0, 2)).toEqual(['1 indirect skip', '2 direct commit']);
  });

  it('does not hand out a decided slot again', () => {
    const builder = new DagBuilder();
    const first = builder.layer(1, builder.table.genesis, [0, 2, 3]);
    builder.layers(2, 3, first);
    expect(builder.decide().map(text)).toEqual(['1 direct skip']);
    expect(builder.decide(1)).toEqual([]);
  });
});

describe('two vertices of one leader', () => {
  it('a certificate of one beats any votes for the other', () => {
    const builder = new DagBuilder();
    const others = builder.layer(1, builder.table.genesis, [0, 2, 3]);
    const first = builder.add(1, 1, builder.table.genesis);
    const twin = builder.add(1, 1, builder.table.genesis, 1);
    const second = [
      ...[0, 2, 3].map((author) => builder.add(2, author, [...others, first])),
      builder.add(2, 1, [...others, twin]),
    ];
    builder.layer(3, second);
    const [decided] = builder.decide();
    expect(decided).toMatchObject({ kind: 'commit', round: 1, direct: true });
    expect(decided?.kind === 'commit' && decided.leader).toBe(first);
  });

  it('with votes split and no certificate, both are skipped', () => {
    const builder = new DagBuilder();
    const others = builder.layer(1, builder.table.genesis, [0, 2, 3]);
    const first = builder.add(1, 1, builder.table.genesis);
    const twin = builder.add(1, 1, builder.table.genesis, 1);
    const second = [
      ...[0, 2].map((author) => builder.add(2, author, [...others, first])),
      ...[1, 3].map((author) => builder.add(2, author, [...others, twin])),
    ];
    builder.layers(3, 6, second);
    expect(builder.decide().map(text)[0]).toBe('1 indirect skip');
  });

  it('an author who votes for both counts once for each, and more than f such stop the core', () => {
    const builder = new DagBuilder();
    const others = builder.layer(1, builder.table.genesis, [0, 2, 3]);
    const first = builder.add(1, 1, builder.table.genesis);
    const twin = builder.add(1, 1, builder.table.genesis, 1);
    const left = [0, 1, 2].map((author) => builder.add(2, author, [...others, first]));
    const right = [0, 1, 2].map((author) => builder.add(2, author, [...others, twin], 1));
    for (const author of [0, 1, 2]) builder.add(3, author, left);
    for (const author of [0, 1, 2]) builder.add(3, author, right, 1);
    expect(() => builder.decide()).toThrow(AssumptionBroken);
  });
});

describe('stake', () => {
  it('decides, not heads: three of four with too little stake certify nothing', () => {
    const builder = new DagBuilder(4, [1n, 1n, 1n, 7n]);
    const voters = builder.layers(1, 2);
    builder.layer(3, voters, [0, 1, 2]);
    expect(builder.decide()).toEqual([]);
    builder.add(3, 3, voters);
    expect(builder.decide().map(text)).toEqual(['1 direct commit']);
  });
});
