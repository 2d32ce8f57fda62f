import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyNatively } from '../../support/native.ts';
import { allVectors, vectorText } from '../../support/vectors/all.ts';
import { readVectors, VECTOR_FOLDER } from '../../support/vectors/read.ts';
import { runCase } from '../../support/vectors/run-cases.ts';

const WRITER = 'test/support/vectors/write.ts';
const vectors = readVectors();

describe.each(Object.entries(vectors))('%s', (name, { cases }) => {
  it.each(cases)('$name', async (item) => {
    expect(await runCase(name, item, verifyNatively)).toBeNull();
  });
});

describe('all vectors together', () => {
  const files = Object.values(vectors);

  it('say where they come from, and name no case twice', () => {
    for (const file of files) {
      expect(file.schema).toBe('fanal.vectors/1');
      expect(file.origin).toContain('made by this project');
      const names = file.cases.map(({ name, bytes }) => `${name} ${bytes}`);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('are what their generator writes', () => {
    const stale = [...allVectors()]
      .filter(([name, file]) => {
        return readFileSync(join(VECTOR_FOLDER, `${name}.json`), 'utf8') !== vectorText(file);
      })
      .map(([name]) => name);
    expect(stale, `run node ${WRITER}`).toEqual([]);
  });

  it('have a case for every refusal that a proof, an update or a file can meet', () => {
    const areas =
      /^(address|amount|checkpoint|coins|evidence|freshness|genesis|handover|history|note|proof|receipt|tile|trust|update|validators)\//;
    const elsewhere = new Set([
      // Not on the wire, or another room's: a client's own question, tiles, bytes of a note.
      'proof/absent',
      'proof/another-transaction',
      'proof/map-duplicate',
      'proof/tile-mismatch',
      'note/utf-8',
      // Of files beside the proof: a whole block, a document, the ceremony's registrations.
      'proof/block',
      'proof/transactions',
      'receipt/document',
      'genesis/possession',
      // Of a network's sources, and of the ceremony's drafts.
      'genesis/draft',
      'genesis/another-chain',
      // Sums that the root of a certified state rules out; checked all the same.
      'coins/balance',
    ]);
    const errors = readFileSync(join(VECTOR_FOLDER, '../../../docs/errors.md'), 'utf8');
    const codes = [...errors.matchAll(/^\| `([a-z]+\/[a-z0-9-]+)`/gm)].map(([, code]) => code!);
    const refused = new Set(files.flatMap(({ cases }) => cases.map((item) => item.refused)));
    const missing = codes.filter(
      (code) => areas.test(code) && !elsewhere.has(code) && !refused.has(code),
    );
    expect(missing).toEqual([]);
  });
});
