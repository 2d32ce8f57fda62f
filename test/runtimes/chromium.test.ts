import { resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, openChromium, serveEmptyPage } from '../support/chromium.ts';
import { readCaseTexts, readVerdicts } from '../support/vectors.ts';
import type { RunVerdicts } from './verdict-runner.ts';

const chromium = findChromium();
const isRequired = process.env.FANAL_REQUIRE_BROWSER === '1';
if (chromium === null && !isRequired) {
  console.warn('left out: tests in Chromium. Install one, or name one in CHROMIUM_PATH.');
}

describe.skipIf(chromium === null && !isRequired)('in Chromium', () => {
  const cleanups: (() => Promise<void>)[] = [];
  let runVerdicts: RunVerdicts;

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
      entryPoints: [resolve(import.meta.dirname, 'verdict-runner.ts')],
      bundle: true,
      write: false,
      format: 'iife',
      target: 'es2022',
    });
    await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? '' });
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
});
