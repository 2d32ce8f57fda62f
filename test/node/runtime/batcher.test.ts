import { Batcher } from 'fanal-node/runtime/batcher.ts';
import { expect, test } from 'vitest';

test('a batcher puts calls together, keeps their order, and says when too many wait', async () => {
  const batches: number[][] = [];
  let release: () => void = () => {};
  const batcher = new Batcher<number, number>(
    async (items) => {
      batches.push([...items]);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return items.map((item) => item * 2);
    },
    { maxItems: 4, maxInFlight: 1, delayMillis: 1, maxWaiting: 5 },
  );
  const results = [1, 2, 3, 4].map((item) => batcher.add(item));
  expect(batches).toEqual([[1, 2, 3, 4]]);
  for (const item of [5, 6, 7, 8]) results.push(batcher.add(item));
  expect(batcher.isFull).toBe(false);
  results.push(batcher.add(9));
  expect(batcher.isFull).toBe(true);
  while (batches.flat().length < 9) {
    release();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(batcher.isFull).toBe(false);
  release();
  expect(await Promise.all(results)).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18]);
  expect(batches).toEqual([[1, 2, 3, 4], [5, 6, 7, 8], [9]]);
});
