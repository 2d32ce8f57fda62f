/**
 * Trees: RFC 6962 roots and proofs beside a public implementation, and batch updates of a sparse
 * map with a million leaves, in memory.
 */
import { RFC9162 } from '@transmute/rfc9162';
import {
  foldPlan,
  inclusionNodes,
  listRoot,
  nodeTable,
  verifyInclusion,
} from 'fanal/merkle/list.ts';
import { EMPTY_MAP, MapTree } from 'fanal/merkle/map-tree.ts';
import { type Hash, sha256 } from 'fanal/primitives/hash.ts';
import { nativeListHasher, nativeMapHasher } from '../../node/ledger/native-hash.ts';
import { type Benchmark, type Report, randomFrom } from './report.ts';

const SMALL = 10_000;
const LARGE = 1_000_000;
const PROOFS = 500;
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

  await proving(report, small);
  await proving(report, large);
  await updating(report, large);
};

/** Making proofs out of kept nodes, as a node that holds tiles does, and checking them. */
async function proving(report: Report, leaves: readonly Hash[]): Promise<void> {
  const { length } = leaves;
  const size = BigInt(length);
  const nodes = nodeTable(leaves, nativeListHasher);
  const prove = (index: bigint) => foldPlan(inclusionNodes(index, size), nodes, nativeListHasher);
  const root = listRoot(leaves, nativeListHasher);
  const claims = Array.from({ length: PROOFS }, (_, i) => {
    const index = Math.floor((i * length) / PROOFS);
    const leaf = leaves[index] as Hash;
    return { leaf, index: BigInt(index), size, root, path: prove(BigInt(index)) };
  });
  await report.compare(`inclusion proofs made a second, ${length} leaves, nodes at hand`, [
    { name: 'native SHA-256', run: () => each(claims, ({ index }) => prove(index)) },
  ]);
  await report.compare(`inclusion proofs checked a second, ${length} leaves`, [
    { name: 'plain JavaScript', run: () => each(claims, (claim) => verifyInclusion(claim)) },
    {
      name: 'native SHA-256',
      run: () => each(claims, (claim) => verifyInclusion(claim, nativeListHasher)),
    },
    {
      name: '@transmute/rfc9162',
      peer: true,
      run: async () => {
        for (const { leaf, index, path } of claims) {
          const proof = {
            log_id: '',
            tree_size: length,
            leaf_index: Number(index),
            inclusion_path: [...path],
          };
          if (!(await RFC9162.verifyInclusionProof(root, leaf, proof))) {
            throw new Error('the other implementation refuses our proof');
          }
        }
        return PROOFS;
      },
    },
  ]);
}

async function updating(report: Report, keys: readonly Hash[]): Promise<void> {
  const tree = new MapTree(nativeMapHasher);
  let map = EMPTY_MAP;
  for (let first = 0; first < LARGE; first += FILL) {
    const changes = keys.slice(first, first + FILL).map((key) => ({ key, valueHash: key }));
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
          const changes = keys.slice(first, first + BATCH).map((key) => ({ key, valueHash }));
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
}

function once(work: () => unknown): number {
  work();
  return 1;
}

function each<T>(items: readonly T[], work: (item: T) => unknown): number {
  for (const item of items) work(item);
  return items.length;
}
