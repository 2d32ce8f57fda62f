/**
 * What breaks during a demonstration, and what the page says and does about it.
 */
import type { Page } from 'playwright-core';
import { lookOver } from './pictures.ts';
import { type DevRun, STEP_MILLIS, type Steps } from './rig.ts';

const timeout = { timeout: STEP_MILLIS };
const VALIDATORS = 4;
/** A killed validator is back after ten seconds, and has to catch up. */
const REVIVE_MILLIS = 60_000;

export async function outages(steps: Steps, page: Page, run: DevRun): Promise<void> {
  await page.goto(`${run.url}/#/`);
  for (let validator = 1; validator <= VALIDATORS; validator++) {
    await steps.run(
      `validator ${validator} is killed: the page goes on, and a payment, too`,
      async () => {
        await page.waitForSelector('[data-verdict=fresh]', timeout);
        const before = await newest(page);
        await run.kill(String(validator));
        await page.waitForFunction(
          (height) => Number(document.querySelector('.strip b')?.textContent) > height,
          before,
          timeout,
        );
        await payNow(page);
        await page.waitForSelector('[data-verdict=fresh]', timeout);
        await untilAllUp(run);
      },
    );
  }
  await steps.run(
    'the gateway is killed: the page says so, comes back, and tells what was',
    async () => {
      await run.kill('gateway');
      await page.waitForSelector('[data-verdict=offline]', timeout);
      await lookOver(page, 'offline');
      await page.waitForSelector('[data-verdict=fresh]', timeout);
      const notice = page.locator('text=All is well again');
      await notice.waitFor(timeout);
      await lookOver(page, 'recovered');
      return (await notice.locator('..').textContent()) ?? '';
    },
  );
  await steps.run('the wallet pays again after that, without being told', () => payNow(page));
}

/** Pays a coin to itself and waits for the proof. */
async function payNow(page: Page): Promise<void> {
  const proved = await page.locator('[data-stage=proved]').count();
  const own = await page.getAttribute('[data-own-address]', 'data-own-address', timeout);
  await page.fill('#to', own ?? '');
  await page.fill('#amount', '1');
  await page.click('[data-action=send]', timeout);
  await page
    .waitForFunction(
      (count) => document.querySelectorAll('[data-stage=proved]').length > count,
      proved,
      timeout,
    )
    .catch(async () => {
      const card = await page.locator('section[aria-label=Pay]').textContent();
      const verdict = await page.getAttribute('[data-verdict]', 'data-verdict');
      throw new Error(`no proof while the page is ${verdict}, and the wallet says: ${card}`);
    });
}

async function untilAllUp(run: DevRun): Promise<void> {
  const deadline = Date.now() + REVIVE_MILLIS;
  while (Date.now() < deadline) {
    if (await run.areAllReady()) return;
    await new Promise((done) => setTimeout(done, 500));
  }
  throw new Error('the killed validator did not come back');
}

const newest = async (page: Page): Promise<number> =>
  Number(await page.locator('.strip b').first().textContent());
