import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalNetwork, type LocalNode } from 'fanal-node/testnet/local.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';

const MAIN = new URL('../../../node/main.ts', import.meta.url).pathname;
let folder: string;
let node: LocalNode;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-start-'));
  node = (await createLocalNetwork({ folder, validators: 1, accounts: 1 })).nodes[0] as LocalNode;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the node while another program listens on one of its ports. */
async function startBeside(port: number) {
  const other = await new Promise<Server>((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });
  const { status, stderr } = spawnSync(
    process.execPath,
    [MAIN, 'start', '--home', node.home.root],
    { encoding: 'utf8' },
  );
  other.close();
  return { code: status, said: stderr };
}

test.each(['p2p', 'api', 'ops'] as const)(
  'a %s port that is taken is named, with the setting to change',
  async (kind) => {
    const setting = kind === 'p2p' ? 'network.listen' : 'api.listen and ops.listen';
    const { code, said } = await startBeside(node[kind]);
    expect(said).toContain(`EADDRINUSE: address already in use 127.0.0.1:${node[kind]}\n`);
    expect(said).toContain(`set ${setting} to`);
    expect(code).toBe(3);
  },
);
