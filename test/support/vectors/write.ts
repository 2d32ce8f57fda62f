/**
 * Writes the project's own vectors: `node test/support/vectors/write.ts`. Run it when the protocol
 * changes, and read the difference.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { allVectors, vectorText } from './all.ts';

const FOLDER = join(import.meta.dirname, '../../vectors/fanal');

rmSync(join(FOLDER, 'codec'), { recursive: true, force: true });
for (const [name, file] of allVectors()) {
  const path = join(FOLDER, `${name}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, vectorText(file));
  const refusals = file.cases.filter(({ refused }) => refused !== undefined).length;
  console.log(`${name}: ${file.cases.length - refusals} hold, ${refusals} are refused`);
}
