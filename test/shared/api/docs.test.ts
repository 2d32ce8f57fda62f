import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type CacheClass, cacheControl } from 'fanal/api/cache.ts';
import { PROBLEMS } from 'fanal/api/problem.ts';
import { ROUTES, type RouteDefinition } from 'fanal/api/routes.ts';
import { expect, it } from 'vitest';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/api.md'), 'utf8');

it('the HTTP page lists every route as the table has it', () => {
  const rows = Object.values(ROUTES).map((route: RouteDefinition) => {
    const query = route.query.length === 0 ? '' : ` \`?${route.query.join('&')}\``;
    const sized = route.sizedCache === null ? '' : `, ${route.sizedCache} with \`at\``;
    const bytes = route.bytes === null ? '–' : `\`${route.bytes}\``;
    return `| \`${route.method} ${route.path}\`${query} | ${route.summary} | ${route.trust} | ${route.cache}${sized} | ${bytes} |`;
  });
  const listed = page.split('\n').filter((line) => /^\| `(?:GET|POST) /.test(line));
  expect(listed.toSorted()).toEqual(rows.toSorted());
});

it('the HTTP page has every problem with its status, and every cache policy', () => {
  for (const [code, { status }] of Object.entries(PROBLEMS)) {
    const row = page
      .split('\n')
      .find((line) => line.startsWith('| `') && line.includes(`\`${code}\``));
    expect(row, code).toContain(`| ${status} |`);
  }
  const classes: CacheClass[] = [
    'tip',
    'immutable',
    'partial',
    'unsized',
    'absent',
    'reported',
    'docs',
    'none',
  ];
  for (const one of classes) expect(page).toContain(`\`${cacheControl(one)}\``);
});
