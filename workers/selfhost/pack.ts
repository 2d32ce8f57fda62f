/**
 * `npm run package`: makes the two packages that people install out of the sources, as plain
 * JavaScript: `fanal`, the SDK, and `fanal-node`, the command line with the gateway and the page.
 *
 * `fanal-node` has the folders of this repository, so every file finds the others where it does
 * here. The archives lie in `dist/packages/` afterwards.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { transform } from 'esbuild';
import { bundleWorker } from './bundle.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const OUT = join(ROOT, 'dist/packages');
/** Relative names of sources in imports and in `new URL`. */
const SPECIFIER = /((?:from|import|URL)\s*\(?\s*['"]\.{1,2}\/[^'"\n]*)\.ts(?=['"])/g;

interface Manifest {
  readonly [name: string]: unknown;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

async function main(): Promise<void> {
  rmSync(OUT, { recursive: true, force: true });
  execFileSync('npx', ['tsc', '-b', 'shared'], { cwd: ROOT, stdio: 'inherit' });
  const archives = [await packSdk(), await packNode()].map((folder) =>
    execFileSync('npm', ['pack', folder, '--pack-destination', OUT, '--silent'], {
      cwd: ROOT,
      encoding: 'utf8',
    }).trim(),
  );
  for (const name of archives) console.log(join(OUT, name));
}

async function packSdk(): Promise<string> {
  const folder = join(OUT, 'fanal');
  for (const path of filesOf('shared')) {
    const target = path.slice('shared/'.length);
    await compile(path, join(folder, asJavaScript(target)));
    const types = target.replace(/\.ts$/, '.d.ts');
    write(join(folder, types), renamed(read(join('shared/dist', types))));
  }
  const entry = (name: string) => ({ types: `${name}.d.ts`, default: `${name}.js` });
  writeManifest(folder, {
    ...manifestOf('shared'),
    exports: {
      '.': entry('./index'),
      './light': entry('./light/index'),
      './wallet': entry('./wallet/index'),
      './testing': entry('./testing/index'),
      './*.ts': entry('./*'),
    },
  });
  cpSync(join(ROOT, 'docs/sdk.md'), join(folder, 'README.md'));
  return folder;
}

async function packNode(): Promise<string> {
  const folder = join(OUT, 'fanal-node');
  const sources = [...filesOf('node'), ...filesOf('workers')].filter(
    (path) => !path.startsWith('workers/web/') && !path.endsWith('/pack.ts'),
  );
  for (const path of sources) await compile(path, join(folder, asJavaScript(path)));
  cpSync(join(ROOT, 'migrations'), join(folder, 'migrations'), { recursive: true });
  cpSync(join(ROOT, 'workers/web/dist'), join(folder, 'workers/web/dist'), { recursive: true });
  write(join(folder, 'workers/dist/worker.js'), await bundleWorker());
  const [node, workers] = [manifestOf('node'), manifestOf('workers')];
  const {
    preact: _,
    '@preact/signals': __,
    'qrcode-generator': ___,
    ...own
  } = workers.dependencies;
  const root = JSON.parse(read('package.json')) as { optionalDependencies: object };
  const workerd = JSON.parse(read('node_modules/workerd/package.json')) as Manifest;
  writeManifest(join(folder, 'node'), { type: 'module', name: node.name, version: node.version });
  writeManifest(folder, {
    ...node,
    bin: { fanal: 'bin/fanal.js' },
    dependencies: { ...own, ...node.dependencies, workerd: workerd.version },
    optionalDependencies: root.optionalDependencies,
  });
  cpSync(join(ROOT, 'node/bin'), join(folder, 'bin'), { recursive: true });
  cpSync(join(ROOT, 'README.md'), join(folder, 'README.md'));
  return folder;
}

/** Sources of a room, as the repository has them. */
function filesOf(room: string): string[] {
  const text = execFileSync('git', ['ls-files', '--', room], { cwd: ROOT, encoding: 'utf8' });
  return text.split('\n').filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'));
}

async function compile(path: string, target: string): Promise<void> {
  const { code } = await transform(read(path), { loader: 'ts', format: 'esm', target: 'es2024' });
  write(target, renamed(code));
}

const asJavaScript = (path: string) => path.replace(/\.ts$/, '.js');
const renamed = (code: string) => code.replaceAll(SPECIFIER, '$1.js');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** A workspace's manifest; `private` there keeps the sources from being published. */
function manifestOf(room: string): Manifest {
  const { private: _, ...manifest } = JSON.parse(read(`${room}/package.json`));
  return manifest;
}

function writeManifest(folder: string, manifest: object): void {
  write(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
}

await main();
