/**
 * The packages that people install: made, unpacked where npm would put them, and used. What they
 * depend on is linked from this repository, so nothing is downloaded.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../node/testnet/local.ts';
import { ROOT, STEP_MILLIS, type Steps } from './rig.ts';

const OWN = ['fanal', 'fanal-node'];

export async function installed(steps: Steps): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fanal-installed-'));
  const modules = join(folder, 'node_modules');
  try {
    await steps.run('the packages are made, and import on plain Node', async () => {
      execFileSync(process.execPath, ['workers/selfhost/pack.ts'], { cwd: ROOT, stdio: 'pipe' });
      for (const room of ['node', 'workers', '.']) link(join(ROOT, room, 'node_modules'), modules);
      for (const name of OWN) unpack(name, modules);
      const code =
        "const { verifyReceiptText } = await import('fanal/light'); await import('fanal'); await import('fanal/polyfills/hermes.ts'); console.log(typeof verifyReceiptText)";
      const said = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
        cwd: folder,
        encoding: 'utf8',
      });
      if (said !== 'function\n') throw new Error(said);
    });
    await steps.run('fanal dev of the installed package brings gateway and page', () =>
      runDev(folder, join(modules, 'fanal-node/bin/fanal.js')),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runDev(folder: string, program: string): Promise<void> {
  const [port] = (await freePorts(1)) as [number];
  const args = [program, 'dev', '--home', join(folder, 'home'), '--port', String(port)];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.on('data', (bytes: Buffer) => {
    words += bytes;
  });
  const ended = new Promise((done) => child.once('exit', done));
  try {
    const deadline = Date.now() + 2 * STEP_MILLIS;
    while (!words.includes('Ready after')) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(words);
      await new Promise((done) => setTimeout(done, 200));
    }
    const page = await (await fetch(`http://127.0.0.1:${port}/`)).text();
    if (!page.includes('your browser checks this chain')) throw new Error(page.slice(0, 300));
    const chain = await fetch(`http://127.0.0.1:${port}/v1/chain`);
    if (!chain.ok) throw new Error(`/v1/chain answered ${chain.status}`);
  } finally {
    child.kill('SIGINT');
    await ended;
  }
}

function unpack(name: string, modules: string): void {
  const archives = readdirSync(join(ROOT, 'dist/packages'));
  const archive = archives.find((file) => new RegExp(`^${name}-[0-9].*\\.tgz$`).test(file));
  mkdirSync(join(modules, name), { recursive: true });
  const from = join(ROOT, 'dist/packages', archive ?? `${name}.tgz`);
  execFileSync('tar', ['-xzf', from, '-C', join(modules, name), '--strip-components=1']);
}

/** Links what is installed in `from`, scopes one by one; what is there already stays. */
function link(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (name.startsWith('.') || OWN.includes(name)) continue;
    if (name.startsWith('@')) link(join(from, name), join(to, name));
    else if (!existsSync(join(to, name))) symlinkSync(join(from, name), join(to, name));
  }
}
