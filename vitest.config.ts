import { existsSync } from 'node:fs';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** Tests run in Node by default; files under `test/workers/` run inside workerd. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/workers/**', 'node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      ...(existsSync('wrangler.toml')
        ? [
            {
              plugins: [
                cloudflareTest({
                  wrangler: { configPath: './wrangler.toml' },
                  miniflare: { cf: false },
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
