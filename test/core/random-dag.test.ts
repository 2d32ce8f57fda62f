/**
 * S15: the same vertices in any order give the same commits. The full size (1,000 rounds, 100
 * orders) runs with FANAL_RANDOM_DAG=full.
 */
import { toHex } from 'fanal/primitives/bytes.ts';
import { describe, expect, it } from 'vitest';
import { commitsOf, randomDag, shuffle } from './random-dag.ts';

const isFull = process.env.FANAL_RANDOM_DAG === 'full';
const ROUNDS = isFull ? 1000 : 120;
const ORDERS = isFull ? 100 : 6;

const cases = [
  { equivocators: 0, density: 1 },
  { equivocators: 0, density: 0.3 },
  { equivocators: 1, density: 0.6 },
  { equivocators: 2, density: 0.9 },
  { equivocators: 2, density: 0.2 },
];

describe('a random DAG of seven validators', () => {
  it.each(cases)(
    'with $equivocators equivocators and density $density gives one sequence of commits in every order',
    ({ equivocators, density }) => {
      const dag = randomDag({ validators: 7, rounds: ROUNDS, equivocators, density, seed: 7 });
      const reference = commitsOf(dag, dag.vertices).map(({ digest }) => toHex(digest));
      expect(reference.length).toBeGreaterThan(ROUNDS / 3);
      for (let order = 1; order <= ORDERS; order++) {
        const commits = commitsOf(dag, shuffle(dag.vertices, 7 * 8, order));
        const digests = commits.map(({ digest }) => toHex(digest));
        const common = Math.min(digests.length, reference.length);
        expect(digests.slice(0, common)).toEqual(reference.slice(0, common));
        // The last rounds may be decided or not, as what came last decides.
        expect(Math.abs(digests.length - reference.length)).toBeLessThan(10);
      }
    },
    isFull ? 3_600_000 : 60_000,
  );
});
