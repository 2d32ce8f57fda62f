import type { Commit, Vertex } from 'fanal-node/core/types.ts';
import { ConsensusWatch } from 'fanal-node/runtime/consensus-watch.ts';
import { expect, test } from 'vitest';

const ROOT = new Uint8Array(32).fill(1);
const STAKES = [40, 30, 20, 10];

test('the share of stake that cosigned is that of the newest checkpoint five seconds old', () => {
  const watch = new ConsensusWatch();
  expect(watch.cosignedShare(STAKES, 0)).toBeNull();
  watch.cosigned(0, 5n, ROOT, 1_000);
  watch.cosigned(1, 5n, ROOT, 2_000);
  watch.cosigned(1, 5n, ROOT, 2_500);
  watch.cosigned(3, 6n, ROOT, 4_000);
  expect(watch.cosignedShare(STAKES, 5_999)).toBeNull();
  expect(watch.cosignedShare(STAKES, 6_000)).toBe(0.7);
  expect(watch.cosignedShare(STAKES, 9_000)).toBe(0.1);
});

test('a cosignature of another root does not count for the first', () => {
  const watch = new ConsensusWatch();
  watch.cosigned(0, 5n, ROOT, 0);
  watch.cosigned(1, 5n, new Uint8Array(32), 1);
  expect(watch.cosignedShare(STAKES, 10_000)).toBe(0.3);
});

test('a commit is as old as its leader’s vertex, where that was seen', () => {
  const watch = new ConsensusWatch();
  const leader = { round: 3, author: 2, digest: ROOT };
  const commit = { leader } as unknown as Commit;
  expect(watch.committed(commit, 2_000)).toBeNull();
  const vertex = { ref: leader, header: { time: 1_500n, cosignature: null } } as unknown as Vertex;
  watch.vertex(vertex, 1_600);
  expect(watch.committed(commit, 2_000)).toBe(0.5);
  expect(watch.lastCommitAt).toBe(2_000);
});
