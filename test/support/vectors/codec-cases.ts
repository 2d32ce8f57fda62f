/**
 * Vectors of canonical bytes: values of every type, and bytes that are none.
 */
import { type Bytes, concat, toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import fc from 'fast-check';
import type { CodecCase } from '../codecs.ts';
import { flipped, toJson, type VectorCase, type VectorFile, vectorFile } from './vector-json.ts';

const SEED = 26_700;
const VALUES = 4;
/** Cases of one refusal that are kept. */
const EACH_REFUSAL = 2;

export function codecVectors({ name, codec, arbitrary }: CodecCase): VectorFile {
  const values = fc.sample(arbitrary, { seed: SEED, numRuns: 40 });
  const chosen = spread(values.map((value) => ({ value, bytes: codec.encode(value) })));
  const valid = chosen.map(
    ({ value, bytes }, i): VectorCase => ({
      name: `value ${i + 1}`,
      bytes: toHex(bytes),
      value: toJson(value),
    }),
  );
  const refusals = new Map<string, VectorCase[]>();
  for (const { bytes } of chosen) {
    for (const [what, bad] of damage(bytes)) {
      const code = refusalOf(codec, bad);
      if (code === undefined) continue;
      const same = refusals.get(code) ?? [];
      refusals.set(code, same);
      if (same.length < EACH_REFUSAL) same.push({ name: what, bytes: toHex(bad), refused: code });
    }
  }
  return vectorFile(
    'docs/protocol.md §1.1 and the type of this name',
    `Decode \`bytes\` as one ${name} and nothing else. A case with \`value\` decodes to it (bytes in hex, u64 in decimal) and encodes back to the same bytes. A case with \`refused\` is refused; the code is the library's and may differ elsewhere.`,
    [...valid, ...[...refusals.values()].flat()],
  );
}

/** A few values of different lengths, the shortest and the longest among them. */
function spread<T extends { readonly bytes: Bytes }>(all: readonly T[]): T[] {
  const sorted = all.toSorted((a, b) => a.bytes.length - b.bytes.length);
  const step = (sorted.length - 1) / (VALUES - 1);
  return Array.from({ length: VALUES }, (_, i) => sorted[Math.round(i * step)] as T);
}

function* damage(bytes: Bytes): Generator<[string, Bytes]> {
  yield ['nothing', new Uint8Array(0)];
  yield ['one byte short', bytes.slice(0, -1)];
  yield ['one byte long', concat(bytes, Uint8Array.of(0))];
  yield ['the first half', bytes.slice(0, bytes.length >> 1)];
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [0xff, 0x80, 0x01]) {
      yield [`byte ${at} xor ${mask}`, flipped(bytes, at, mask)];
    }
  }
}

function refusalOf(codec: CodecCase['codec'], bytes: Bytes): string | undefined {
  try {
    codec.decode(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof FanalError) return error.code;
    throw error;
  }
}
