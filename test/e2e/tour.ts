/**
 * What a newcomer does in the first minutes: look, break, pay, look things up, check a receipt.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { STEP_MILLIS, type Steps } from './rig.ts';

const timeout = { timeout: STEP_MILLIS };
/** The step of the verifier that has to refuse each attack. */
const REFUSED_AT = {
  byte: /inclusion proof/,
  signatures: /cosignature/,
  liar: /map proof/,
};

export async function tour(steps: Steps, page: Page, url: string): Promise<void> {
  await steps.run('the page is served with a policy that forbids inline scripts', async () => {
    const { headers } = await fetch(url);
    const policy = headers.get('content-security-policy') ?? '';
    if (!policy.includes("script-src 'self'") || policy.includes('unsafe-inline')) {
      throw new Error(`the policy is: ${policy}`);
    }
  });
  await steps.run('the browser verifies the tip', async () => {
    await page.goto(url);
    await page.waitForSelector('[data-verdict=fresh]', timeout);
  });
  for (const kind of ['byte', 'signatures', 'liar'] as const) {
    await steps.run(`the attack "${kind}" is refused, and the step is named`, async () => {
      await page.click(`[data-trial=${kind}]`);
      await page.waitForSelector(`[data-trial=${kind}]:enabled`, timeout);
      const outcome = page.locator('[data-outcome=refused]');
      await outcome.waitFor(timeout);
      const text = (await outcome.textContent()) ?? '';
      if (!REFUSED_AT[kind].test(text)) throw new Error(`it says: ${text}`);
      return text;
    });
  }
  await pay(steps, page);
  await lookUp(steps, page, url);
  await checkReceipts(steps, page, url);
}

async function pay(steps: Steps, page: Page): Promise<void> {
  await steps.run('a key is made, and the faucet pays it', async () => {
    await page.click('[data-action=make-key]');
    await page.click('[data-action=faucet]');
    await page.waitForSelector('[data-stage=proved]', timeout);
    await page.waitForSelector('[data-balance="100"]', timeout);
  });
  await steps.run('a payment is proved, and the balance with it at once', async () => {
    const own = await page.getAttribute('[data-own-address]', 'data-own-address');
    await page.fill('#to', own ?? '');
    await page.fill('#amount', '0.5');
    await page.fill('#note', 'coffee');
    await page.click('[data-action=send]');
    await page.waitForFunction(
      () => document.querySelectorAll('[data-stage=proved]').length === 2,
      null,
      timeout,
    );
    // Paid to itself: all that is gone is the fee.
    const balance = await page.getAttribute('[data-balance]', 'data-balance');
    if (!/^99\.9{3,}/.test(balance ?? '')) throw new Error(`the balance says ${balance}`);
    return `${balance} coins`;
  });
  await steps.run('a wrong address and a sum too large get clear answers', async () => {
    await page.fill('#to', 'nobody');
    await page.fill('#amount', '1');
    await page.click('[data-action=send]');
    const alert = page.locator('section[aria-label=Pay] [role=alert]');
    await alert.waitFor(timeout);
    const own = await page.getAttribute('[data-own-address]', 'data-own-address');
    await page.fill('#to', own ?? '');
    await page.fill('#amount', '5000');
    await page.click('[data-action=send]');
    await page.waitForSelector('text=coins are needed', timeout);
    return (await alert.textContent()) ?? '';
  });
}

async function lookUp(steps: Steps, page: Page, url: string): Promise<void> {
  const search = async (text: string) => {
    await page.fill('#search', text);
    await page.press('#search', 'Enter');
  };
  await steps.run('block, payment and address are found by the search', async () => {
    await page.goto(`${url}/#/`);
    const own = await page.getAttribute('[data-own-address]', 'data-own-address', timeout);
    await search(own ?? '');
    await page.waitForSelector('text=History, proved complete', timeout);
    const payment = await page
      .locator('td a[href*="payment"] code')
      .first()
      .getAttribute('title', timeout);
    await search(payment ?? '');
    await page.waitForSelector('text=Save the receipt', timeout);
    await search('1');
    await page.waitForSelector('text=State root', timeout);
  });
  await steps.run('a search for nothing known says so', async () => {
    await search('what is this');
    await page.waitForSelector('#search-problem', timeout);
    await page.fill('#search', '');
  });
}

async function checkReceipts(steps: Steps, page: Page, url: string): Promise<void> {
  const folder = tmpdir();
  await steps.run('a receipt is saved, dropped on the page, and found true', async () => {
    await page.goto(`${url}/#/`);
    const own = await page.getAttribute('[data-own-address]', 'data-own-address', timeout);
    await page.goto(`${url}/#/address/${own}`);
    await page.locator('td a[href*="payment"]').first().click(timeout);
    const [download] = await Promise.all([
      page.waitForEvent('download', timeout),
      page.click('text=Save the receipt', timeout),
    ]);
    await download.saveAs(join(folder, 'fanal-e2e.receipt'));
    await page.goto(`${url}/#/`);
    await drop(page, readFileSync(join(folder, 'fanal-e2e.receipt'), 'utf8'));
    await page.waitForSelector('[data-receipt=true]', timeout);
  });
  await steps.run('a tampered receipt is refused, and the step is named', async () => {
    const lines = readFileSync(join(folder, 'fanal-e2e.receipt'), 'utf8').split('\n');
    const last = lines.findLastIndex((line) => line.startsWith('— '));
    const line = lines[last] as string;
    const at = line.length - 20;
    lines[last] = `${line.slice(0, at)}${line[at] === 'A' ? 'B' : 'A'}${line.slice(at + 1)}`;
    writeFileSync(join(folder, 'fanal-e2e-forged.receipt'), lines.join('\n'));
    await page.setInputFiles('#receipt', join(folder, 'fanal-e2e-forged.receipt'));
    const outcome = page.locator('[data-receipt=refused]');
    await outcome.waitFor(timeout);
    return (await outcome.textContent()) ?? '';
  });
}

/** Drags a file onto the page, as the browser tells a page of it. */
async function drop(page: Page, text: string): Promise<void> {
  const data = await page.evaluateHandle((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], 'payment.receipt', { type: 'text/plain' }));
    return transfer;
  }, text);
  await page.dispatchEvent('.drop', 'dragover', { dataTransfer: data });
  await page.dispatchEvent('.drop', 'drop', { dataTransfer: data });
}
