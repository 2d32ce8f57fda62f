/**
 * `npm run e2e`: the page in a real Chromium, against a real network of four processes and a real
 * gateway, against validators and gateways that are killed, and against a gateway that lies.
 *
 * Pictures go to `artifacts/e2e/`. Exit code 0 when every step holds, 8 when one does not, 3 when
 * there is no Chromium.
 */
import { mkdirSync } from 'node:fs';
import { findChromium, openChromium } from '../support/chromium.ts';
import { budgets } from './budgets.ts';
import { installed } from './installed.ts';
import { outages } from './outages.ts';
import { pictures } from './pictures.ts';
import { DevRun, listen, PICTURES, Steps } from './rig.ts';
import { staged } from './staged.ts';
import { tour } from './tour.ts';

const EXIT_CONFIG = 3;
const EXIT_CHECKS = 8;

async function main(): Promise<number> {
  const executable = findChromium();
  if (executable === null) {
    console.error('No Chromium here. Install one (Debian: chromium), or set CHROMIUM_PATH.');
    return EXIT_CONFIG;
  }
  mkdirSync(PICTURES, { recursive: true });
  const steps = new Steps();
  const run = await DevRun.start();
  const browser = await openChromium(executable);
  const complaints: string[] = [];
  try {
    await steps.run('the network is ready', async () => {
      await run.untilReady();
      return run.readyLine;
    });
    if (steps.failed > 0) return EXIT_CHECKS;
    const page = await browser.context.newPage();
    listen(page, complaints);
    await tour(steps, page, run.url);
    await pictures(steps, page, run.url);
    await budgets(steps, executable, run.url);
    await outages(steps, page, run);
    await staged(steps, browser.context);
    await steps.run('nothing complained in the console', async () => {
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
    });
  } finally {
    await browser.close();
    await steps.run('everything stops when asked to', async () => {
      const code = await run.stop();
      if (code !== 130) throw new Error(`fanal dev ended with ${code}`);
    });
  }
  await installed(steps);
  console.log(`${steps.passed} passed, ${steps.failed} failed`);
  return steps.failed === 0 ? 0 : EXIT_CHECKS;
}

process.exitCode = await main();
