/**
 * JSON shapes: how a value of the protocol is written as JSON, read back, and described.
 *
 * u64 are decimal strings and bytes lower-case hex, always. Reading is strict about what it knows
 * and ignores names it does not, so that an answer can grow. A shape also carries its JSON Schema,
 * from which the OpenAPI document is made: there is no second description to keep in step.
 */
import { type Bytes, type Bytes32, bytes32FromHex, fromHex, toHex } from '../primitives/bytes.ts';
import { DecodeError } from '../primitives/errors.ts';
import { MAX_U8, MAX_U16, MAX_U32, u64FromText } from '../primitives/units.ts';
import type { JsonValue } from './json.ts';

/** A JSON Schema, as OpenAPI 3.1 takes it. */
export type JsonSchema = { readonly [name: string]: JsonValue };

/** Writes `Value` as `Json` and reads it back. */
export interface Shape<Value, Json = unknown> {
  readonly schema: JsonSchema;
  to(value: Value): Json;
  /** @throws {DecodeError} `encoding/json-shape` with the place that did not fit */
  from(json: unknown, place?: string): Value;
}

/** Any shape, whatever it reads and writes. */
export interface AnyShape {
  readonly schema: JsonSchema;
  to(value: never): unknown;
  from(json: unknown, place?: string): unknown;
}

/** What a shape reads and writes. */
export type ValueOf<S> = S extends Shape<infer Value, infer _> ? Value : never;
/** How a shape looks in JSON. */
export type JsonOf<S> = S extends Shape<infer _, infer Json> ? Json : never;

/** A u64 in decimal digits. */
export const u64: Shape<bigint, string> = {
  schema: { type: 'string', pattern: '^(0|[1-9][0-9]{0,18})$' },
  to: (value) => value.toString(),
  from: (json, place = '') => guarded(place, () => u64FromText(json as string)),
};

export const u32: Shape<number, number> = integer(MAX_U32);
export const u16: Shape<number, number> = integer(MAX_U16);
export const u8: Shape<number, number> = integer(MAX_U8);

/** A number for people and charts: a rate, a share. */
export const real: Shape<number, number> = {
  schema: { type: 'number' },
  to: (value) => value,
  from(json, place = '') {
    if (typeof json !== 'number' || !Number.isFinite(json)) throw misfit(place, 'a number', json);
    return json;
  },
};

/** 32 bytes in hex. */
export const bytes32: Shape<Bytes32, string> = {
  schema: { type: 'string', pattern: '^[0-9a-f]{64}$' },
  to: toHex,
  from: (json, place = '') => guarded(place, () => bytes32FromHex(json as string)),
};

/** Bytes in hex, of one length or up to a greatest one. */
export function hex({ length, max }: { length?: number; max?: number } = {}): Shape<Bytes, string> {
  const digits = length === undefined ? (max ?? 0) * 2 : length * 2;
  return {
    schema: {
      type: 'string',
      pattern: '^([0-9a-f]{2})*$',
      ...(digits === 0 ? {} : { maxLength: digits }),
      ...(length === undefined ? {} : { minLength: digits }),
    },
    to: toHex,
    from(json, place = '') {
      const bytes = guarded(place, () => fromHex(json as string, length));
      if (max !== undefined && bytes.length > max) {
        throw misfit(place, `at most ${max} bytes`, `${bytes.length}`);
      }
      return bytes;
    },
  };
}

/** Text up to a greatest number of UTF-16 units. */
export function text(maxLength: number): Shape<string, string> {
  return {
    schema: { type: 'string', maxLength },
    to: (value) => value,
    from(json, place = '') {
      if (typeof json !== 'string' || json.length > maxLength) {
        throw misfit(place, `text of at most ${maxLength} characters`, json);
      }
      return json;
    },
  };
}

export const flag: Shape<boolean, boolean> = {
  schema: { type: 'boolean' },
  to: (value) => value,
  from(json, place = '') {
    if (typeof json !== 'boolean') throw misfit(place, 'true or false', json);
    return json;
  },
};

/** One of a few words. */
export function word<const Word extends string>(...words: readonly Word[]): Shape<Word, Word> {
  return {
    schema: words.length === 1 ? { const: words[0] as string } : { type: 'string', enum: words },
    to: (value) => value,
    from(json, place = '') {
      if (!words.includes(json as Word)) throw misfit(place, words.join(' or '), json);
      return json as Word;
    },
  };
}

/** A list of at most `max` items. */
export function list<Value, Json>(
  item: Shape<Value, Json>,
  max: number,
): Shape<readonly Value[], readonly Json[]> {
  return {
    schema: { type: 'array', items: item.schema, maxItems: max },
    to: (values) => values.map((value) => item.to(value)),
    from(json, place = '') {
      if (!Array.isArray(json) || json.length > max) {
        throw misfit(place, `a list of at most ${max}`, json);
      }
      return json.map((entry, i) => item.from(entry, `${place}/${i}`));
    },
  };
}

/** A value or null. */
export function nullable<Value, Json>(shape: Shape<Value, Json>): Shape<Value | null, Json | null> {
  return {
    schema: { anyOf: [shape.schema, { type: 'null' }] },
    to: (value) => (value === null ? null : shape.to(value)),
    from: (json, place = '') => (json === null ? null : shape.from(json, place)),
  };
}

type Fields = Readonly<Record<string, AnyShape>>;
type FieldValues<F> = { readonly [Name in keyof F]: ValueOf<F[Name]> };
type FieldJson<F> = { readonly [Name in keyof F]: JsonOf<F[Name]> };

/** An object with these names, all of them required. */
export function object<F extends Fields>(fields: F): Shape<FieldValues<F>, FieldJson<F>> {
  const entries = Object.entries(fields) as unknown as [string, Shape<unknown, unknown>][];
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries(entries.map(([name, shape]) => [name, shape.schema])),
      required: entries.map(([name]) => name),
    },
    to(value) {
      const source = value as Readonly<Record<string, unknown>>;
      return Object.fromEntries(
        entries.map(([name, shape]) => [name, shape.to(source[name])]),
      ) as FieldJson<F>;
    },
    from(json, place = '') {
      if (json === null || typeof json !== 'object' || Array.isArray(json)) {
        throw misfit(place, 'an object', json);
      }
      const source = json as Readonly<Record<string, unknown>>;
      return Object.fromEntries(
        entries.map(([name, shape]) => [
          name,
          shape.from(Object.hasOwn(source, name) ? source[name] : undefined, `${place}/${name}`),
        ]),
      ) as FieldValues<F>;
    },
  };
}

type KindOf<S> = ValueOf<S> extends { readonly kind: infer Kind } ? Kind : never;
type Choices = readonly AnyShape[];

/** One of several objects, told apart by `kind`. */
export function choice<const C extends Choices>(
  ...shapes: C
): Shape<ValueOf<C[number]>, JsonOf<C[number]>> {
  type Kind = KindOf<C[number]>;
  const byKind = new Map<Kind, Shape<unknown, unknown>>(
    shapes.map((shape) => {
      const { kind } = (shape.schema as { properties: { kind: { const: string } } }).properties;
      return [kind.const as Kind, shape as unknown as Shape<unknown, unknown>];
    }),
  );
  const find = (kind: unknown, place: string): Shape<unknown, unknown> => {
    const shape = byKind.get(kind as Kind);
    if (shape === undefined) throw misfit(`${place}/kind`, [...byKind.keys()].join(' or '), kind);
    return shape;
  };
  return {
    schema: { oneOf: shapes.map((shape) => shape.schema) },
    to: (value) => find((value as { kind: unknown }).kind, '').to(value) as JsonOf<C[number]>,
    from: (json, place = '') =>
      find((json as { kind?: unknown } | null)?.kind, place).from(json, place) as ValueOf<
        C[number]
      >,
  };
}

/** A shape of one type seen as another, such as JSON text of an address. */
export function mapped<Outer, Inner, Json>(
  shape: Shape<Inner, Json>,
  to: (value: Outer) => Inner,
  from: (value: Inner) => Outer,
): Shape<Outer, Json> {
  return {
    schema: shape.schema,
    to: (value) => shape.to(to(value)),
    from: (json, place = '') => {
      const inner = shape.from(json, place);
      return guarded(place, () => from(inner));
    },
  };
}

function integer(max: number): Shape<number, number> {
  return {
    schema: { type: 'integer', minimum: 0, maximum: max },
    to: (value) => value,
    from(json, place = '') {
      if (!Number.isInteger(json) || (json as number) < 0 || (json as number) > max) {
        throw misfit(place, `an integer from 0 to ${max}`, json);
      }
      return json as number;
    },
  };
}

function guarded<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError('encoding/json-shape', `${place || '/'}: ${error.message}`, {
      cause: error,
    });
  }
}

function misfit(place: string, expected: string, found: unknown): DecodeError {
  const shown = typeof found === 'string' ? JSON.stringify(found.slice(0, 32)) : typeof found;
  return new DecodeError(
    'encoding/json-shape',
    `${place || '/'}: expected ${expected}, found ${shown}`,
  );
}
