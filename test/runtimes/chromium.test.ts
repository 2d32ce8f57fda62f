import { resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, openChromium, serveEmptyPage } from '../support/chromium.ts';
import { readVectors } from '../support/vectors/read.ts';
import { readCaseTexts, readVerdicts } from '../support/vectors.ts';
import type { RunVectors } from './vector-runner.ts';
import type { RunVerdicts } from './verdict-runner.ts';

const chromium = findChromium();
const isRequired = process.env.FANAL_REQUIRE_BROWSER === '1';
if (chromium === null && !isRequired) {
  console.warn('left out: tests in Chromium. Install one, or name one in CHROMIUM_PATH.');
}

describe.skipIf(chromium === null && !isRequired)('in Chromium', () => {
  const cleanups: (() => Promise<void>)[] = [];
  let runVerdicts: RunVerdicts;
  let runVectors: RunVectors;

  beforeAll(async () => {
    if (chromium === null) {
      throw new Error('no Chromium found: install one, or name one in CHROMIUM_PATH');
    }
    const server = await serveEmptyPage();
    cleanups.push(server.close);
    const browser = await openChromium(chromium);
    cleanups.push(browser.close);
    const page = await browser.context.newPage();
    await page.goto(server.url);
    const bundle = await build({
      entryPoints: ['verdict-runner.ts', 'vector-runner.ts'].map((file) =>
        resolve(import.meta.dirname, file),
      ),
      bundle: true,
      write: false,
      outdir: 'unwritten',
      format: 'iife',
      target: 'es2022',
    });
    for (const { text } of bundle.outputFiles) await page.addScriptTag({ content: text });
    // As text: a page's types cannot follow JSON of any depth.
    runVectors = (backend, files) =>
      page.evaluate(
        ([how, given]) =>
          (globalThis as unknown as { runVectors: RunVectors }).runVectors(how, JSON.parse(given)),
        [backend, JSON.stringify(files)] as const,
      );
    runVerdicts = (backend, texts) =>
      page.evaluate(
        ([how, cases]) =>
          (globalThis as unknown as { runVerdicts: RunVerdicts }).runVerdicts(how, cases),
        [backend, texts] as const,
      );
  });

  afterAll(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  it('the one verdict table is what WebCrypto says', async () => {
    expect(await runVerdicts('webcrypto', readCaseTexts())).toEqual(readVerdicts());
  });

  it('the one verdict table is what plain JavaScript says', async () => {
    expect(await runVerdicts('javascript', readCaseTexts())).toEqual(readVerdicts());
  });

  it('every vector of the project does what it says, by WebCrypto', async () => {
    expect(await runVectors('webcrypto', readVectors())).toEqual([]);
  });
});
