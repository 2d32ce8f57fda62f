/**
 * Vectors of trees: consistency, ranges and maps, proved and refused. Inclusion has the published
 * RFC 6962 set besides.
 */
import { consistencyProof, leafHash, listRoot, rangeProof } from 'fanal/merkle/list.ts';
import { type MapProof, mapProofCodec } from 'fanal/merkle/map.ts';
import { EMPTY_MAP, MapTree } from 'fanal/merkle/map-tree.ts';
import { type Bytes32, toHex, utf8, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import { flipped, type VectorCase, type VectorFile, vectorFile } from './vector-json.ts';

const LEAVES = Array.from({ length: 21 }, (_, i) => leafHash(utf8(`leaf ${i}`)));
const root = (size: number) => listRoot(LEAVES.slice(0, size));

export function listVectors(): VectorFile {
  const consistency = (oldSize: number, newSize: number): VectorCase => ({
    name: `a list of ${newSize} began as one of ${oldSize}`,
    kind: 'consistency',
    oldSize: String(oldSize),
    oldRoot: toHex(root(oldSize)),
    newSize: String(newSize),
    newRoot: toHex(root(newSize)),
    path: consistencyProof(LEAVES, BigInt(oldSize), BigInt(newSize)).map(toHex),
  });
  const range = (from: number, to: number): VectorCase => ({
    name: `leaves ${from} to ${to - 1} of 21`,
    kind: 'range',
    from: String(from),
    leaves: LEAVES.slice(from, to).map(toHex),
    size: '21',
    root: toHex(root(21)),
    path: rangeProof(LEAVES, BigInt(from), BigInt(to)).map(toHex),
  });
  const page = range(3, 9);
  const grown = consistency(7, 21);
  const path = (of: VectorCase) => of.path as readonly string[];
  return vectorFile(
    'docs/protocol.md §4.1',
    'Leaf i of the list is the leaf hash of the text "leaf i". Check the claim of each case; one with `refused` must not hold.',
    [
      ...[
        [1, 2],
        [2, 21],
        [7, 21],
        [8, 16],
        [16, 21],
        [20, 21],
        [21, 21],
      ].map(([a, b]) => consistency(a!, b!)),
      {
        ...grown,
        name: 'another old root',
        oldRoot: toHex(root(6)),
        refused: 'proof/root-mismatch',
      },
      {
        ...grown,
        name: 'another new root',
        newRoot: toHex(root(20)),
        refused: 'proof/root-mismatch',
      },
      {
        ...grown,
        name: 'a hash too few',
        path: path(grown).slice(1),
        refused: 'proof/path-length',
      },
      {
        ...grown,
        name: 'a hash too many',
        path: [...path(grown), path(grown)[0]!],
        refused: 'proof/path-length',
      },
      {
        ...grown,
        name: 'a hash of 31 bytes',
        path: path(grown).with(0, '00'.repeat(31)),
        refused: 'proof/hash-length',
      },
      { ...grown, name: 'an old list longer than the new', oldSize: '22', refused: 'proof/size' },
      {
        ...consistency(21, 21),
        name: 'equal sizes with a path',
        path: path(grown),
        refused: 'proof/path-length',
      },
      {
        ...consistency(21, 21),
        name: 'equal sizes, other roots',
        oldRoot: toHex(root(20)),
        refused: 'proof/root-mismatch',
      },
      ...[
        [0, 1],
        [0, 21],
        [3, 9],
        [16, 21],
        [20, 21],
      ].map(([a, b]) => range(a!, b!)),
      {
        ...page,
        name: 'a leaf left out',
        leaves: LEAVES.slice(4, 9).map(toHex),
        refused: 'proof/path-length',
      },
      { ...page, name: 'a stretch moved by one', from: '4', refused: 'proof/path-length' },
      {
        ...page,
        name: 'two leaves exchanged',
        leaves: [4, 3, 5, 6, 7, 8].map((i) => toHex(LEAVES[i]!)),
        refused: 'proof/root-mismatch',
      },
      {
        ...page,
        name: 'no leaves of a list that has some',
        leaves: [],
        refused: 'proof/index-out-of-range',
      },
      { ...page, name: 'leaves past the end', from: '16', refused: 'proof/index-out-of-range' },
    ],
  );
}

export function mapVectors(): VectorFile {
  const tree = new MapTree();
  const key = (i: number) => sha256(utf8(`key ${i}`));
  const value = (i: number) => utf8(`value ${i}`);
  const of = (count: number) => {
    const changes = Array.from({ length: count }, (_, i) => ({
      key: key(i),
      valueHash: sha256(value(i)),
    }));
    return tree.update(EMPTY_MAP, changes).root;
  };
  const claim = (
    name: string,
    count: number,
    at: Bytes32,
    held: string | null,
    proof: MapProof = tree.prove(of(count), at),
  ): VectorCase => ({
    name,
    root: toHex(tree.hash(of(count))),
    key: toHex(at),
    value: held,
    proof: toHex(mapProofCodec.encode(proof)),
  });
  const there = (i: number) => toHex(value(i));
  const proof = tree.prove(of(9), key(3));
  const [first, ...others] = proof.siblings;
  return vectorFile(
    'docs/protocol.md §4.2',
    'The map of n entries has the keys SHA-256("key i") with the values "value i". Check that the root has `value` (hex) under `key`, or nothing where it is null; a case with `refused` must not hold.',
    [
      claim('the only one', 1, key(0), there(0)),
      claim('nothing in an empty map', 0, key(0), null),
      claim('another leaf on the way', 1, key(1), null),
      ...[0, 3, 8].map((i) => claim(`entry ${i} of 9`, 9, key(i), there(i))),
      ...[9, 10, 11, 12].map((i) => claim(`no entry ${i} of 9`, 9, key(i), null)),
      { ...claim('another value', 9, key(3), there(4)), refused: 'proof/map-value' },
      { ...claim('a denied entry', 9, key(3), null), refused: 'proof/map-value' },
      { ...claim('an invented entry', 9, key(9), there(9)), refused: 'proof/map-value' },
      {
        ...claim('another sibling', 9, key(3), there(3), {
          ...proof,
          siblings: [flipped(first as Bytes32, 0) as Bytes32, ...others],
        }),
        refused: 'proof/root-mismatch',
      },
      {
        ...claim('a sibling left out', 9, key(3), there(3), { ...proof, siblings: others }),
        refused: 'proof/root-mismatch',
      },
      {
        ...claim('an empty sibling at the end', 9, key(3), there(3), {
          ...proof,
          siblings: [...proof.siblings, null],
        }),
        refused: 'proof/map-shape',
      },
      {
        ...claim('zeros instead of an empty sibling', 9, key(3), there(3), {
          ...proof,
          siblings: [ZERO_32, ...others],
        }),
        refused: 'proof/map-shape',
      },
      {
        ...claim('the end of another way', 9, key(3), there(3), tree.prove(of(9), key(0))),
        refused: 'proof/map-shape',
      },
    ],
  );
}
