import { verifyWithWebCrypto } from 'fanal/crypto/webcrypto.ts';
import { expect, it } from 'vitest';
import { failuresOf } from '../support/vectors/run-cases.ts';
import type { VectorFile } from '../support/vectors/vector-json.ts';

const texts = import.meta.glob<string>('../vectors/fanal/**/*.json', {
  query: '?raw',
  import: 'default',
  eager: true,
});

it('every vector of the project does what it says in workerd, by WebCrypto', async () => {
  const verify = verifyWithWebCrypto(crypto.subtle);
  const files = Object.entries(texts);
  expect(files.length).toBeGreaterThan(40);
  for (const [path, text] of files) {
    const name = path.replace('../vectors/fanal/', '').replace('.json', '');
    expect(await failuresOf(name, JSON.parse(text) as VectorFile, verify)).toEqual([]);
  }
});
