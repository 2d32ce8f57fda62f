import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleForHermes, findHermes, runInHermes } from '../support/hermes.ts';
import { readVectors } from '../support/vectors/read.ts';
import { readCaseTexts, readVerdicts } from '../support/vectors.ts';
import { languageAnswers } from './polyfill-runner.ts';

const hermes = findHermes();
if (hermes === null) console.warn('left out: tests in Hermes. npm has no Hermes for this machine.');
const bundle = (file: string) => bundleForHermes(resolve(import.meta.dirname, file));

describe.skipIf(hermes === null)('in Hermes, the engine of React Native', () => {
  it('the one verdict table is what plain JavaScript says', async () => {
    const lines = await runInHermes(hermes as string, [
      await bundle('verdict-runner.ts'),
      `runVerdicts('javascript', ${JSON.stringify(readCaseTexts())}).then(
        function (verdicts) { print(JSON.stringify(verdicts)); },
        function (error) { print(error.stack); },
      );`,
    ]);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toEqual(readVerdicts());
  });

  it('every vector of the project does what it says, in plain JavaScript', async () => {
    const lines = await runInHermes(hermes as string, [
      await bundle('vector-runner.ts'),
      `runVectors('javascript', ${JSON.stringify(readVectors())}).then(
        function (failures) { print(JSON.stringify(failures)); },
        function (error) { print(error.stack); },
      );`,
    ]);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toEqual([]);
  });

  it('the polyfills do what the language does in Node', async () => {
    const lines = await runInHermes(hermes as string, [
      "print([].at === undefined && typeof TextEncoder === 'undefined');",
      await bundle('polyfill-runner.ts'),
      'print(JSON.stringify(languageAnswers()));',
    ]);
    const [wasMissing, answers] = lines as [string, string];
    expect(wasMissing).toBe('true');
    expect(JSON.parse(answers)).toEqual(JSON.parse(JSON.stringify(languageAnswers())));
  });
});
