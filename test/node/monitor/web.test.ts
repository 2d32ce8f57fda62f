/**
 * The board as a web page, with a real browser where there is one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alarms } from '../../../node/monitor/alarms.ts';
import { NO_MEASURES } from '../../../node/monitor/measures.ts';
import type { MonitorSample, ValidatorRow } from '../../../node/monitor/sample.ts';
import { serveBoard, type WebBoard } from '../../../node/monitor/web.ts';
import { findChromium, openChromium } from '../../support/chromium.ts';

const row = (rank: number): ValidatorRow => ({
  ...{ rank, name: `validator-with-a-long-name-${rank}`, stakeShare: 0.1, cosigned: 0.9987 },
  ...{ accuracy: rank === 4 ? 0.99 : 1, rounds: 18_000 - rank, rewards: 41.2 },
  ...{ latencyMillis: rank, version: '1.2.0', isSilent: rank === 3, isAsked: rank === 1 },
});

const quiet: MonitorSample = {
  ...NO_MEASURES,
  ...{ takenAtMillis: 1, network: '<b>dev</b>', version: 'v1', health: 'healthy', reason: null },
  ...{ epoch: 1, height: 184_203n, certifiedHeight: 184_203n, checkpointAgeSeconds: 1 },
  ...{ commitIndex: 9, round: 10, commitMillis: { p50: 400, p95: 500, p99: 600, last: 410 } },
  ...{ cosignedStake: 0.6, liveStake: 0.9, missing: ['validator-with-a-long-name-3'] },
  ...{ headAgeSeconds: 1, errorRate: 0, alerts: [] },
  mempool: { transactions: 0, bytes: 0, limitBytes: 100 },
  validators: Array.from({ length: 10 }, (_, i) => row(i + 1)),
  peers: { inbound: 1, outbound: 2 },
  events: [{ atMillis: 1, level: 'warn', text: '<img src=x> has gone silent' }],
};
const sample: MonitorSample = { ...quiet, alerts: alarms(quiet) };

let board: WebBoard;
let asked = 0;
beforeAll(async () => {
  board = await serveBoard({
    sample: async () => {
      asked++;
      return sample;
    },
    intervalMillis: 200,
    host: '127.0.0.1',
    port: 0,
  });
});
afterAll(() => board.close());

describe('the page’s server', () => {
  test('lets the page load its own files alone, and no script in its text', async () => {
    const response = await fetch(board.url);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    const html = await response.text();
    expect(html).not.toMatch(/<script(?![^>]* src=)|\son\w+=|\sstyle=|https?:\/\//);
  });

  test('hands everyone the newest sample, and asks the node no more often for it', async () => {
    const before = asked;
    const answers = await Promise.all(
      Array.from({ length: 40 }, async () => (await fetch(`${board.url}/sample.json`)).json()),
    );
    for (const { sample: told, latencies } of answers as {
      sample: { height: string };
      latencies: number[];
    }[]) {
      expect(told.height).toBe('184203');
      expect(latencies.length).toBeGreaterThan(0);
    }
    expect(asked - before).toBeLessThan(10);
  });

  test('answers nothing but to be read', async () => {
    expect((await fetch(`${board.url}/sample.json`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${board.url}/board.ts`)).status).toBe(404);
    expect((await fetch(`${board.url}/%2e%2e/web.ts`)).status).toBe(404);
  });
});

const chromium = findChromium();

test.skipIf(chromium === null)(
  'the page shows the board at any width, as text alone, without a complaint of the browser',
  async () => {
    const browser = await openChromium(chromium as string);
    try {
      const page = await browser.context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(board.url);
      await page.waitForSelector('tbody tr');
      const text = await page.innerText('body');
      for (const part of [
        '■ critical',
        '<b>dev</b>',
        'height 184,203',
        'NO QUORUM',
        'critical QuorumLost: only 60.0 % of the stake is left',
        'validator-with-a-long-name-4 ! signed another root',
        '<img src=x> has gone silent',
        'commit latency p50 400 ms, p95 500 ms, p99 600 ms',
      ]) {
        expect(text).toContain(part);
      }
      expect(await page.locator('img, b').count()).toBe(0);
      await page.selectOption('#sort', 'missed');
      expect(await page.innerText('tbody tr:first-child td:nth-child(2)')).toContain('name-3');
      await page.fill('#filter', 'name-10');
      expect(await page.locator('tbody tr').count()).toBe(1);
      await page.fill('#filter', '');
      for (const width of [320, 768, 1280]) {
        await page.setViewportSize({ width, height: 700 });
        const [content, window] = (await page.evaluate(
          '[document.documentElement.scrollWidth, innerWidth]',
        )) as [number, number];
        expect(content, `at ${width}`).toBeLessThanOrEqual(window);
      }
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  },
);
