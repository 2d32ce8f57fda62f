/**
 * Strict JSON for bytes from outside.
 *
 * Beyond RFC 8259 it refuses what programs read differently: duplicate names, lone surrogates,
 * numbers that are not safe integers, a byte-order mark, and nesting deeper than 16. Objects come without a
 * prototype, so `__proto__` is a name like any other.
 */
import { MAX_JSON_DEPTH, MAX_JSON_TOKENS } from '../chain/limits.ts';
import { noteFromBytes } from '../checkpoint/note.ts';
import type { Bytes } from '../primitives/bytes.ts';
import { DecodeError } from '../primitives/errors.ts';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/**
 * Reads one JSON value from UTF-8 bytes.
 *
 * @throws {DecodeError} `encoding/json`
 */
export function parseJson(bytes: Bytes): JsonValue {
  return new Parser(decodeUtf8(bytes)).document();
}

function decodeUtf8(bytes: Bytes): string {
  try {
    return noteFromBytes(bytes);
  } catch {
    throw refuse(0, 'bad UTF-8');
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const INTEGER = /^-?[0-9]+$/;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Parser {
  readonly #text: string;
  #at = 0;
  #tokens = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) throw refuse(this.#at, 'more after the value');
    return value;
  }

  #value(depth: number): JsonValue {
    this.#space();
    if (++this.#tokens > MAX_JSON_TOKENS) {
      throw refuse(this.#at, `more than ${MAX_JSON_TOKENS} values`);
    }
    const character = this.#text[this.#at];
    switch (character) {
      case '{':
        return this.#object(this.#deeper(depth));
      case '[':
        return this.#array(this.#deeper(depth));
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #deeper(depth: number): number {
    if (depth === MAX_JSON_DEPTH) throw refuse(this.#at, `nested deeper than ${MAX_JSON_DEPTH}`);
    return depth + 1;
  }

  #object(depth: number): JsonValue {
    const object: Record<string, JsonValue> = Object.create(null);
    this.#at++;
    this.#space();
    if (this.#take('}')) return object;
    do {
      this.#space();
      const at = this.#at;
      if (this.#text[at] !== '"') throw refuse(at, 'expected a name in quotes');
      const name = this.#string();
      if (Object.hasOwn(object, name)) throw refuse(at, 'duplicate name');
      this.#space();
      if (!this.#take(':')) throw refuse(this.#at, 'expected a colon');
      object[name] = this.#value(depth);
      this.#space();
    } while (this.#take(','));
    if (!this.#take('}')) throw refuse(this.#at, 'expected a comma or a closing brace');
    return object;
  }

  #array(depth: number): JsonValue {
    const array: JsonValue[] = [];
    this.#at++;
    this.#space();
    if (this.#take(']')) return array;
    do {
      array.push(this.#value(depth));
      this.#space();
    } while (this.#take(','));
    if (!this.#take(']')) throw refuse(this.#at, 'expected a comma or a closing bracket');
    return array;
  }

  #string(): string {
    const start = this.#at++;
    let value = '';
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined) throw refuse(start, 'string without an end');
      if (character < ' ') throw refuse(this.#at, 'control character in a string');
      this.#at++;
      if (character === '"') break;
      value += character === '\\' ? this.#escape() : character;
    }
    if (!value.isWellFormed()) throw refuse(start, 'lone surrogate');
    return value;
  }

  #escape(): string {
    const kind = this.#text[this.#at++];
    if (kind === 'u') {
      const digits = this.#text.slice(this.#at, this.#at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw refuse(this.#at, 'bad escape');
      this.#at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const value = kind === undefined ? undefined : ESCAPES[kind];
    if (value === undefined) throw refuse(this.#at, 'bad escape');
    return value;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) throw refuse(this.#at, 'expected a value');
    const value = Number(match[0]);
    if (!INTEGER.test(match[0]) || !Number.isSafeInteger(value)) {
      throw refuse(this.#at, 'a number that is not a safe integer: amounts are strings');
    }
    this.#at += match[0].length;
    // There is one zero: the negative one reads the same.
    return value === 0 ? 0 : value;
  }

  #word<T extends JsonValue>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw refuse(this.#at, 'expected a value');
    this.#at += word.length;
    return value;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? '-')) this.#at++;
  }
}

function refuse(at: number, why: string): DecodeError {
  return new DecodeError('encoding/json', `not strict JSON: ${why} (at ${at})`);
}
