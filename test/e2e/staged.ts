/**
 * States that a healthy network does not show: a liar, a standstill, a block with a long list. The
 * chain is a real one in memory; its gateway does as it is told.
 */
import { MAX_OUTPUTS } from 'fanal/chain/limits.ts';
import { encodeAddress } from 'fanal/crypto/address.ts';
import { TestChain } from 'fanal/testing/chain.ts';
import { type TestGateway, testGateway } from 'fanal/testing/gateway.ts';
import type { BrowserContext, Page } from 'playwright-core';
import { servePage } from '../support/page-server.ts';
import { aliceAddress, bobAddress, coins, world } from '../support/wallet-world.ts';
import { lookOver } from './pictures.ts';
import { STEP_MILLIS, type Steps } from './rig.ts';

const timeout = { timeout: STEP_MILLIS };
/** More than two screenfuls of the page's hundred rows each. */
const LIST_LENGTH = 220;
const SCROLL_FRAMES = 90;

export async function staged(steps: Steps, context: BrowserContext): Promise<void> {
  await steps.run('a gateway that lies is refused, and the step is named', () =>
    refuseLiar(context),
  );
  await steps.run('a chain that stands still is called stale', () => standStill(context));
  await steps.run('a long block and a long history are shown in parts, and scroll', () =>
    longLists(context),
  );
}

/** A gateway that changes one byte of every update. */
async function refuseLiar(context: BrowserContext): Promise<string> {
  const gateway = testGateway(chainOfNow());
  gateway.tamper((answer, { name }) => {
    if (name !== 'update') return answer;
    const body = answer.body.slice();
    const last = body.length - 1;
    body[last] = (body[last] as number) ^ 1;
    return { ...answer, body };
  });
  const server = await servePage(gateway);
  const page = await context.newPage();
  try {
    await page.goto(server.url);
    await page.waitForSelector('[data-verdict=refused]', timeout);
    const notice = page.locator('text=Your browser refused an answer.').locator('..');
    await notice.waitFor(timeout);
    await lookOver(page, 'refused');
    return (await notice.textContent()) ?? '';
  } finally {
    await page.close();
    await server.close();
  }
}

async function standStill(context: BrowserContext): Promise<void> {
  const server = await servePage(testGateway(chainOfNow(-300_000n)));
  const page = await context.newPage();
  try {
    await page.goto(server.url);
    await page.waitForSelector('[data-verdict=stale]', timeout);
    await lookOver(page, 'stale');
  } finally {
    await page.close();
    await server.close();
  }
}

/** A block of hundreds of payments, all to one address. */
async function longLists(context: BrowserContext): Promise<string> {
  const now = BigInt(Date.now());
  const { chain, wallet, block, gateways } = world({ time: now - 60_000n });
  await wallet.sync();
  const own = { address: aliceAddress, amount: coins(1) };
  const some = Array.from({ length: MAX_OUTPUTS - 1 }, () => own);
  for (let split = 0; split < LIST_LENGTH; split += some.length) {
    await wallet.send(await wallet.build({ to: some }));
    block();
    await wallet.sync();
  }
  for (let i = 0; i < LIST_LENGTH; i++) {
    const to = [{ address: bobAddress, amount: coins(1) / 2n }];
    await wallet.send(await wallet.build({ to }));
  }
  chain.addBlock();
  const height = chain.size - 1n;
  const clock = setInterval(() => {
    const time = BigInt(Date.now());
    chain.addBlock({ time, signedAt: time });
  }, 2_000);
  const server = await servePage(gateways[0] as TestGateway);
  const page = await context.newPage();
  try {
    await page.goto(`${server.url}/#/block/${height}`);
    await page.waitForSelector(`text=${LIST_LENGTH} payments, all of them`, timeout);
    await rowsAndMore(page, '.steps li');
    await page.goto(`${server.url}/#/address/${encodeAddress(bobAddress, 'dfan')}`);
    await page.waitForSelector('text=History, proved complete', timeout);
    await rowsAndMore(page, 'tbody tr');
    const slowest = await page.evaluate(async (frames) => {
      let last = performance.now();
      const gaps: number[] = [];
      for (let i = 0; i < frames; i++) {
        window.scrollBy(0, 60);
        await new Promise((done) => requestAnimationFrame(done));
        gaps.push(performance.now() - last);
        last = performance.now();
      }
      return gaps.toSorted((a, b) => a - b)[Math.floor(frames * 0.95)];
    }, SCROLL_FRAMES);
    return `95 of 100 frames within ${slowest?.toFixed(0)} ms`;
  } finally {
    clearInterval(clock);
    await page.close();
    await server.close();
  }
}

/** A hundred rows at first; all of them after as many clicks as it takes. */
async function rowsAndMore(page: Page, row: string): Promise<void> {
  const count = await page.locator(row).count();
  if (count !== 100) throw new Error(`${count} of ${row} at first`);
  for (let shown = count; shown < LIST_LENGTH; shown += 100) {
    await page.click('[data-action=more]', timeout);
    await page.waitForFunction(
      ([selector, before]) => document.querySelectorAll(selector).length > before,
      [row, shown] as const,
      timeout,
    );
  }
  const all = await page.locator(row).count();
  if (all !== LIST_LENGTH) throw new Error(`${all} of ${row} in the end`);
}

function chainOfNow(later = 0n): TestChain {
  const now = BigInt(Date.now()) + later;
  const chain = new TestChain({ time: now - 60_000n });
  for (let i = 1; i <= 3; i++) chain.addBlock({ time: now - 4_000n + BigInt(i * 1_000) });
  return chain;
}
