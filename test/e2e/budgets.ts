/**
 * How much a first visit loads, and how soon it sees a tip that it has verified.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openChromium } from '../support/chromium.ts';
import { ROOT, STEP_MILLIS, type Steps } from './rig.ts';
import { BITS_PER_SECOND, ROUND_TRIP_MILLIS, slowLink } from './slow-link.ts';

const DIST = join(ROOT, 'workers/web/dist');
const MAX_FIRST_LOAD_BYTES = 60_000;
const VISITS = 3;

export async function budgets(steps: Steps, executable: string, url: string): Promise<void> {
  let files: string[] = [];
  const link = await slowLink(Number(new URL(url).port));
  try {
    const speed = `${ROUND_TRIP_MILLIS} ms, ${BITS_PER_SECOND / 1e6} Mbit/s`;
    await steps.run(`a first visit over 4G (${speed}) verifies the tip`, async () => {
      const near: number[] = [];
      const far: number[] = [];
      // In turns, so that both meet the same load of this machine.
      for (let visit = 0; visit < VISITS; visit++) {
        near.push((await firstVisit(executable, url)).millis);
        const seen = await firstVisit(executable, link.url);
        far.push(seen.millis);
        files = seen.files;
      }
      return `median ${seconds(far)} s of ${VISITS}; without the link ${seconds(near)} s`;
    });
  } finally {
    await link.close();
  }
  await steps.run('the first visit loads no more than 60 kB, gzipped', async () => {
    const sizes = files.map(
      (file) => gzipSync(readFileSync(join(DIST, file)), { level: 9 }).length,
    );
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (files.length < 4) throw new Error(`only ${files.join(', ')} were seen`);
    if (total > MAX_FIRST_LOAD_BYTES) throw new Error(`${total} bytes: ${files.join(', ')}`);
    return `${(total / 1000).toFixed(1)} kB in ${files.length} files`;
  });
}

function seconds(millis: readonly number[]): string {
  const median = millis.toSorted((a, b) => a - b)[millis.length >> 1] ?? 0;
  return (median / 1000).toFixed(2);
}

/** A visit with nothing kept from before, up to the first verified tip. */
async function firstVisit(
  executable: string,
  url: string,
): Promise<{ readonly millis: number; readonly files: string[] }> {
  const browser = await openChromium(executable);
  try {
    const page = await browser.context.newPage();
    const files = new Set<string>();
    browser.context.on('request', (request) => {
      const { pathname, origin } = new URL(request.url());
      if (origin !== url) return;
      if (pathname === '/') files.add('index.html');
      if (pathname.startsWith('/assets/')) files.add(pathname.slice(1));
    });
    await page.goto(url, { waitUntil: 'commit' });
    await page.waitForSelector('[data-verdict=fresh]', { timeout: STEP_MILLIS });
    const millis = await page.evaluate(() => performance.now());
    return { millis, files: [...files] };
  } finally {
    await browser.close();
  }
}
