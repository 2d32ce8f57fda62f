import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const CODE = '[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*';

/** The codes that docs/errors.md explains. */
const documented = new Set(
  [
    ...readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').matchAll(
      new RegExp(`^\\| ((?:\`${CODE}\`(?:, )?)+) *\\|`, 'gm'),
    ),
  ].flatMap(([, cell]) => [...(cell as string).matchAll(/`([^`]+)`/g)].map(([, code]) => code!)),
);
const areas = new Set([...documented].map((code) => code.split('/')[0]));

/** Source texts of a room, without comments. */
function sources(room: string): string[] {
  return readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('dist/'))
    .map((file) =>
      readFileSync(join(ROOT, room, file), 'utf8')
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .replace(/^\s*\/\/.*$/gm, ''),
    );
}

/** Codes of errors made in a text: what an error is given, and any string of a known area. */
function codesIn(text: string): string[] {
  const given = [...text.matchAll(new RegExp(`(?:Error|super|refuse)\\(\\s*'(${CODE})'`, 'g'))];
  const known = [...text.matchAll(new RegExp(`'(${CODE})'`, 'g'))].filter(([, code]) =>
    areas.has(code!.split('/')[0]),
  );
  const decode = [...text.matchAll(/\.error\(\s*'([a-z-]+)'/g)].map(([, kind]) => `decode/${kind}`);
  return [...given.map(([, code]) => code!), ...known.map(([, code]) => code!), ...decode];
}

const thrown = new Set(sources('shared').flatMap(codesIn));

it('every code that the library throws is explained in docs/errors.md', () => {
  const missing = [...thrown].filter((code) => !documented.has(code)).sort();
  expect(missing).toEqual([]);
});

it('every code that a node throws is explained, too', () => {
  const missing = [...new Set(sources('node').flatMap(codesIn))]
    .filter((code) => !documented.has(code))
    .sort();
  expect(missing).toEqual([]);
});

it('no explained code is dead', () => {
  const everywhere = new Set([...thrown, ...sources('node').flatMap(codesIn)]);
  for (const text of sources('workers')) for (const code of codesIn(text)) everywhere.add(code);
  const dead = [...documented].filter((code) => !everywhere.has(code)).sort();
  expect(dead).toEqual([]);
});
