/**
 * The committed vectors, as they are on disk.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VectorFile } from './vector-json.ts';

export const VECTOR_FOLDER = join(import.meta.dirname, '../../vectors/fanal');

/** Every file by its name without ending, `codec/header` and the like among them. */
export function readVectors(): Record<string, VectorFile> {
  const names = readdirSync(VECTOR_FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
  return Object.fromEntries(
    names.map((name) => [
      name,
      JSON.parse(readFileSync(join(VECTOR_FOLDER, `${name}.json`), 'utf8')),
    ]),
  );
}
