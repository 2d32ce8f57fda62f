/**
 * What Hermes, the engine of React Native, lacks of the language that Fanal is written in.
 *
 * An app calls `installPolyfills()` once, before anything else of Fanal. Only what is missing is
 * added. Two things no polyfill can give and the app must bring: `crypto.getRandomValues`, for
 * making new keys (react-native-get-random-values), and a lowering of the syntax, which Metro's
 * preset does.
 */

/** Adds to the platform what Hermes 0.12 lacks and Fanal uses; leaves alone what is there. */
export function installPolyfills(): void {
  addMissing(Array.prototype, arrayMethods);
  addMissing(Object.getPrototypeOf(Uint8Array.prototype), { at: arrayMethods.at });
  addMissing(String.prototype, stringMethods);
  addMissing(globalThis, { TextEncoder: Utf8Encoder });
}

const arrayMethods = {
  at(this: ArrayLike<unknown>, index: number) {
    const whole = Math.trunc(index) || 0;
    return this[whole < 0 ? this.length + whole : whole];
  },
  with(this: unknown[], index: number, value: unknown) {
    const whole = Math.trunc(index) || 0;
    const place = whole < 0 ? this.length + whole : whole;
    if (place < 0 || place >= this.length) throw new RangeError(`Invalid index : ${index}`);
    const copy = this.slice();
    copy[place] = value;
    return copy;
  },
  toSorted(this: unknown[], compare?: (a: unknown, b: unknown) => number) {
    return this.slice().sort(compare);
  },
  toReversed(this: unknown[]) {
    return this.slice().reverse();
  },
  toSpliced(this: unknown[], ...change: [start: number, count: number, ...added: unknown[]]) {
    const copy = this.slice();
    copy.splice(...change);
    return copy;
  },
};

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(^|[^\ud800-\udbff])[\udc00-\udfff]/;

const stringMethods = {
  at(this: string, index: number) {
    const whole = Math.trunc(index) || 0;
    return this[whole < 0 ? this.length + whole : whole];
  },
  isWellFormed(this: string) {
    return !LONE_SURROGATE.test(this);
  },
};

/** The part of `TextEncoder` that turns text into UTF-8. */
class Utf8Encoder {
  readonly encoding = 'utf-8';

  encode(text = ''): Uint8Array {
    const bytes: number[] = [];
    for (const character of text) {
      const point = character.codePointAt(0) as number;
      // Half a surrogate pair stands for nothing: U+FFFD, as the Encoding standard has it.
      append(bytes, point >= 0xd800 && point <= 0xdfff ? 0xfffd : point);
    }
    return Uint8Array.from(bytes);
  }
}

function append(bytes: number[], point: number): void {
  if (point < 0x80) bytes.push(point);
  else if (point < 0x800) bytes.push(0xc0 | (point >> 6), tail(point));
  else if (point < 0x1_0000) bytes.push(0xe0 | (point >> 12), tail(point >> 6), tail(point));
  else bytes.push(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point));
}

function tail(bits: number): number {
  return 0x80 | (bits & 0x3f);
}

function addMissing(target: object, members: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(members)) {
    if (name in target) continue;
    Object.defineProperty(target, name, { value, writable: true, configurable: true });
  }
}
