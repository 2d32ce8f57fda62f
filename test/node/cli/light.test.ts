import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { TestChain } from 'fanal/testing/chain.ts';
import { encodeAddress, UNITS_PER_COIN } from 'fanal/wallet';
import { freePorts } from 'fanal-node/testnet/local.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ListeningNode, listen, testNode } from '../../gateway/test-node.ts';
import { account } from '../../support/people.ts';

const MAIN = new URL('../../../node/main.ts', import.meta.url).pathname;
const { address } = account('alice');
const ALICE = encodeAddress(address, 'dfan');
const BOB = encodeAddress(account('bob').address, 'dfan');

let folder: string;
let node: ListeningNode;
let clock: NodeJS.Timeout;
let proxy: ChildProcess;
let url: string;
let said = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-light-'));
  const balances = [{ address, amount: 100n * UNITS_PER_COIN }];
  const chain = new TestChain({ time: BigInt(Date.now()) - 60_000n, balances });
  const block = () => {
    const time = BigInt(Date.now());
    chain.addBlock({ time, signedAt: time });
  };
  block();
  clock = setInterval(block, 1_000);
  node = await listen(testNode(chain));
  writeFileSync(join(folder, 'trust.txt'), formatTrust(chain.trust));
  const pinned = fanal('trust', 'pin', join(folder, 'trust.txt'), '--name', 't', '--url', node.url);
  expect(await new Promise((done) => pinned.once('exit', done))).toBe(0);
  const [port] = (await freePorts(1)) as [number];
  url = `http://127.0.0.1:${port}`;
  proxy = fanal('light', '--listen', `127.0.0.1:${port}`);
  await new Promise<void>((done, fail) => {
    proxy.once('exit', () => fail(new Error(said)));
    for (const stream of [proxy.stdout, proxy.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        said += bytes;
        if (said.includes('Every answer is verified')) done();
      });
    }
  });
}, 240_000);

afterAll(async () => {
  clearInterval(clock);
  proxy.kill('SIGINT');
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

function fanal(...args: string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args, '--home', join(folder, 'home')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const ask = async (path: string) => {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

describe('fanal light', () => {
  test('says where it answers, for which network', () => {
    expect(said).toContain(`proxy\t${url}`);
    expect(said).toContain(node.url);
  });

  test('answers programs that cannot verify, with what it has verified', async () => {
    const { status, body } = await ask(`/v1/addresses/${ALICE}`);
    expect(status).toBe(200);
    expect(JSON.stringify(body)).toContain((100n * UNITS_PER_COIN).toString());
  });

  test('answers nothing rather than what a liar says', async () => {
    node.lie((answer, { name }) => {
      if (name !== 'address') return answer;
      const body = answer.body.slice();
      body[body.length - 1] = (body[body.length - 1] as number) ^ 1;
      return { ...answer, body };
    });
    const { status, body } = await ask(`/v1/addresses/${BOB}`);
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'upstream-unverified' });
    node.lie(null);
  });

  test('ends with 130 on Ctrl-C, and leaves nothing behind', async () => {
    proxy.removeAllListeners('exit');
    const ended = new Promise((done) => proxy.once('exit', done));
    proxy.kill('SIGINT');
    expect(await ended).toBe(130);
    await expect(fetch(url)).rejects.toThrow();
  }, 120_000);
});
