import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import { parseReceipt, updateCodec, verifyReceiptText } from 'fanal/light';
import { toHex } from 'fanal/primitives/bytes.ts';
import { flipBit, testKey } from 'fanal/testing';
import { addressFromKey, encodeAddress } from 'fanal/wallet';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addFanal } from '../../docs/examples/thirty-lines.ts';
import { findChromium, openChromium, serveEmptyPage } from '../support/chromium.ts';
import { bundleForHermes, findHermes, runInHermes } from '../support/hermes.ts';
import { type ServedChain, servedChain, words } from '../support/served-chain.ts';

const EXAMPLES = resolve(import.meta.dirname, '../../docs/examples');
const bob = encodeAddress(addressFromKey(testKey('bob').publicKey), 'dfan');

let served: ServedChain;
let genesisId: string;
let txid: string;
let receipt: string;

beforeAll(async () => {
  served = await servedChain();
  served.run();
  genesisId = toHex(served.chain.start.genesisId);
});

afterAll(() => served.close());

describe('the examples of the docs', () => {
  it('add Fanal to a wallet in thirty lines', async () => {
    const code = readFileSync(join(EXAMPLES, 'thirty-lines.ts'), 'utf8');
    expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
    const wallet = await addFanal(genesisId, [...served.urls], words);
    expect(wallet.balance()).toBe('1000');
    const seen: string[] = [];
    const stop = wallet.onChange((coins) => seen.push(coins));
    receipt = await wallet.pay(bob, '2.5', 'thirty lines');
    expect(Number(wallet.balance())).toBeCloseTo(997.5, 3);
    await expect.poll(() => seen.at(-1)).toBe(wallet.balance());
    stop();
    const tip = served.chain.tip;
    const trust = { ...served.chain.trust, header: tip.header, root: tip.root };
    const parsed = await parseReceipt(receipt, trust, verifyInJavaScript);
    const proved = await verifyReceiptText(receipt, trust, verifyInJavaScript);
    expect(parsed.origin).toBe(served.chain.start.origin);
    txid = toHex(proved.txid);
  });

  it('verify a payment in Node', async () => {
    const run = promisify(execFile);
    const file = join(EXAMPLES, 'verify-payment-node.ts');
    const { stdout } = await run(process.execPath, [file, genesisId, txid, ...served.urls]);
    expect(stdout).toMatch(
      /^height \d+, fresh, agreed by 2 of 2\nproved: [\d.]+ coins in block \d+\n$/,
    );
    const failed = await run(process.execPath, [file, 'ab'.repeat(32), txid, ...served.urls]).catch(
      (error: { stderr: string }) => error.stderr,
    );
    expect(failed).toContain('genesis/another-chain');
  });

  it('verify a payment in a Worker', async () => {
    const bundled = await build({
      entryPoints: [join(EXAMPLES, 'verify-payment-worker.ts')],
      ...{ bundle: true, write: false, format: 'esm', target: 'es2022' },
    });
    const worker = new Miniflare(
      convertV4MiniflareOptions({
        modules: true,
        script: bundled.outputFiles[0]?.text ?? '',
        compatibilityDate: '2026-10-23',
        bindings: { GENESIS_ID: genesisId, GATEWAYS: served.urls.join(' ') },
      }),
    );
    try {
      const found = await worker.dispatchFetch(`http://worker/${txid}`);
      expect(await found.json()).toEqual({ found: true, height: expect.stringMatching(/^\d+$/) });
      const none = await worker.dispatchFetch(`http://worker/${'00'.repeat(32)}`);
      expect(await none.json()).toEqual({ found: false });
    } finally {
      await worker.dispose();
    }
  });

  const chromium = findChromium();
  it.skipIf(chromium === null)('verify a payment in a browser', async () => {
    const bundled = await build({
      entryPoints: [join(EXAMPLES, 'verify-payment-browser.ts')],
      ...{ bundle: true, write: false, format: 'iife', globalName: 'example', target: 'es2022' },
    });
    const page = await serveEmptyPage();
    const browser = await openChromium(chromium as string);
    try {
      const tab = await browser.context.newPage();
      await tab.goto(page.url);
      await tab.addScriptTag({ content: bundled.outputFiles[0]?.text ?? '' });
      const ask = (id: string) =>
        tab.evaluate(
          ([genesis, payment, urls]) =>
            (
              globalThis as unknown as {
                example: { verifyPayment(...args: unknown[]): Promise<unknown> };
              }
            ).example
              .verifyPayment(genesis, payment, urls)
              .catch((error: { code: string }) => error.code),
          [genesisId, id, served.urls] as const,
        );
      expect(await ask(txid)).toMatchObject({ height: expect.stringMatching(/^\d+$/) });
      for (const gateway of served.gateways) gateway.tamper((answer) => flipBit(answer, 999));
      expect(await ask(txid)).toMatch(/^[a-z]+\/[a-z-]+$/);
    } finally {
      for (const gateway of served.gateways) gateway.tamper(null);
      await browser.close();
      await page.close();
    }
  });

  const hermes = findHermes();
  it.skipIf(hermes === null)('verify a payment in React Native’s engine', async () => {
    // What React Native brings and the bare engine lacks: a network, timers, AbortController.
    const answers = await recorded();
    const world = `
      var answers = ${JSON.stringify(answers)};
      Date.now = function () { return ${Date.now()}; };
      globalThis.setTimeout = function (run, millis) { if (millis < 5000) Promise.resolve().then(run); };
      globalThis.clearTimeout = function () {};
      globalThis.AbortController = function () {
        this.signal = { aborted: false, addEventListener: function () {}, removeEventListener: function () {} };
        this.abort = function () {};
      };
      globalThis.fetch = function (url) {
        var path = url.replace('http://gateway.example', '');
        var key = path.replace(/(from|at)=\\d+/, '$1=*');
        var body = new Uint8Array(answers[key]);
        return Promise.resolve({
          status: 200,
          headers: { get: function () { return null; } },
          arrayBuffer: function () { return Promise.resolve(body.buffer); },
        });
      };`;
    const lines = await runInHermes(hermes as string, [
      world,
      await bundleForHermes(join(import.meta.dirname, 'react-native-runner.js')),
      `verifyPayment(${JSON.stringify(genesisId)}, ${JSON.stringify(txid)}, ['http://gateway.example']).then(
        function (told) { print(JSON.stringify(told)); },
        function (error) { print(String(error) + error.stack); },
      );`,
    ]);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      height: expect.stringMatching(/^\d+$/),
    });
  });
});

/** The three answers that the example needs, of one moment. */
async function recorded(): Promise<Record<string, number[]>> {
  const url = served.urls[0] as string;
  const get = async (path: string) => [
    ...new Uint8Array(await (await fetch(url + path)).arrayBuffer()),
  ];
  const update = await get('/v1/update?from=1&format=bytes');
  const { size } = updateCodec.decode(Uint8Array.from(update)).checkpoint;
  return {
    '/v1/genesis?format=bytes': await get('/v1/genesis?format=bytes'),
    '/v1/update?from=*&format=bytes': update,
    [`/v1/transactions/${txid}/proof?at=*&format=bytes`]: await get(
      `/v1/transactions/${txid}/proof?at=${size}&format=bytes`,
    ),
  };
}
