import { expect, it } from 'vitest';
import { bundle, VERIFIER } from '../../support/bundle.ts';

it('the verifier is at most 12 kB gzipped, hashes included', async () => {
  const { gzippedBytes } = await bundle(VERIFIER);
  expect(gzippedBytes).toBeLessThanOrEqual(12_000);
});

it('the verifier carries no curve, and no dependency but SHA-256', async () => {
  const { inputs } = await bundle(VERIFIER);
  const foreign = inputs.filter((path) => path.includes('node_modules'));
  expect(foreign.map((path) => path.replace(/^.*node_modules\//, '')).sort()).toEqual([
    '@noble/hashes/_md.js',
    '@noble/hashes/_u64.js',
    '@noble/hashes/sha2.js',
    '@noble/hashes/utils.js',
  ]);
});

it('the whole of fanal/light carries no curve either', async () => {
  const { inputs } = await bundle("export * from 'fanal/light';");
  expect(inputs.filter((path) => path.includes('curves'))).toEqual([]);
});
