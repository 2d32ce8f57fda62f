import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleForHermes, findHermes, runInHermes } from '../support/hermes.ts';
import { payAndProve } from './sdk-runner.ts';

const hermes = findHermes();

describe('the whole SDK', () => {
  it('pays and proves in Node', async () => {
    const told = await payAndProve();
    expect(told).toMatchObject({ height: '2', balance: '500000000' });
    expect(told.receiptTxid).toBe(told.txid);
    expect(told.refusal).toMatch(/^(proof|decode|coins|checkpoint|update|api)\//);
  });

  it.skipIf(hermes === null)('tells the same in Hermes, the engine of React Native', async () => {
    const lines = await runInHermes(hermes as string, [
      await bundleForHermes(resolve(import.meta.dirname, 'sdk-runner.ts')),
      `payAndProve().then(
        function (told) { print(JSON.stringify(told)); },
        function (error) { print(String(error) + error.stack); },
      );`,
    ]);
    expect(lines).toEqual([JSON.stringify(await payAndProve())]);
  });
});
