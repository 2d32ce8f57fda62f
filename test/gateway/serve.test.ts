/**
 * The command that serves a gateway, as docs/deploy.md has it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Story, tellStory } from './story.ts';
import { type ListeningNode, listen, testNode } from './test-node.ts';

let folder: string;
let story: Story;
let node: ListeningNode;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-serve-'));
  story = tellStory();
  node = await listen(testNode(story.chain));
  writeFileSync(join(folder, 'trust.txt'), formatTrust(story.chain.trust));
  writeFileSync(join(folder, 'wrong.txt'), 'no trust');
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

function serve(...args: string[]): { child: ChildProcess; exited: Promise<number | null> } {
  const child = spawn(process.execPath, ['workers/selfhost/serve.ts', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return { child, exited: new Promise((done) => child.once('exit', (code) => done(code))) };
}

/** The line of JSON that says it is ready. */
function ready(child: ChildProcess): Promise<{ url: string; pid: number }> {
  return new Promise((done) => {
    child.stdout?.once('data', (text: Buffer) => done(JSON.parse(String(text))));
  });
}

for (const runtime of ['workerd', 'node']) {
  it(`serves under ${runtime} what is proved, and ends in order`, async () => {
    const { child, exited } = serve(
      ...['--trust', join(folder, 'trust.txt'), '--upstream', node.url],
      ...['--port', '0', '--runtime', runtime],
    );
    const { url } = await ready(child);
    await vi.waitFor(async () => {
      const response = await fetch(`${url}/v1/headers/2?at=${story.chain.size}`);
      expect(response.status).toBe(200);
    }, 20_000);
    child.kill('SIGINT');
    expect(await exited).toBe(0);
    await expect(fetch(`${url}/livez`)).rejects.toThrow();
  });
}

it('says by its exit code what was wrong', async () => {
  expect(await serve().exited).toBe(2);
  const wrong = ['--trust', join(folder, 'wrong.txt'), '--upstream', node.url, '--runtime', 'node'];
  expect(await serve(...wrong).exited).toBe(3);
});
