/**
 * Reads test vectors from `test/vectors/`.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CASE_FILES, type CaseTexts, type Verdicts } from './ed25519-cases.ts';

const FOLDER = resolve(import.meta.dirname, '../vectors');

export function readVector(path: string): string {
  return readFileSync(join(FOLDER, path), 'utf8');
}

export function readCaseTexts(): CaseTexts {
  return {
    cctv: readVector(CASE_FILES.cctv),
    speccheck: readVector(CASE_FILES.speccheck),
    zip215: readVector(CASE_FILES.zip215),
    wycheproof: readVector(CASE_FILES.wycheproof),
  };
}

/** The one verdict table. */
export function readVerdicts(): Verdicts {
  return JSON.parse(readVector('ed25519-verdicts/verdicts.json')).accepted;
}
