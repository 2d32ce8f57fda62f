/**
 * Trees: RFC 6962 roots and proofs beside a public implementation, and batch updates of a sparse
 * map with a million leaves, in memory.
 */
import { RFC9162 } from '@transmute/rfc9162';
import { inclusionProof, leafHash, listRoot, verifyInclusion } from 'fanal/merkle/list.ts';
import { EMPTY_MAP, MapTree } from 'fanal/merkle/map-tree.ts';
import { type Hash, sha256 } from 'fanal/primitives/hash.ts';
import { nativeListHasher, nativeMapHasher } from '../../node/ledger/native-hash.ts';
import { type Benchmark, randomFrom } from './report.ts';

const SMALL = 10_000;
const LARGE = 1_000_000;
const PROOFS = 200;
const BATCH = 20_000;
/** Leaves put into the map at once while it is filled. */
const FILL = 100_000;

export const run: Benchmark = async (report) => {
  const random = randomFrom(report.seed);
  const hashes = (count: number): Hash[] =>
    Array.from({ length: count }, () => {
      const bytes = new Uint8Array(32);
      const view = new DataView(bytes.buffer);
      for (let at = 0; at < 32; at += 4) view.setUint32(at, random() * 2 ** 32);
      return bytes as Hash;
    });
  const small = hashes(SMALL);
  const large = hashes(LARGE);
  const leaves = small.map((bytes) => leafHash(bytes));

  await report.compare(`roots a second of ${SMALL} leaves`, [
    { name: 'plain JavaScript', run: () => once(() => listRoot(small)) },
    { name: 'native SHA-256', run: () => once(() => listRoot(small, nativeListHasher)) },
    {
      name: '@transmute/rfc9162',
      peer: true,
      run: async () => {
        await RFC9162.treeHead(small);
        return 1;
      },
    },
  ]);
  await report.compare(
    `roots a second of ${LARGE} leaves`,
    [{ name: 'native SHA-256', run: () => once(() => listRoot(large, nativeListHasher)) }],
    { rounds: 3 },
  );

  const root = listRoot(leaves);
  const path = inclusionProof(leaves, 777n);
  const claim = { leaf: leaves[777] as Hash, index: 777n, size: BigInt(SMALL), root, path };
  await report.compare(`inclusion proofs checked a second, ${SMALL} leaves`, [
    { name: 'plain JavaScript', run: () => times(PROOFS, () => verifyInclusion(claim)) },
    {
      name: 'native SHA-256',
      run: () => times(PROOFS, () => verifyInclusion(claim, nativeListHasher)),
    },
  ]);

  const tree = new MapTree(nativeMapHasher);
  let map = EMPTY_MAP;
  for (let first = 0; first < LARGE; first += FILL) {
    const changes = large.slice(first, first + FILL).map((key) => ({ key, valueHash: key }));
    const { root: next, replaced } = tree.update(map, changes);
    tree.free(replaced);
    map = next;
  }
  let turn = 0;
  await report.compare(
    `map updates a second at ${LARGE} leaves, ${BATCH} in a batch, in memory`,
    [
      {
        name: 'native hashing',
        run: () => {
          const valueHash = sha256(Uint8Array.of(turn));
          const first = (turn++ * BATCH) % (LARGE - BATCH);
          const changes = large.slice(first, first + BATCH).map((key) => ({ key, valueHash }));
          const { root: next, replaced } = tree.update(map, changes);
          tree.hash(next);
          tree.free(replaced);
          map = next;
          return BATCH;
        },
      },
    ],
    { goal: { atLeast: 100_000 } },
  );
  report.figures('memory of the map', 'bytes a leaf', { 'all of it': tree.size.bytes / LARGE });
};

function once(work: () => unknown): number {
  work();
  return 1;
}

function times(count: number, work: () => unknown): number {
  for (let i = 0; i < count; i++) work();
  return count;
}
