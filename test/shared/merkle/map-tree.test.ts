import { hash as hashByOpenSsl } from 'node:crypto';
import { hashInto } from '@chainsafe/hashtree';
import { mapRoot, verifyMapProof } from 'fanal/merkle/map.ts';
import {
  EMPTY_MAP,
  type MapChange,
  type MapHasher,
  type MapRoot,
  MapTree,
} from 'fanal/merkle/map-tree.ts';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { type Hash, sha256 } from 'fanal/primitives/hash.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsOf, naiveMapRoot } from '../../support/naive-merkle.ts';

/** Keys that share long beginnings as well as ordinary ones. */
const keys: Hash[] = Array.from({ length: 40 }, (_, n) => {
  const key = sha256(utf8(`key ${n}`)).slice() as Hash;
  if (n % 4 === 1) key.fill(0, 0, 31);
  if (n % 4 === 2) key.set((keys0(n - 2) as Hash).subarray(0, 20));
  return key;
});
function keys0(n: number): Hash {
  return sha256(utf8(`key ${n}`));
}
const values: Hash[] = Array.from({ length: 3 }, (_, n) => sha256(utf8(`value ${n}`)));

const anyChange: fc.Arbitrary<MapChange> = fc.record({
  key: fc.constantFrom(...keys),
  valueHash: fc.option(fc.constantFrom(...values), { freq: 3 }),
});
const anyBatch = fc.array(anyChange, { maxLength: 30 });

type Model = ReadonlyMap<string, { key: Hash; valueHash: Hash }>;

function applied(model: Model, changes: readonly MapChange[]): Model {
  const next = new Map(model);
  for (const { key, valueHash } of changes) {
    if (valueHash === null) next.delete(toHex(key));
    else next.set(toHex(key), { key, valueHash });
  }
  return next;
}

function expectSame(tree: MapTree, root: MapRoot, model: Model): void {
  const entries = [...model.values()];
  const expected = naiveMapRoot(entries.map((leaf) => ({ ...leaf, bits: bitsOf(leaf.key) })));
  expect(tree.hash(root)).toEqual(expected);
  const sorted = entries.toSorted((a, b) => Buffer.compare(a.key, b.key));
  expect([...tree.leaves(root)]).toEqual(sorted);
  for (const key of keys) {
    const valueHash = model.get(toHex(key))?.valueHash ?? null;
    expect(tree.get(root, key)).toEqual(valueHash);
    const answer = verifyMapProof({ root: expected, key, proof: tree.prove(root, key) });
    expect(answer).toEqual(
      valueHash === null ? { present: false } : { present: true, leafValueHash: valueHash },
    );
  }
}

/** The bulk hashes that a node uses. */
const nativeHasher: MapHasher = {
  leaves(input, output) {
    const bytes = Buffer.from(output.buffer, output.byteOffset, output.length);
    for (let from = 0, to = 0; from < input.length; from += 65, to += 32) {
      const digest = hashByOpenSsl('sha256', input.subarray(from, from + 65), 'binary');
      bytes.write(digest, to, 32, 'latin1');
    }
  },
  pairs: hashInto,
};

describe('a map tree', () => {
  it('is the plain map, batch after batch, and every version stays as it was', () => {
    fc.assert(
      fc.property(fc.array(anyBatch, { maxLength: 8 }), (batches) => {
        const tree = new MapTree();
        let model: Model = new Map();
        let root = EMPTY_MAP;
        const versions = [{ root, model }];
        for (const batch of batches) {
          model = applied(model, batch);
          root = tree.update(root, batch).root;
          versions.push({ root, model });
        }
        for (const version of versions) expectSame(tree, version.root, version.model);
      }),
      { numRuns: 60 },
    );
  });

  it('holds nothing but the newest version when each update frees what it replaced', () => {
    fc.assert(
      fc.property(fc.array(anyBatch, { maxLength: 20 }), (batches) => {
        const tree = new MapTree();
        let model: Model = new Map();
        let root = EMPTY_MAP;
        for (const batch of batches) {
          model = applied(model, batch);
          const update = tree.update(root, batch);
          tree.free(update.replaced);
          root = update.root;
          expect(tree.size.leaves).toBe(model.size);
        }
        expectSame(tree, root, model);
        const fresh = new MapTree();
        fresh.update(EMPTY_MAP, [...model.values()]);
        expect(tree.size.nodes).toBe(fresh.size.nodes);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the versions it is told to when it is compacted', () => {
    fc.assert(
      fc.property(fc.array(anyBatch, { minLength: 3, maxLength: 8 }), fc.nat(), (batches, pick) => {
        const tree = new MapTree();
        let model: Model = new Map();
        let root = EMPTY_MAP;
        const versions: { root: MapRoot; model: Model }[] = [];
        for (const batch of batches) {
          model = applied(model, batch);
          root = tree.update(root, batch).root;
          versions.push({ root, model });
        }
        const kept = [versions[pick % versions.length], versions.at(-1)] as typeof versions;
        const before = tree.size.leaves;
        const moved = tree.compact(kept.map((version) => version.root));
        expect(tree.size.leaves).toBeLessThanOrEqual(before);
        kept.forEach((version, i) => {
          expectSame(tree, moved[i] as MapRoot, version.model);
        });
        const [first] = batches as [MapChange[]];
        const grown = tree.update(moved[1] as MapRoot, first);
        expectSame(tree, grown.root, applied(kept[1]?.model as Model, first));
      }),
      { numRuns: 40 },
    );
  });

  it('grows many maps in one update, each by itself', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyBatch, { minLength: 5, maxLength: 5 }), { maxLength: 6 }),
        (rounds) => {
          const tree = new MapTree();
          let maps = Array.from({ length: 5 }, () => ({
            root: EMPTY_MAP,
            model: new Map() as Model,
          }));
          for (const round of rounds) {
            const { roots, replaced } = tree.updateAll(
              maps.map(({ root }, i) => ({ root, changes: round[i] as MapChange[] })),
            );
            tree.free(replaced);
            maps = maps.map(({ model }, i) => ({
              root: roots[i] as MapRoot,
              model: applied(model, round[i] as MapChange[]),
            }));
          }
          for (const { root, model } of maps) expectSame(tree, root, model);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is the same with native bulk hashing, thousands of leaves at a time', () => {
    const leaves = Array.from({ length: 5_000 }, (_, n) => ({
      key: sha256(utf8(`account ${n}`)),
      valueHash: sha256(utf8(`record ${n}`)),
    }));
    const [plain, native] = [new MapTree(), new MapTree(nativeHasher)];
    const expected = plain.hash(plain.update(EMPTY_MAP, leaves).root);
    const { root } = native.update(EMPTY_MAP, leaves);
    expect(native.hash(root)).toEqual(expected);
    expect(mapRoot(leaves)).toEqual(expected);
    const emptied = native.update(
      root,
      leaves.map(({ key }) => ({ key, valueHash: null })),
    );
    native.free(emptied.replaced);
    expect(emptied.root).toBe(EMPTY_MAP);
    expect(native.size).toMatchObject({ leaves: 0, nodes: 0 });
  });

  it('takes the last of several changes to one key, however many there are', () => {
    const [key] = keys as [Hash];
    const [one, two] = values as [Hash, Hash];
    const tree = new MapTree();
    const set = (valueHash: Hash | null) => ({ key, valueHash });
    expect(tree.get(tree.update(EMPTY_MAP, [set(one), set(two)]).root, key)).toEqual(two);
    expect(tree.update(EMPTY_MAP, [set(one), set(null)]).root).toBe(EMPTY_MAP);
    const many = Array.from({ length: 1001 }, (_, i) => set(i % 2 === 0 ? two : one));
    expect(tree.get(tree.update(EMPTY_MAP, many).root, key)).toEqual(two);
  });

  it('gives back the same root when nothing changes', () => {
    const tree = new MapTree();
    const leaves = keys.map((key) => ({ key, valueHash: values[0] as Hash }));
    const { root } = tree.update(EMPTY_MAP, leaves);
    const again = tree.update(root, leaves);
    const absent = tree.update(root, [{ key: sha256(utf8('absent')), valueHash: null }]);
    const nothing = tree.update(root, []);
    for (const update of [again, absent, nothing]) {
      expect(update.root).toBe(root);
      expect(update.replaced).toEqual([]);
    }
  });
});
