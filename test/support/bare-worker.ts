/**
 * A Worker with nothing but one Hono route under the same raw workerd, set up alike: what a gateway's
 * speed is held against.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { freePorts } from 'fanal-node/testnet/local.ts';
import { V8_FLAGS } from '../../workers/selfhost/workerd-config.ts';

const { default: PROGRAM } = createRequire(import.meta.url)('workerd') as { default: string };

export interface BareWorker {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}

/** Starts it; its one route answers with so many bytes. */
export async function startBareWorker(bytes: number): Promise<BareWorker> {
  const folder = mkdtempSync(join(tmpdir(), 'fanal-bare-'));
  const [port] = await freePorts(1);
  const { outputFiles } = await build({
    stdin: {
      contents: `import { Hono } from 'hono';
const body = new Uint8Array(${bytes});
const headers = { 'content-type': 'application/octet-stream' };
export default new Hono().get('/', (c) => c.body(body, 200, headers));`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: 'esm',
    write: false,
  });
  writeFileSync(join(folder, 'main.js'), outputFiles[0]?.text ?? '');
  writeFileSync(
    join(folder, 'bare.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = [${V8_FLAGS.map((flag) => JSON.stringify(flag)).join(', ')}],
  services = [(name = "bare", worker = .bare)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "bare")],
);
const bare :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "main.js")],
  compatibilityDate = "2026-10-23",
);
`,
  );
  const child: ChildProcess = spawn(PROGRAM, ['serve', join(folder, 'bare.capnp')], {
    stdio: 'ignore',
  });
  const gone = new Promise((done) => child.once('exit', done));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    if (await fetch(url).then(drain, () => false)) break;
    if (tries > 400) throw new Error('the bare Worker did not start');
    await new Promise((done) => setTimeout(done, 25));
  }
  return {
    url,
    pid: child.pid ?? 0,
    async close() {
      child.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function drain(response: Response): Promise<boolean> {
  await response.arrayBuffer();
  return response.ok;
}
