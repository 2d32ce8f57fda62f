/**
 * Maps as compressed binary sparse Merkle trees over 32-byte keys: one short proof that a key has a
 * value, or that it has none (docs/protocol.md §4). Here is what a client checks; building a map
 * and proving from it is in `map-tree.ts`.
 */
import { type Bytes, equalBytes, toHex, ZERO_32 } from '../primitives/bytes.ts';
import { type Codec, codec, type Reader, type Writer } from '../primitives/codec.ts';
import { VerificationError } from '../primitives/errors.ts';
import { type Hash, type HashFunction, sha256 } from '../primitives/hash.ts';
import { checkHashes, checkRoot } from './proof-checks.ts';

/** A leaf: its key, and the SHA-256 of its value. */
export interface MapLeaf {
  readonly key: Hash;
  readonly valueHash: Hash;
}

/** The way from the root to where a key is, or would be. */
export interface MapProof {
  /** The subtrees beside the way, from the root down; `null` is an empty one. */
  readonly siblings: readonly (Hash | null)[];
  /** What stands at the end: the key's leaf, another one on the same way, or nothing. */
  readonly end: MapLeaf | null;
}

/** What a proof says of its key. */
export type MapAnswer =
  | { readonly present: true; readonly leafValueHash: Hash }
  | { readonly present: false };

/** The root of an empty subtree, and of an empty map. */
export const EMPTY_MAP_ROOT: Hash = ZERO_32;
/** The depth of the deepest leaf there can be. */
export const MAX_MAP_DEPTH = 256;

/** The hash of a leaf: SHA-256(0x00 ‖ key ‖ SHA-256(value)). */
export function mapLeafHash(leaf: MapLeaf, hash: HashFunction = sha256): Hash {
  const bytes = new Uint8Array(65);
  bytes.set(leaf.key, 1);
  bytes.set(leaf.valueHash, 33);
  return hash(bytes);
}

/** The hash of a node: SHA-256(left ‖ right). */
export function mapNodeHash(left: Hash, right: Hash, hash: HashFunction = sha256): Hash {
  const bytes = new Uint8Array(64);
  bytes.set(left, 0);
  bytes.set(right, 32);
  return hash(bytes);
}

/** Which way a key goes at a depth: 0 left, 1 right, from the most significant bit on. */
export function mapBit(key: Bytes, depth: number): 0 | 1 {
  return (((key[depth >> 3] as number) >> (7 - (depth & 7))) & 1) as 0 | 1;
}

/**
 * Checks what a proof says of a key.
 *
 * @throws {VerificationError} `proof/hash-length`, `proof/path-length`, `proof/map-shape`,
 *   `proof/root-mismatch`
 */
export function verifyMapProof(claim: {
  readonly root: Hash;
  readonly key: Hash;
  readonly proof: MapProof;
}): MapAnswer {
  const { root, key, proof } = claim;
  const { siblings, end } = proof;
  const step = 'map proof';
  checkHashes(step, [root, key, ...siblings.filter((sibling) => sibling !== null)]);
  if (end !== null) checkHashes(step, [end.key, end.valueHash]);
  checkShape(step, key, proof);
  let hash = end === null ? EMPTY_MAP_ROOT : mapLeafHash(end);
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const sibling = siblings[depth] ?? EMPTY_MAP_ROOT;
    hash = mapBit(key, depth) === 1 ? mapNodeHash(sibling, hash) : mapNodeHash(hash, sibling);
  }
  checkRoot(step, root, hash);
  return end !== null && equalBytes(end.key, key)
    ? { present: true, leafValueHash: end.valueHash }
    : { present: false };
}

/**
 * Checks that a key has exactly this value, or, for `null`, that it has none.
 *
 * @throws {VerificationError} what `verifyMapProof` throws, and `proof/map-value`
 */
export function verifyMapValue(claim: {
  readonly root: Hash;
  readonly key: Hash;
  readonly value: Bytes | null;
  readonly proof: MapProof;
}): void {
  const answer = verifyMapProof(claim);
  const expected = claim.value === null ? 'no value' : `value hash ${toHex(sha256(claim.value))}`;
  const found = answer.present ? `value hash ${toHex(answer.leafValueHash)}` : 'no value';
  if (expected !== found) {
    throw new VerificationError('proof/map-value', 'map proof', expected, found);
  }
}

/**
 * The root of a map that has exactly these leaves, computed from nothing else. This is how a client
 * checks that a list of coins is complete.
 *
 * @throws {VerificationError} `proof/map-duplicate` when a key comes twice
 */
export function mapRoot(leaves: readonly MapLeaf[], hash: HashFunction = sha256): Hash {
  const build = (part: readonly MapLeaf[], depth: number): Hash => {
    const [first, second] = part;
    if (first === undefined) return EMPTY_MAP_ROOT;
    if (second === undefined) return mapLeafHash(first, hash);
    if (depth === MAX_MAP_DEPTH) {
      throw new VerificationError(
        'proof/map-duplicate',
        'map root',
        'each key once',
        toHex(first.key),
      );
    }
    const left = build(
      part.filter((leaf) => mapBit(leaf.key, depth) === 0),
      depth + 1,
    );
    const right = build(
      part.filter((leaf) => mapBit(leaf.key, depth) === 1),
      depth + 1,
    );
    return mapNodeHash(left, right, hash);
  };
  checkHashes(
    'map root',
    leaves.flatMap((leaf) => [leaf.key, leaf.valueHash]),
  );
  return build(leaves, 0);
}

/** The most bytes that a proof takes: the depth, the bitmap, 256 siblings, a leaf. */
const MAX_MAP_PROOF_BYTES = 2 + 32 + MAX_MAP_DEPTH * 32 + 1 + 64;

/**
 * Depth u16, a bitmap of the siblings that are not empty (first at the top bit, spare bits zero),
 * those siblings, one byte 0 or 1, and with 1 the leaf at the end.
 */
export const mapProofCodec: Codec<MapProof> = /* @__PURE__ */ codec(
  'map proof',
  MAX_MAP_PROOF_BYTES,
  write,
  read,
);

function write(writer: Writer, { siblings, end }: MapProof): void {
  const bitmap = new Uint8Array(Math.ceil(siblings.length / 8));
  siblings.forEach((sibling, i) => {
    if (sibling !== null) bitmap[i >> 3] = (bitmap[i >> 3] as number) | (0x80 >> (i & 7));
  });
  writer.u16(siblings.length).bytes(bitmap, bitmap.length);
  for (const sibling of siblings) if (sibling !== null) writer.bytes(sibling, 32);
  writer.option(end, (to, leaf) => to.bytes(leaf.key, 32).bytes(leaf.valueHash, 32));
}

function read(reader: Reader): MapProof {
  const depth = reader.u16();
  if (depth > MAX_MAP_DEPTH) {
    throw reader.error('count', `expected at most ${MAX_MAP_DEPTH} siblings, found ${depth}`);
  }
  const bitmap = reader.bytes(Math.ceil(depth / 8));
  if (depth % 8 !== 0 && ((bitmap.at(-1) as number) & (0xff >> (depth % 8))) !== 0) {
    throw reader.error('flag', 'expected zero in the spare bits of the bitmap');
  }
  const siblings: (Hash | null)[] = [];
  for (let i = 0; i < depth; i++) {
    siblings.push(mapBit(bitmap, i) === 1 ? reader.bytes32() : null);
  }
  const end = reader.option((from) => ({ key: from.bytes32(), valueHash: from.bytes32() }));
  return { siblings, end };
}

/**
 * A map with given leaves has one shape, so a key has one proof: refuses depths that cannot be, a
 * leaf that is not on the key's way, and an end that would have risen because nothing is beside it.
 */
function checkShape(step: string, key: Hash, { siblings, end }: MapProof): void {
  const depth = siblings.length;
  if (depth > MAX_MAP_DEPTH) {
    throw new VerificationError(
      'proof/path-length',
      step,
      `at most ${MAX_MAP_DEPTH} siblings`,
      `${depth}`,
    );
  }
  if (depth > 0 && isEmpty(siblings[depth - 1] as Hash | null)) {
    throw new VerificationError('proof/map-shape', step, 'a last sibling', 'an empty one');
  }
  if (siblings.some((sibling) => sibling !== null && isEmpty(sibling))) {
    throw new VerificationError('proof/map-shape', step, 'empty siblings marked as such', 'zeros');
  }
  for (let bit = 0; end !== null && bit < depth; bit++) {
    if (mapBit(end.key, bit) === mapBit(key, bit)) continue;
    throw new VerificationError(
      'proof/map-shape',
      step,
      `a leaf on the way of ${toHex(key)}`,
      `leaf ${toHex(end.key)} at depth ${depth}`,
    );
  }
}

function isEmpty(sibling: Hash | null): boolean {
  return sibling === null || equalBytes(sibling, EMPTY_MAP_ROOT);
}
