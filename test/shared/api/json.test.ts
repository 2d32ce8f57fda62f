import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseJson } from 'fanal/api/json.ts';
import { MAX_JSON_DEPTH, MAX_JSON_TOKENS } from 'fanal/chain/limits.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import { DecodeError } from 'fanal/primitives/errors.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const folder = resolve(import.meta.dirname, '../../vectors/jsontestsuite/test_parsing');
const files = readdirSync(folder).sort();

function outcome(name: string): 'accepted' | 'refused' {
  try {
    parseJson(readFileSync(join(folder, name)));
    return 'accepted';
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
    return 'refused';
  }
}

const accepted = (prefix: string) =>
  files.filter((name) => name.startsWith(prefix) && outcome(name) === 'accepted');

describe('strict JSON', () => {
  it('refuses everything that JSONTestSuite says is not JSON', () => {
    expect(files.filter((name) => name.startsWith('n_'))).toHaveLength(188);
    expect(accepted('n_')).toEqual([]);
  });

  it('takes everything that is JSON, but repeated names and numbers that are no safe integers', () => {
    const refused = files.filter((name) => name.startsWith('y_') && outcome(name) === 'refused');
    expect(refused).toEqual([
      'y_number.json',
      'y_number_0e+1.json',
      'y_number_0e1.json',
      'y_number_double_close_to_zero.json',
      'y_number_int_with_exp.json',
      'y_number_real_capital_e.json',
      'y_number_real_capital_e_neg_exp.json',
      'y_number_real_capital_e_pos_exp.json',
      'y_number_real_exponent.json',
      'y_number_real_fraction_exponent.json',
      'y_number_real_neg_exp.json',
      'y_number_real_pos_exponent.json',
      'y_number_simple_real.json',
      'y_object_duplicated_key.json',
      'y_object_duplicated_key_and_value.json',
      'y_object_extreme_numbers.json',
      'y_structure_lonely_negative_real.json',
    ]);
  });

  it('refuses all that parsers may choose about', () => {
    expect(files.filter((name) => name.startsWith('i_'))).toHaveLength(35);
    expect(accepted('i_')).toEqual([]);
  });

  it('reads what JSON.parse reads, wherever it accepts', () => {
    for (const name of accepted('y_')) {
      const bytes = readFileSync(join(folder, name));
      expect(JSON.stringify(parseJson(bytes)), name).toBe(
        JSON.stringify(JSON.parse(bytes.toString('utf8'))),
      );
    }
  });

  it('reads back whatever JSON.stringify writes of safe values', () => {
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constant(null),
        fc.boolean(),
        fc.maxSafeInteger(),
        fc.string({ unit: 'binary' }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ unit: 'binary' }), tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, (sample) => {
        const text = JSON.stringify(sample);
        expect(JSON.stringify(parseJson(utf8(text)))).toBe(text);
      }),
    );
  });

  it('names like __proto__ are names and change nothing', () => {
    const read = parseJson(utf8('{"__proto__":{"admin":true},"constructor":1}')) as object;
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(read)).toBeNull();
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  it('takes 16 levels and refuses the 17th', () => {
    const nested = (depth: number) => utf8('['.repeat(depth) + ']'.repeat(depth));
    expect(() => parseJson(nested(MAX_JSON_DEPTH))).not.toThrow();
    expect(() => parseJson(nested(MAX_JSON_DEPTH + 1))).toThrow(DecodeError);
  });

  it('takes 10,000 values and refuses one more', () => {
    const many = (count: number) => utf8(`[${new Array(count - 1).fill('0').join()}]`);
    expect(() => parseJson(many(MAX_JSON_TOKENS))).not.toThrow();
    expect(() => parseJson(many(MAX_JSON_TOKENS + 1))).toThrow(DecodeError);
  });
});
