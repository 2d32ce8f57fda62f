import { exports } from 'cloudflare:workers';
import { expect, test } from 'vitest';

test('the worker answers', async () => {
  const answer = await exports.default.fetch('https://gateway.test/');
  expect(await answer.text()).toBe('fanal gateway\n');
});
