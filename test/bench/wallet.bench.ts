/**
 * What the wallet SDK costs: its size, a cold start to a proved balance, and a year asleep.
 */
import { createPublicKey, verify as verifyNode } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { verifyWithNative } from 'fanal/crypto/webcrypto.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { TestChain, testGateway, testKey } from 'fanal/testing';
import { addressFromKey, createClient, http, UNITS_PER_COIN } from 'fanal/wallet';
import type { Benchmark } from './report.ts';

const ROUNDS = 9;
const alice = addressFromKey(testKey('alice').publicKey);

export const run: Benchmark = async (report) => {
  report.figures('size of the SDK, minified and gzipped', 'B', {
    'client: follow, prove, watch': await sizeOf(
      "export { createClient, http, fallback, chainFromTrust } from 'fanal/wallet'",
    ),
    'client and wallet, words and keys': await sizeOf("export * from 'fanal/wallet'"),
    'everything (fanal)': await sizeOf("export * from 'fanal'"),
  });

  for (const validators of [4, 21]) {
    const chain = chainOf(validators, 3);
    const { requests, bytes, millis } = await coldStart(chain);
    report.figures(
      `cold start to a proved balance, ${validators} validators`,
      '',
      { requests },
      validators === 4 ? { atMost: 2 } : undefined,
    );
    report.figures(
      '  bytes of all answers',
      'B',
      { bytes },
      validators === 4 ? { atMost: 6_144 } : undefined,
    );
    report.samples('  computing', 'ms', { 'native signatures': millis }, { atMost: 50 });
  }

  const sleeper = chainOf(21, 2, 365);
  const { bytes, millis } = await coldStart(sleeper);
  report.figures('a year asleep: 365 handovers at 21 validators', 'B', {
    'update and proof': bytes,
  });
  report.samples('  computing', 'ms', { 'native signatures': millis }, { atMost: 1_000 });
};

async function sizeOf(code: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname, loader: 'ts' },
    ...{ bundle: true, minify: true, write: false, splitting: true, outdir: 'out' },
    ...{ format: 'esm', target: 'es2024' },
  });
  // What a page loads at once: JavaScript signatures come later, where the platform has none.
  const entry = outputFiles.filter(({ path }) => !/ed25519-|chunk-/.test(path));
  const chunks = outputFiles.filter(({ path }) => /chunk-/.test(path));
  return [...entry, ...chunks].reduce(
    (sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length,
    0,
  );
}

function chainOf(validators: number, blocks: number, epochs = 0): TestChain {
  const chain = new TestChain({
    validators,
    balances: [{ address: alice, amount: 1_000n * UNITS_PER_COIN }],
  });
  for (let i = 0; i < epochs; i++) chain.addBlock({ endEpoch: true });
  for (let i = 0; i < blocks; i++) chain.addBlock();
  return chain;
}

/** From nothing but the anchor to a proved balance, several times; answers take no time. */
async function coldStart(
  chain: TestChain,
): Promise<{ requests: number; bytes: number; millis: number[] }> {
  const gateway = testGateway(chain);
  let bytes = 0;
  gateway.tamper((answer) => {
    bytes += answer.body.length;
    return answer;
  });
  const millis: number[] = [];
  let requests = 0;
  for (let round = -2; round < ROUNDS; round++) {
    bytes = 0;
    const before = gateway.requests.length;
    const answered = recorded(gateway.fetch);
    const ask = async () => {
      const client = createClient({
        chain: { trust: chain.trust },
        transport: http(gateway.url, { platform: { fetch: answered.fetch } }),
        platform: {
          now: () => chain.tip.header.time,
          verify: verifyWithNative(verifyInNode),
        },
      });
      await client.getBalance({ address: alice });
    };
    await ask();
    requests = gateway.requests.length - before;
    const total = bytes;
    const start = performance.now();
    await ask();
    if (round >= 0) millis.push(performance.now() - start);
    bytes = total;
  }
  return { requests, bytes, millis };
}

/** Remembers answers, so that a second run measures the client alone. */
function recorded(fetch: ReturnType<typeof testGateway>['fetch']) {
  const answers = new Map<string, Promise<Awaited<ReturnType<typeof fetch>>>>();
  const remembering: typeof fetch = (url, init) => {
    const known = answers.get(url) ?? fetch(url, init);
    answers.set(url, known);
    return known;
  };
  return { fetch: remembering };
}

const PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

function verifyInNode(message: Bytes, signature: Bytes, publicKey: Bytes): boolean {
  const key = createPublicKey({
    key: Buffer.concat([PREFIX, publicKey]),
    format: 'der',
    type: 'spki',
  });
  return verifyNode(null, message, key, signature);
}
