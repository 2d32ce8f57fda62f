import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '');
const source = tracked.filter(
  (path) => /\.(ts|tsx)$/.test(path) && !path.startsWith('test/') && !path.endsWith('.gen.ts'),
);
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** What each import statement of a file names. */
function importsOf(path: string): string[] {
  const names: string[] = [];
  for (const match of read(path).matchAll(/(?<!')(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    names.push(match[1] as string);
  }
  return names;
}

/** The room of the repository that an import leads to, or null for a package. */
function target(path: string, name: string): string | null {
  if (name.startsWith('.')) return relative(root, resolve(root, dirname(path), name));
  if (name === 'fanal') return 'shared/index.ts';
  if (name.startsWith('fanal/')) return `shared/${name.slice('fanal/'.length)}`;
  return null;
}

describe('the rooms', () => {
  it('node and workers meet only on the wire', () => {
    const offenders = source.flatMap((path) =>
      importsOf(path)
        .map((name) => target(path, name))
        .filter(
          (to) =>
            to !== null &&
            ((path.startsWith('workers/') && to.startsWith('node/')) ||
              (path.startsWith('node/') && to.startsWith('workers/')) ||
              (path.startsWith('shared/') && !to.startsWith('shared/'))),
        )
        .map((to) => `${path} -> ${to}`),
    );
    expect(offenders).toEqual([]);
  });

  it('the node loads the query builder in one place, which takes its CommonJS files', () => {
    const offenders = source.filter(
      (path) => path.startsWith('node/') && /^import (?!type\b).*'drizzle-orm/m.test(read(path)),
    );
    expect(offenders).toEqual([]);
  });

  it('the consensus core imports the protocol and itself alone', () => {
    const offenders = source
      .filter((path) => path.startsWith('node/core/'))
      .flatMap((path) =>
        importsOf(path)
          .filter((name) => {
            const to = target(path, name);
            return to === null || !(to.startsWith('node/core/') || to.startsWith('shared/'));
          })
          .map((name) => `${path} -> ${name}`),
      );
    expect(offenders).toEqual([]);
  });

  it('the protocol depends on noble and scure packages alone', () => {
    const offenders = source
      .filter((path) => path.startsWith('shared/'))
      .flatMap((path) =>
        importsOf(path)
          .filter((name) => target(path, name) === null && !/^@(noble|scure)\//.test(name))
          .map((name) => `${path} -> ${name}`),
      );
    expect(offenders).toEqual([]);
  });

  it('rooms of the protocol import only from the rooms beneath them', () => {
    const order = [
      'primitives',
      'crypto',
      'merkle',
      'chain',
      'checkpoint',
      'light',
      'api',
      'wallet',
    ];
    const sameFloor = new Set(['crypto->merkle', 'merkle->crypto']);
    const offenders: string[] = [];
    for (const path of source.filter((name) => name.startsWith('shared/'))) {
      const from = order.indexOf(path.split('/')[1] as string);
      if (from < 0) continue;
      for (const name of importsOf(path)) {
        const to = target(path, name);
        if (to === null) continue;
        const room = to.split('/')[1] as string;
        const floor = order.indexOf(room);
        if (floor > from || sameFloor.has(`${order[from]}->${room}`)) {
          offenders.push(`${path} -> ${to}`);
        }
      }
    }
    expect(offenders).toEqual([]);
  });

  it('nothing lies deeper than two folders below its room', () => {
    const deep = source.filter((path) => path.split('/').length > 4);
    expect(deep).toEqual([]);
  });
});

describe('the tree', () => {
  it('every source file is reached from an entry point, a test or a script', () => {
    const all = tracked.filter((path) => /\.(ts|tsx)$/.test(path) && !path.endsWith('.gen.ts'));
    const reached = new Set<string>();
    for (const path of all) {
      const text = read(path);
      for (const name of importsOf(path)) {
        const to = target(path, name);
        if (to !== null) reached.add(to);
      }
      for (const match of text.matchAll(/new URL\(\s*'([^']+)'/g)) {
        reached.add(relative(root, resolve(root, dirname(path), match[1] as string)));
      }
      for (const match of text.matchAll(
        /['"`]((?:node|workers|shared|test)\/[\w./-]+\.tsx?)['"`]/g,
      )) {
        reached.add(match[1] as string);
      }
    }
    const named = tracked
      .filter((path) =>
        /(^|\/)(package\.json|wrangler\.toml|.*\.config\.ts|.*\.html|.*\.capnp)$/.test(path),
      )
      .map((path) => [dirname(path), read(path)] as const);
    const orphans = all.filter((path) => {
      if (reached.has(path) || path.endsWith('.d.ts')) return false;
      if (path.startsWith('test/') && /\.test\.ts$|\.bench\.ts$/.test(path)) return false;
      if (/\.config\.ts$/.test(path)) return false;
      if (path.startsWith('docs/examples/')) return false;
      return !named.some(
        ([folder, text]) => text.includes(relative(folder, path)) || text.includes(path),
      );
    });
    expect(orphans).toEqual([]);
  });

  it('files are kebab-case nouns', () => {
    const odd = source.filter((path) => !/^[a-z0-9.-]+$/.test(path.split('/').at(-1) as string));
    expect(odd).toEqual([]);
  });

  it('every dependency is pinned exactly', () => {
    const loose: string[] = [];
    for (const path of [
      'package.json',
      'shared/package.json',
      'node/package.json',
      'workers/package.json',
    ]) {
      const manifest = JSON.parse(read(path));
      for (const group of ['dependencies', 'devDependencies', 'optionalDependencies']) {
        for (const [name, version] of Object.entries(manifest[group] ?? {})) {
          if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version as string))
            loose.push(`${path}: ${name}@${version}`);
        }
      }
    }
    expect(loose).toEqual([]);
  });

  it('every link of the docs leads to a file', () => {
    const broken: string[] = [];
    for (const path of tracked.filter(
      (name) => name.endsWith('.md') && !name.startsWith('test/vectors/'),
    )) {
      for (const match of read(path).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)) {
        const to = relative(root, resolve(root, dirname(path), match[1] as string));
        if (!tracked.some((name) => name === to || name.startsWith(`${to}/`)))
          broken.push(`${path} -> ${to}`);
      }
    }
    expect(broken).toEqual([]);
  });
});
