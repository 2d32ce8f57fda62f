/**
 * Lists and maps word for word as their definitions read, slow and plain: the model that the real
 * ones are held against.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'fanal/primitives/hash.ts';

export function sha(...parts: (Uint8Array | number[])[]): Hash {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(Uint8Array.from(part));
  return new Uint8Array(hash.digest()) as Hash;
}

/** MTH of RFC 6962 §2.1, over the leaves' data. */
export function naiveRoot(data: readonly Uint8Array[]): Hash {
  if (data.length === 0) return sha();
  if (data.length === 1) return sha([0], data[0] as Uint8Array);
  const k = powerBelow(data.length);
  return sha([1], naiveRoot(data.slice(0, k)), naiveRoot(data.slice(k)));
}

/** PATH(m, D[n]) of RFC 6962 §2.1.1. */
export function naivePath(m: number, data: readonly Uint8Array[]): Hash[] {
  if (data.length === 1) return [];
  const k = powerBelow(data.length);
  return m < k
    ? [...naivePath(m, data.slice(0, k)), naiveRoot(data.slice(k))]
    : [...naivePath(m - k, data.slice(k)), naiveRoot(data.slice(0, k))];
}

/** PROOF(m, D[n]) of RFC 6962 §2.1.2. */
export function naiveProof(m: number, data: readonly Uint8Array[]): Hash[] {
  return naiveSubproof(m, data, true);
}

function naiveSubproof(m: number, data: readonly Uint8Array[], whole: boolean): Hash[] {
  if (m === data.length) return whole ? [] : [naiveRoot(data)];
  const k = powerBelow(data.length);
  return m <= k
    ? [...naiveSubproof(m, data.slice(0, k), whole), naiveRoot(data.slice(k))]
    : [...naiveSubproof(m - k, data.slice(k), false), naiveRoot(data.slice(0, k))];
}

/** The largest power of two below n. */
function powerBelow(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** The root of a compressed sparse map, from its entries with keys in bits: `0110…`. */
export function naiveMapRoot(
  entries: readonly { bits: string; key: Uint8Array; valueHash: Uint8Array }[],
  prefix = '',
): Hash {
  const inside = entries.filter(({ bits }) => bits.startsWith(prefix));
  const [only] = inside;
  if (only === undefined) return new Uint8Array(32) as Hash;
  if (inside.length === 1) return sha([0], only.key, only.valueHash);
  return sha(naiveMapRoot(inside, `${prefix}0`), naiveMapRoot(inside, `${prefix}1`));
}

export function bitsOf(key: Uint8Array): string {
  return Array.from(key, (byte) => byte.toString(2).padStart(8, '0')).join('');
}
