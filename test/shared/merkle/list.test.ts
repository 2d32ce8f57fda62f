import {
  appendLeaf,
  consistencyNodes,
  consistencyProof,
  EMPTY_ROOT,
  emptyRange,
  foldPlan,
  inclusionNodes,
  inclusionProof,
  leafHash,
  listHasherOf,
  listRoot,
  type NodeCoordinate,
  nodeTable,
  rangeNodes,
  rangeProof,
  rangeRoot,
  verifyConsistency,
  verifyInclusion,
  verifyRange,
} from 'fanal/merkle/list.ts';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { naivePath, naiveProof, naiveRoot, sha } from '../../support/naive-merkle.ts';

const code = (wanted: string) => expect.objectContaining({ code: wanted });
const dataOf = (count: number) => Array.from({ length: count }, (_, i) => utf8(`leaf ${i}`));
const leavesOf = (count: number) => dataOf(count).map(leafHash);
const big = (value: number) => BigInt(value);
const otherHash = sha([42]);

describe('a list', () => {
  it('has the roots of RFC 6962, whichever way they are computed', () => {
    for (let size = 0; size <= 70; size++) {
      const expected = naiveRoot(dataOf(size));
      expect(listRoot(leavesOf(size))).toEqual(expected);
      const range = leavesOf(size).reduce((grown, leaf) => appendLeaf(grown, leaf), emptyRange());
      expect(range.size).toBe(big(size));
      expect(rangeRoot(range)).toEqual(expected);
    }
    expect(toHex(EMPTY_ROOT)).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  it('tells a store of every complete node once, children before parents', () => {
    const told = new Map<string, Hash>();
    const note = ({ level, index }: NodeCoordinate, hash: Hash) => {
      expect(told.has(`${level}/${index}`)).toBe(false);
      if (level > 0) expect(told.has(`${level - 1}/${2n * index + 1n}`)).toBe(true);
      told.set(`${level}/${index}`, hash);
    };
    leavesOf(37).reduce((grown, leaf) => appendLeaf(grown, leaf, note), emptyRange());
    expect(told.size).toBe(37 + 18 + 9 + 4 + 2 + 1);
    const table = nodeTable(leavesOf(37));
    for (const [name, hash] of told) {
      const [level, index] = name.split('/').map(Number) as [number, number];
      expect(table({ level, index: big(index) })).toEqual(hash);
    }
  });

  it('hashes with whatever SHA-256 it is given', () => {
    const hasher = listHasherOf((bytes) => sha(bytes));
    expect(hasher.leaf(utf8('x'))).toEqual(leafHash(utf8('x')));
    expect(listRoot(leavesOf(13), hasher)).toEqual(naiveRoot(dataOf(13)));
  });
});

describe('an inclusion proof', () => {
  it('is RFC 6962’s path, and verifies, for every leaf of every list of up to 40', () => {
    for (let size = 1; size <= 40; size++) {
      const data = dataOf(size);
      const leaves = leavesOf(size);
      const root = naiveRoot(data);
      leaves.forEach((leaf, i) => {
        const path = inclusionProof(leaves, big(i));
        expect(path).toEqual(naivePath(i, data));
        verifyInclusion({ leaf, index: big(i), size: big(size), root, path });
      });
    }
  });

  it('is the same from a longer list and from a store of nodes', () => {
    const leaves = leavesOf(100);
    const table = nodeTable(leaves);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(99), (size, at) => {
        const index = big(at % size);
        const path = inclusionProof(leaves.slice(0, size), index);
        expect(inclusionProof(leaves, index, big(size))).toEqual(path);
        expect(foldPlan(inclusionNodes(index, big(size)), table)).toEqual(path);
      }),
    );
  });

  it('is refused when anything in it is changed', () => {
    const leaves = leavesOf(50);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.nat(49),
        fc.nat(10_000),
        fc.constantFrom('leaf', 'index', 'size', 'root', 'path', 'shorter', 'longer', 'swapped'),
        (size, at, pick, what) => {
          const index = at % size;
          const path = inclusionProof(leaves.slice(0, size), big(index));
          const claim = {
            leaf: leaves[index] as Hash,
            index: big(index),
            size: big(size),
            root: listRoot(leaves.slice(0, size)),
            path,
          };
          const place = path.length === 0 ? 0 : pick % path.length;
          const changes: Record<typeof what, () => typeof claim> = {
            leaf: () => ({ ...claim, leaf: otherHash }),
            index: () => ({ ...claim, index: big((index + 1 + (pick % size)) % (size + 1)) }),
            size: () => ({ ...claim, size: big(size + 1 + (pick % 60)) }),
            root: () => ({ ...claim, root: otherHash }),
            path: () => ({ ...claim, path: path.with(place, otherHash) }),
            shorter: () => ({ ...claim, path: path.toSpliced(place, 1) }),
            longer: () => ({ ...claim, path: path.toSpliced(place, 0, otherHash) }),
            swapped: () => ({ ...claim, path: path.toReversed() }),
          };
          if (path.length === 0 && (what === 'path' || what === 'shorter')) return;
          if (path.length < 2 && what === 'swapped') return;
          const changed = changes[what]();
          // A path does not bind the size: two sizes can put the same siblings on the same sides of
          // a leaf. What binds the size is the checkpoint, which names it beside the root.
          if (what === 'size' && sides(big(index), changed.size) === sides(big(index), big(size))) {
            return;
          }
          expect(() => verifyInclusion(changed)).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^proof\//) }),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  /** On which side of the way down each sibling of a leaf stands. */
  function sides(index: bigint, size: bigint): string {
    return inclusionNodes(index, size)
      .map(([first]) => {
        const { level, index: at } = first as NodeCoordinate;
        return at << BigInt(level) < index ? 'l' : 'r';
      })
      .join('');
  }

  it('names the step, what was expected and what came', () => {
    const [leaf] = leavesOf(1) as [Hash];
    const claim = { leaf, index: 1n, size: 1n, root: leaf, path: [] };
    expect(() => verifyInclusion(claim)).toThrow(
      expect.objectContaining({
        code: 'proof/index-out-of-range',
        step: 'inclusion proof',
        expected: 'an index below 1',
        found: '1',
      }),
    );
    expect(() => verifyInclusion({ ...claim, index: -1n })).toThrow(
      code('proof/index-out-of-range'),
    );
    expect(() => verifyInclusion({ ...claim, index: 0n, path: [leaf] })).toThrow(
      code('proof/path-length'),
    );
    expect(() => verifyInclusion({ ...claim, index: 0n, size: 2n ** 63n })).toThrow(
      code('proof/size'),
    );
    const short = leaf.slice(1) as Hash;
    expect(() => verifyInclusion({ ...claim, root: short })).toThrow(code('proof/hash-length'));
    expect(() => verifyInclusion({ ...claim, leaf: short })).toThrow(code('proof/hash-length'));
    expect(() => verifyInclusion({ ...claim, path: [short] })).toThrow(code('proof/hash-length'));
  });

  it('may be of the longest list there is', () => {
    const size = 2n ** 63n - 1n;
    const path = Array.from({ length: 63 }, () => otherHash);
    const claim = { leaf: otherHash, index: 0n, size, root: otherHash, path };
    expect(() => verifyInclusion(claim)).toThrow(code('proof/root-mismatch'));
    expect(() => verifyInclusion({ ...claim, path: path.slice(1) })).toThrow(
      code('proof/path-length'),
    );
  });
});

describe('a consistency proof', () => {
  it('is RFC 6962’s, and verifies, between every two sizes of up to 40', () => {
    for (let newSize = 1; newSize <= 40; newSize++) {
      const data = dataOf(newSize);
      const leaves = leavesOf(newSize);
      for (let oldSize = 0; oldSize <= newSize; oldSize++) {
        const path = consistencyProof(leaves, big(oldSize));
        if (oldSize > 0) expect(path).toEqual(naiveProof(oldSize, data));
        verifyConsistency({
          oldSize: big(oldSize),
          oldRoot: naiveRoot(data.slice(0, oldSize)),
          newSize: big(newSize),
          newRoot: naiveRoot(data),
          path,
        });
      }
    }
  });

  it('is the same from a store of nodes', () => {
    const leaves = leavesOf(100);
    const table = nodeTable(leaves);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(100), (newSize, at) => {
        const oldSize = big(at % (newSize + 1));
        expect(foldPlan(consistencyNodes(oldSize, big(newSize)), table)).toEqual(
          consistencyProof(leaves, oldSize, big(newSize)),
        );
      }),
    );
  });

  it('never joins lists of which one is not how the other began', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.nat(39),
        fc.nat(39),
        (newSize, pickOld, pickLeaf) => {
          const oldSize = 1 + (pickOld % (newSize - 1));
          const leaves = leavesOf(newSize);
          const forked = leaves.with(pickLeaf % oldSize, otherHash);
          const claim = {
            oldSize: big(oldSize),
            oldRoot: listRoot(leaves.slice(0, oldSize)),
            newSize: big(newSize),
            newRoot: listRoot(forked),
          };
          for (const maker of [leaves, forked]) {
            const path = consistencyProof(maker, big(oldSize));
            expect(() => verifyConsistency({ ...claim, path })).toThrow(
              code('proof/root-mismatch'),
            );
          }
        },
      ),
    );
  });

  it('is refused when anything in it is changed', () => {
    const leaves = leavesOf(40);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.nat(40),
        fc.nat(10_000),
        fc.constantFrom('oldRoot', 'newRoot', 'path', 'shorter', 'longer'),
        (newSize, at, pick, what) => {
          const oldSize = at % (newSize + 1);
          const path = consistencyProof(leaves, big(oldSize), big(newSize));
          const claim = {
            oldSize: big(oldSize),
            oldRoot: listRoot(leaves.slice(0, oldSize)),
            newSize: big(newSize),
            newRoot: listRoot(leaves.slice(0, newSize)),
            path,
          };
          // From nothing, any list can grow: only the empty old root is checked.
          if (oldSize === 0 && what === 'newRoot') return;
          if (path.length === 0 && (what === 'path' || what === 'shorter')) return;
          const place = path.length === 0 ? 0 : pick % path.length;
          const changes: Record<typeof what, () => typeof claim> = {
            oldRoot: () => ({ ...claim, oldRoot: otherHash }),
            newRoot: () => ({ ...claim, newRoot: otherHash }),
            path: () => ({ ...claim, path: path.with(place, otherHash) }),
            shorter: () => ({ ...claim, path: path.toSpliced(place, 1) }),
            longer: () => ({ ...claim, path: path.toSpliced(place, 0, otherHash) }),
          };
          expect(() => verifyConsistency(changes[what]())).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^proof\//) }),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('refuses sizes that run backwards, and an empty list with a root of its own', () => {
    const [leaf] = leavesOf(1) as [Hash];
    const empty = { oldSize: 0n, oldRoot: EMPTY_ROOT, newSize: 0n, newRoot: EMPTY_ROOT, path: [] };
    verifyConsistency(empty);
    expect(() => verifyConsistency({ ...empty, newRoot: leaf })).toThrow(
      code('proof/root-mismatch'),
    );
    expect(() => verifyConsistency({ ...empty, oldSize: 1n })).toThrow(code('proof/size'));
    expect(() => verifyConsistency({ ...empty, oldSize: -1n })).toThrow(code('proof/size'));
    expect(() => verifyConsistency({ ...empty, newSize: 2n ** 63n })).toThrow(code('proof/size'));
  });
});

describe('a range proof', () => {
  it('verifies for every range of every list of up to 24', () => {
    for (let size = 1; size <= 24; size++) {
      const leaves = leavesOf(size);
      const root = listRoot(leaves);
      for (let from = 0; from < size; from++) {
        for (let to = from + 1; to <= size; to++) {
          const path = rangeProof(leaves, big(from), big(to));
          const claim = { from: big(from), leaves: leaves.slice(from, to), size: big(size), root };
          verifyRange({ ...claim, path });
        }
      }
    }
  });

  it('needs no more hashes than the siblings on its two edges', () => {
    const size = 1_000_000n;
    expect(rangeNodes(0n, size, size)).toHaveLength(0);
    expect(rangeNodes(500_000n, 500_100n, size).length).toBeLessThanOrEqual(2 * 20);
  });

  it('is refused when a leaf is left out, added, changed or moved, or the page is moved', () => {
    const leaves = leavesOf(60);
    const root = listRoot(leaves);
    fc.assert(
      fc.property(
        fc.nat(58),
        fc.integer({ min: 2, max: 20 }),
        fc.nat(1000),
        fc.constantFrom('left out', 'added', 'changed', 'swapped', 'moved', 'path', 'longer'),
        (from, length, pick, what) => {
          const to = Math.min(60, from + length);
          const page = leaves.slice(from, to);
          const path = rangeProof(leaves, big(from), big(to));
          const claim = { from: big(from), leaves: page, size: 60n, root, path };
          verifyRange(claim);
          const place = pick % page.length;
          const edge = path.length === 0 ? 0 : pick % path.length;
          if (path.length === 0 && what === 'path') return;
          if (page.length < 2 && what === 'swapped') return;
          const changes: Record<typeof what, () => typeof claim> = {
            'left out': () => ({ ...claim, leaves: page.toSpliced(place, 1) }),
            added: () => ({ ...claim, leaves: page.toSpliced(place, 0, otherHash) }),
            changed: () => ({ ...claim, leaves: page.with(place, otherHash) }),
            swapped: () => ({ ...claim, leaves: page.toReversed() }),
            moved: () => ({ ...claim, from: big((from + 1 + (pick % 59)) % 60) }),
            path: () => ({ ...claim, path: path.with(edge, otherHash) }),
            longer: () => ({ ...claim, path: path.toSpliced(edge, 0, otherHash) }),
          };
          expect(() => verifyRange(changes[what]())).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^proof\//) }),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of no leaves proves only the empty list', () => {
    const empty = { from: 0n, leaves: [], size: 0n, root: EMPTY_ROOT, path: [] };
    verifyRange(empty);
    const [leaf] = leavesOf(1) as [Hash];
    expect(() => verifyRange({ ...empty, root: leaf })).toThrow(code('proof/root-mismatch'));
    expect(() => verifyRange({ ...empty, size: 1n, root: leaf })).toThrow(
      code('proof/index-out-of-range'),
    );
    expect(() => verifyRange({ ...empty, from: -1n, leaves: [leaf] })).toThrow(
      code('proof/index-out-of-range'),
    );
  });
});
