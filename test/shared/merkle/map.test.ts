import {
  EMPTY_MAP_ROOT,
  type MapLeaf,
  type MapProof,
  mapLeafHash,
  mapNodeHash,
  mapProofCodec,
  mapRoot,
  verifyMapProof,
  verifyMapValue,
} from 'fanal/merkle/map.ts';
import { EMPTY_MAP, MapTree } from 'fanal/merkle/map-tree.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import { type Hash, sha256 } from 'fanal/primitives/hash.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsOf, naiveMapRoot, sha } from '../../support/naive-merkle.ts';

const code = (wanted: string) => expect.objectContaining({ code: wanted });
const leafOf = (n: number): MapLeaf => ({
  key: sha256(utf8(`key ${n}`)),
  valueHash: sha256(utf8(`value ${n}`)),
});
/** A key that begins with these bits; the rest are zeros. */
const keyOf = (bits: string): Hash => {
  const bytes = new Uint8Array(32);
  [...bits].forEach((bit, i) => {
    if (bit === '1') bytes[i >> 3] = (bytes[i >> 3] as number) | (0x80 >> (i & 7));
  });
  return bytes as Hash;
};
const withKey = (bits: string): MapLeaf => ({ key: keyOf(bits), valueHash: sha([7]) });
const naive = (leaves: readonly MapLeaf[]) =>
  naiveMapRoot(leaves.map((leaf) => ({ ...leaf, bits: bitsOf(leaf.key) })));

function proveFrom(leaves: readonly MapLeaf[], key: Hash): MapProof {
  const tree = new MapTree();
  return tree.prove(tree.update(EMPTY_MAP, leaves).root, key);
}

describe('the root of a map', () => {
  it('is that of the definition', () => {
    expect(mapRoot([])).toEqual(new Uint8Array(32));
    expect(mapRoot([leafOf(1)])).toEqual(mapLeafHash(leafOf(1)));
    for (let count = 0; count < 60; count++) {
      const leaves = Array.from({ length: count }, (_, n) => leafOf(n));
      expect(mapRoot(leaves)).toEqual(naive(leaves));
      expect(mapRoot(leaves.toReversed())).toEqual(naive(leaves));
    }
  });

  it('goes as deep as two keys agree, to the last bit', () => {
    const twins = [withKey('0'.repeat(256)), withKey(`${'0'.repeat(255)}1`)];
    expect(mapRoot(twins)).toEqual(naive(twins));
    const three = [...twins, withKey('1')];
    expect(mapRoot(three)).toEqual(naive(three));
  });

  it('is refused of a key given twice', () => {
    const error = code('proof/map-duplicate');
    expect(() => mapRoot([leafOf(1), leafOf(1)])).toThrow(error);
    expect(() => mapRoot([leafOf(1), { ...leafOf(2), key: leafOf(1).key }])).toThrow(error);
  });

  it('is refused of what is no hash', () => {
    const short = new Uint8Array(31) as Hash;
    expect(() => mapRoot([{ key: short, valueHash: short }])).toThrow(code('proof/hash-length'));
  });
});

describe('a map proof', () => {
  const leaves = Array.from({ length: 20 }, (_, n) => leafOf(n));
  const root = mapRoot(leaves);

  it('shows the value of each key, and that other keys have none', () => {
    for (const { key, valueHash } of leaves) {
      const proof = proveFrom(leaves, key);
      expect(verifyMapProof({ root, key, proof })).toEqual({
        present: true,
        leafValueHash: valueHash,
      });
    }
    for (let n = 20; n < 60; n++) {
      const { key } = leafOf(n);
      const proof = proveFrom(leaves, key);
      expect(verifyMapProof({ root, key, proof })).toEqual({ present: false });
    }
  });

  it('of absence ends at nothing, or at another leaf on the same way', () => {
    const some = [withKey('00'), withKey('01'), withKey('11')];
    const nothing = [withKey('000'), withKey('001')];
    expect(proveFrom(some, keyOf('10')).end).toEqual(withKey('11'));
    expect(proveFrom(nothing, keyOf('1')).end).toBe(null);
    expect(proveFrom([], keyOf('1'))).toEqual({ siblings: [], end: null });
    verifyMapValue({
      root: mapRoot(some),
      key: keyOf('10'),
      value: null,
      proof: proveFrom(some, keyOf('10')),
    });
    verifyMapValue({
      root: mapRoot(nothing),
      key: keyOf('1'),
      value: null,
      proof: proveFrom(nothing, keyOf('1')),
    });
    verifyMapValue({
      root: EMPTY_MAP_ROOT,
      key: keyOf('1'),
      value: null,
      proof: proveFrom([], keyOf('1')),
    });
  });

  it('checks the value itself', () => {
    const { key } = leafOf(3);
    const proof = proveFrom(leaves, key);
    verifyMapValue({ root, key, value: utf8('value 3'), proof });
    const error = code('proof/map-value');
    expect(() => verifyMapValue({ root, key, value: utf8('value 4'), proof })).toThrow(error);
    expect(() => verifyMapValue({ root, key, value: null, proof })).toThrow(error);
    const absent = leafOf(30).key;
    const absence = proveFrom(leaves, absent);
    expect(() =>
      verifyMapValue({ root, key: absent, value: utf8('value 30'), proof: absence }),
    ).toThrow(error);
  });

  it('is refused when anything in it is changed', () => {
    const other = sha([42]);
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.nat(1000),
        fc.constantFrom('sibling', 'shorter', 'longer', 'empty', 'end', 'no end', 'key', 'root'),
        (n, pick, what) => {
          const { key } = leafOf(n);
          const proof = proveFrom(leaves, key);
          const { siblings, end } = proof;
          const place = pick % siblings.length;
          const claim = { root, key, proof };
          const changes: Record<typeof what, () => typeof claim> = {
            sibling: () => ({ ...claim, proof: { siblings: siblings.with(place, other), end } }),
            shorter: () => ({ ...claim, proof: { siblings: siblings.toSpliced(place, 1), end } }),
            longer: () => ({
              ...claim,
              proof: { siblings: siblings.toSpliced(place, 0, other), end },
            }),
            empty: () => ({ ...claim, proof: { siblings: siblings.with(place, null), end } }),
            end: () => ({ ...claim, proof: { siblings, end: { key, valueHash: other } } }),
            'no end': () => ({ ...claim, proof: { siblings, end: null } }),
            key: () => ({ ...claim, key: other }),
            root: () => ({ ...claim, root: other }),
          };
          if (what === 'empty' && siblings[place] === null) return;
          if (what === 'no end' && end === null) return;
          // A key on the same way is a good question to ask of the same proof.
          if (what === 'key' && bitsOf(other).startsWith(bitsOf(key).slice(0, siblings.length))) {
            return;
          }
          expect(() => verifyMapProof(changes[what]())).toThrow(
            expect.objectContaining({ code: expect.stringMatching(/^proof\//) }),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('cannot pass a node off as a leaf or a leaf as a node', () => {
    const pair = [withKey('0'), withKey('1')] as const;
    const top = mapRoot(pair);
    // A leaf's preimage has 65 bytes and a node's 64: the children of a node read as key and value
    // hash give another hash.
    const [left, right] = pair.map((leaf) => mapLeafHash(leaf)) as [Hash, Hash];
    expect(mapNodeHash(left, right)).toEqual(top);
    const posing = { siblings: [], end: { key: left, valueHash: right } };
    expect(() => verifyMapProof({ root: top, key: left, proof: posing })).toThrow(
      code('proof/root-mismatch'),
    );
  });

  it('has one form for each key: other shapes of the same tree are refused', () => {
    const lone = withKey('0101');
    const sunk = { siblings: [null], end: lone };
    const sunkRoot = mapNodeHash(mapLeafHash(lone), EMPTY_MAP_ROOT);
    expect(() => verifyMapProof({ root: sunkRoot, key: lone.key, proof: sunk })).toThrow(
      code('proof/map-shape'),
    );
    const zeros = { siblings: [EMPTY_MAP_ROOT, sha([1])], end: lone };
    expect(() => verifyMapProof({ root, key: lone.key, proof: zeros })).toThrow(
      code('proof/map-shape'),
    );
    const elsewhere = { siblings: [sha([1])], end: withKey('1') };
    expect(() => verifyMapProof({ root, key: lone.key, proof: elsewhere })).toThrow(
      code('proof/map-shape'),
    );
    const tooDeep = { siblings: Array.from({ length: 257 }, () => sha([1])), end: null };
    expect(() => verifyMapProof({ root, key: lone.key, proof: tooDeep })).toThrow(
      code('proof/path-length'),
    );
    const short = new Uint8Array(31) as Hash;
    for (const proof of [
      { siblings: [short], end: null },
      { siblings: [], end: { key: short, valueHash: root } },
      { siblings: [], end: { key: root, valueHash: short } },
    ]) {
      expect(() => verifyMapProof({ root, key: lone.key, proof })).toThrow(
        code('proof/hash-length'),
      );
    }
  });
});

describe('the bytes of a map proof', () => {
  const anyHash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes as Hash);
  const anyProof: fc.Arbitrary<MapProof> = fc.record({
    siblings: fc.array(fc.option(anyHash), { maxLength: 256, size: 'max' }),
    end: fc.option(fc.record({ key: anyHash, valueHash: anyHash })),
  });

  it('read back to the same proof, and never to two', () => {
    fc.assert(
      fc.property(anyProof, (proof) => {
        const bytes = mapProofCodec.encode(proof);
        expect(mapProofCodec.decode(bytes)).toEqual(proof);
        expect(mapProofCodec.encode(mapProofCodec.decode(bytes))).toEqual(bytes);
      }),
    );
  });

  it('are refused cut short, lengthened, with a bad flag, bit or depth', () => {
    const leaves = [withKey('00'), withKey('01'), withKey('1')];
    const bytes = mapProofCodec.encode(proveFrom(leaves, keyOf('00')));
    const refused = expect.objectContaining({ name: 'DecodeError' });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => mapProofCodec.decode(bytes.subarray(0, length))).toThrow(refused);
    }
    expect(() => mapProofCodec.decode(new Uint8Array([...bytes, 0]))).toThrow(refused);
    expect(bytes[1]).toBe(2);
    expect(() => mapProofCodec.decode(bytes.with(2, 0b1110_0000))).toThrow(code('decode/flag'));
    expect(() => mapProofCodec.decode(bytes.with(2 + 1 + 64, 2))).toThrow(code('decode/flag'));
    expect(() => mapProofCodec.decode(bytes.with(0, 1).with(1, 1))).toThrow(code('decode/count'));
    expect(() => mapProofCodec.decode(new Uint8Array(100_000))).toThrow(code('decode/length'));
  });

  it('of a million leaves would be about 700', () => {
    const depth = 20;
    const proof = { siblings: Array.from({ length: depth }, () => sha([1])), end: leafOf(1) };
    expect(mapProofCodec.encode(proof)).toHaveLength(2 + 3 + depth * 32 + 1 + 64);
  });
});
