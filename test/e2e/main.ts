/**
 * `npm run e2e`: the page in a real Chromium, against a real network of four processes and a real
 * gateway, and against a gateway that lies.
 *
 * Pictures go to `artifacts/e2e/`. Exit code 0 when every step holds, 8 when one does not, 3 when
 * there is no Chromium.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TestChain } from 'fanal/testing/chain.ts';
import { testGateway } from 'fanal/testing/gateway.ts';
import type { Page } from 'playwright-core';
import { freePorts } from '../../node/testnet/local.ts';
import { findChromium, openChromium } from '../support/chromium.ts';
import { servePage } from '../support/page-server.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PICTURES = join(ROOT, 'artifacts/e2e');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const READY_MILLIS = 90_000;
const STEP_MILLIS = 30_000;
const EXIT_CONFIG = 3;
const EXIT_CHECKS = 8;

let passed = 0;
let failed = 0;

async function step(name: string, run: () => Promise<void>): Promise<void> {
  const started = performance.now();
  try {
    await run();
    passed++;
    console.log(`✓ ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    console.log(`✗ ${name}\n  ${(error as Error).message.split('\n').slice(0, 6).join('\n  ')}`);
  }
}

async function main(): Promise<number> {
  const executable = findChromium();
  if (executable === null) {
    console.error('No Chromium here. Install one (Debian: chromium), or set CHROMIUM_PATH.');
    return EXIT_CONFIG;
  }
  mkdirSync(PICTURES, { recursive: true });
  const home = mkdtempSync(join(tmpdir(), 'fanal-e2e-'));
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const network = startNetwork(home, port);
  const browser = await openChromium(executable);
  const complaints: string[] = [];
  try {
    await step('the network is ready', () => untilReady(network, url));
    if (failed > 0) return EXIT_CHECKS;
    const page = await browser.context.newPage();
    listen(page, complaints);
    await walk(page, url);
    await pictures(page, url);
    await step('an outage is told, and passed', () => survive(page, home, url));
    await step('nothing complained in the console', async () => {
      // While a server is down, a browser notes each failed request by itself.
      const own = complaints.filter((text) => !/Failed to load resource|net::ERR/.test(text));
      if (own.length > 0) throw new Error(own.join('\n'));
    });
    await step('a gateway that lies is refused, and the step is named', async () => {
      await refuseLiar(await browser.context.newPage());
    });
  } finally {
    await browser.close();
    await stop(network);
    rmSync(home, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : EXIT_CHECKS;
}

/** What a newcomer does in the first minutes. */
async function walk(page: Page, url: string): Promise<void> {
  await step('the page is served with a policy that forbids inline scripts', async () => {
    const { headers } = await fetch(url);
    const policy = headers.get('content-security-policy') ?? '';
    if (!policy.includes("script-src 'self'") || policy.includes('unsafe-inline')) {
      throw new Error(`the policy is: ${policy}`);
    }
  });
  await step('the browser verifies the tip', async () => {
    await page.goto(url);
    await page.waitForSelector('[data-verdict=fresh]', { timeout: STEP_MILLIS });
  });
  for (const kind of ['byte', 'signatures', 'liar']) {
    await step(`the attack "${kind}" is refused`, async () => {
      await page.click(`[data-trial=${kind}]`);
      await page.waitForSelector(`[data-trial=${kind}]:enabled`);
      await page.waitForSelector('[data-outcome=refused]', { timeout: STEP_MILLIS });
    });
  }
  await step('a key is made, and the faucet pays it', async () => {
    await page.click('[data-action=make-key]');
    await page.click('[data-action=faucet]');
    await page.waitForSelector('[data-stage=proved]', { timeout: STEP_MILLIS });
    await page.waitForSelector('[data-balance="100"]', { timeout: STEP_MILLIS });
  });
  await step('a payment is made, and proved', async () => {
    const own = await page.locator('section[aria-label=Pay] code').first().textContent();
    await page.fill('#to', own ?? '');
    await page.fill('#amount', '0.5');
    await page.fill('#note', 'coffee');
    await page.click('[data-action=send]');
    await page.waitForFunction(
      () => document.querySelectorAll('[data-stage=proved]').length === 2,
      null,
      { timeout: STEP_MILLIS },
    );
  });
  await step('the payment, its address and its block can be looked up', async () => {
    await page.locator('[data-stage=proved] a').first().click();
    await page.waitForSelector('text=Save the receipt', { timeout: STEP_MILLIS });
    await page.locator('td a[href*="address"]').first().click();
    await page.waitForSelector('text=History, proved complete', { timeout: STEP_MILLIS });
    await page.locator('td a[href*="block"]').first().click();
    await page.waitForSelector('text=State root', { timeout: STEP_MILLIS });
  });
  await step('a wrong amount gets a clear answer, and nothing is sent', async () => {
    await page.goto(`${url}/#/`);
    await page.fill('#to', 'nobody');
    await page.fill('#amount', '1');
    await page.click('[data-action=send]');
    await page.waitForSelector('section[aria-label=Pay] [role=alert]', { timeout: STEP_MILLIS });
  });
}

/** Keeps pictures, and has each looked over for people who cannot see them. */
async function pictures(page: Page, url: string): Promise<void> {
  const places = ['', 'validators'];
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 320]) {
      await step(
        `${colorScheme} at ${width} px: nothing serious for axe, no sideways scroll`,
        async () => {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          await page.setViewportSize({ width, height: 900 });
          for (const place of places) {
            await page.goto(`${url}/#/${place}`);
            await page.waitForTimeout(800);
            const name = `${place === '' ? 'home' : place}-${width}-${colorScheme}.png`;
            await page.screenshot({ path: join(PICTURES, name), fullPage: true });
            const overflow = await page.evaluate(
              () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
            );
            if (overflow > 0) throw new Error(`${name} is ${overflow} px too wide`);
            await lookOver(page, name);
          }
        },
      );
    }
  }
}

async function lookOver(page: Page, name: string): Promise<void> {
  // The policy forbids injected scripts on the page itself; evaluate does not need one.
  const { readFileSync } = await import('node:fs');
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
      };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 120)}`);
  });
  if (found.length > 0) throw new Error(`${name}: ${found.join('; ')}`);
}

/** Kills a validator: the page stays sure of itself. */
async function survive(page: Page, home: string, url: string): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`${url}/#/`);
  await page.waitForSelector('[data-verdict=fresh]', { timeout: STEP_MILLIS });
  const before = await newest(page);
  const kill = spawn(process.execPath, ['node/main.ts', 'dev', '--kill', '2', '--home', home], {
    cwd: ROOT,
  });
  await new Promise((done) => kill.once('exit', done));
  await page.waitForFunction(
    (height) => Number(document.querySelector('.strip b')?.textContent) > height,
    before,
    { timeout: STEP_MILLIS },
  );
  await page.waitForSelector('[data-verdict=fresh]', { timeout: STEP_MILLIS });
}

const newest = async (page: Page): Promise<number> =>
  Number(await page.locator('.strip b').first().textContent());

/** The same page before a gateway that changes one byte of every update. */
async function refuseLiar(page: Page): Promise<void> {
  const now = BigInt(Date.now());
  const chain = new TestChain({ time: now - 60_000n });
  for (let i = 1; i <= 3; i++) chain.addBlock({ time: now - 4_000n + BigInt(i * 1_000) });
  const gateway = testGateway(chain);
  gateway.tamper((answer, { name }) => {
    if (name !== 'update') return answer;
    const body = answer.body.slice();
    const last = body.length - 1;
    body[last] = (body[last] as number) ^ 1;
    return { ...answer, body };
  });
  const server = await servePage(gateway);
  try {
    await page.goto(server.url);
    await page.waitForSelector('[data-verdict=refused]', { timeout: STEP_MILLIS });
    await page.waitForSelector('text=Your browser refused an answer.');
    await page.screenshot({ path: join(PICTURES, 'refused.png') });
  } finally {
    await server.close();
  }
}

function listen(page: Page, complaints: string[]): void {
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
}

function startNetwork(home: string, port: number): ChildProcess {
  return spawn(process.execPath, ['node/main.ts', 'dev', '--home', home, '--port', String(port)], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

async function untilReady(network: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + READY_MILLIS;
  while (Date.now() < deadline) {
    if (network.exitCode !== null) {
      throw new Error(`fanal dev ended with ${network.exitCode}: ${network.stderr?.read() ?? ''}`);
    }
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((done) => setTimeout(done, 300));
  }
  throw new Error('fanal dev was not ready in time');
}

async function stop(network: ChildProcess): Promise<void> {
  if (network.exitCode !== null) return;
  const ended = new Promise((done) => network.once('exit', done));
  network.kill('SIGINT');
  await ended;
}

process.exitCode = await main();
