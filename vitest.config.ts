import { existsSync } from 'node:fs';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

// Nothing that the suite starts may report home or look beyond this machine.
process.env.WRANGLER_SEND_METRICS ??= 'false';
process.env.WRANGLER_SEND_ERROR_REPORTS ??= 'false';
process.env.WRANGLER_HIDE_BANNER ??= 'true';
process.env.CLOUDFLARE_CF_FETCH_ENABLED ??= 'false';
process.env.WRANGLER_LOG_PATH ??= '.wrangler/logs';

/** Tests run in Node by default; files under `test/workers/` run inside workerd. */
export default defineConfig({
  test: {
    // Many tests wait for processes of their own, and seldom for the processor.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/workers/**', 'node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // A slow machine is not a wrong answer: time is ample, and on shared machines a failure
          // has to happen twice.
          retry: process.env.CI === undefined ? 0 : 1,
          expect: { poll: { timeout: 20_000 } },
        },
      },
      ...(existsSync('wrangler.toml')
        ? [
            {
              plugins: [
                cloudflareTest({
                  wrangler: { configPath: './wrangler.toml' },
                  // A Worker under test that asks the world is answered here: nobody is at home.
                  miniflare: {
                    cf: false,
                    outboundService: () => new Response(null, { status: 503 }),
                  },
                }),
              ],
              test: {
                name: 'workerd',
                include: ['test/workers/**/*.test.ts'],
                testTimeout: 60_000,
                hookTimeout: 60_000,
              },
            },
          ]
        : []),
    ],
  },
});
