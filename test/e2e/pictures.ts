/**
 * Pictures of every place, wide and narrow, by day and by night; each looked over by axe for people
 * who cannot see it, and for a page wider than its screen.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { PICTURES, STEP_MILLIS, type Steps } from './rig.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = [1280, 320];

export async function pictures(steps: Steps, page: Page, url: string): Promise<void> {
  const own = await page.getAttribute('[data-own-address]', 'data-own-address', {
    timeout: STEP_MILLIS,
  });
  await page.goto(`${url}/#/address/${own}`);
  const link = page.locator('td a[href*="payment"]').first();
  const payment = (await link.getAttribute('href', { timeout: STEP_MILLIS })) ?? '#/';
  const block = (await page.locator('td a[href*="block"]').first().getAttribute('href')) ?? '#/';
  const places = {
    home: '#/',
    validators: '#/validators',
    address: `#/address/${own}`,
    payment,
    block,
  };
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of WIDTHS) {
      const name = `${colorScheme} at ${width} px: nothing serious for axe, no sideways scroll`;
      await steps.run(name, async () => {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.setViewportSize({ width, height: 900 });
        for (const [place, fragment] of Object.entries(places)) {
          await page.goto(`${url}/${fragment}`);
          await page.waitForTimeout(900);
          await lookOver(page, `${place}-${width}-${colorScheme}`);
        }
      });
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** Keeps a picture, and throws for what axe calls serious and for a page that is too wide. */
export async function lookOver(page: Page, name: string): Promise<void> {
  // What is just fading in has too little contrast for a moment.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  if (overflow > 0) throw new Error(`${name} is ${overflow} px too wide`);
  // The policy forbids injected scripts on the page itself; evaluate does not need one.
  await page.evaluate(AXE);
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
