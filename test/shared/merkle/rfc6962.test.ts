import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { listHasherOf, verifyInclusion } from 'fanal/merkle/list.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { describe, expect, it } from 'vitest';
import { sha } from '../../support/naive-merkle.ts';
import { readVector } from '../../support/vectors.ts';

const SET = 'merkle-rfc6962/testdata/inclusion';
const files = readdirSync(resolve(import.meta.dirname, '../../vectors', SET), {
  recursive: true,
  encoding: 'utf8',
}).filter((name) => name.endsWith('.json'));

/** The two files with the index 2^64 − 1 need their numbers read as they are written. */
function readCase(name: string) {
  const text = readVector(`${SET}/${name}`).replace(/(:\s*)(\d+)/g, '$1"$2"');
  const { leafIdx, treeSize, root, leafHash, proof, wantErr } = JSON.parse(text);
  const hash = (base64: string | null) =>
    new Uint8Array(Buffer.from(base64 ?? '', 'base64')) as Hash;
  return {
    claim: {
      index: BigInt(leafIdx),
      size: BigInt(treeSize),
      root: hash(root),
      leaf: hash(leafHash),
      path: (proof ?? []).map(hash),
    },
    isRefused: wantErr as boolean,
  };
}

describe('the RFC 6962 inclusion vectors of transparency-dev', () => {
  it('are 98: 6 to accept and 92 to refuse', () => {
    expect(files).toHaveLength(98);
    expect(files.filter((name) => readCase(name).isRefused)).toHaveLength(92);
  });

  it('hold two indexes beyond any u64 of ours', () => {
    const huge = files.filter((name) => readCase(name).claim.index === 2n ** 64n - 1n);
    expect(huge).toHaveLength(2);
  });

  for (const name of files.sort()) {
    const { claim, isRefused } = readCase(name);
    it(`${isRefused ? 'refuses' : 'accepts'} ${name}`, () => {
      for (const hasher of [undefined, listHasherOf((bytes) => sha(bytes))]) {
        if (isRefused) {
          expect(() => verifyInclusion(claim, hasher)).toThrow(
            expect.objectContaining({ name: 'VerificationError' }),
          );
        } else {
          verifyInclusion(claim, hasher);
        }
      }
    });
  }
});
