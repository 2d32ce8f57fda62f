/**
 * Gives Hermes one function: what the polyfilled parts of the language answer.
 */
import { installPolyfills } from 'fanal/polyfills/hermes.ts';

installPolyfills();

/** Plain enough to compare as JSON with what Node's own give. */
export function languageAnswers(): unknown {
  const list = [5, 1, 4];
  const texts = ['', 'a', 'é', '€', '🔑', '\ud800', 'x\udc00', '\udc00\ud800', 'a🔑b'];
  return {
    at: [-4, -3, -1, 0, 2, 3, 1.9, Number.NaN].map((index) => list.at(index) ?? null),
    atBytes: [-1, 0, 9].map((index) => Uint8Array.of(7, 8).at(index) ?? null),
    atText: [-1, 0, 9].map((index) => 'xyz'.at(index) ?? null),
    with: [list.with(0, 9), list.with(-1, 9)],
    withOutside: [3, -4].map((index) => {
      try {
        return list.with(index, 9);
      } catch (error) {
        return (error as Error).name;
      }
    }),
    toSorted: [list.toSorted(), list.toSorted((a, b) => b - a)],
    toReversed: list.toReversed(),
    toSpliced: [list.toSpliced(1, 1), list.toSpliced(1, 0, 7, 8), list.toSpliced(-1, 1, 3)],
    unchanged: list,
    wellFormed: texts.map((text) => text.isWellFormed()),
    utf8: texts.map((text) => Array.from(new TextEncoder().encode(text))),
  };
}

Object.assign(globalThis, { languageAnswers });
