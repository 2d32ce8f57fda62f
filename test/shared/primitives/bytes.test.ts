import {
  asBytes32,
  asciiText,
  compareBytes,
  concat,
  equalBytes,
  fromBase64,
  fromHex,
  toBase64,
  toHex,
  utf8,
} from 'fanal/primitives/bytes.ts';
import { u64FromText } from 'fanal/primitives/units.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const any = fc.uint8Array({ maxLength: 80 });
const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
};

describe('bytes', () => {
  it('have the hex and base64 that Node gives them', () => {
    fc.assert(
      fc.property(any, (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
  });

  it('compare and join as Node does it', () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(concat(a, b)).toEqual(new Uint8Array(Buffer.concat([a, b])));
      }),
    );
  });

  it.each([
    ['an odd digit', () => fromHex('abc'), 'encoding/hex'],
    ['a capital', () => fromHex('AB'), 'encoding/hex'],
    ['another length', () => fromHex('abcd', 3), 'encoding/hex'],
    ['no text at all', () => fromHex(7 as never), 'encoding/hex'],
    ['base64 cut short', () => fromBase64('AAA'), 'encoding/base64'],
    ['base64 with spare bits', () => fromBase64('AB=='), 'encoding/base64'],
    ['base64 for URLs', () => fromBase64('_-8='), 'encoding/base64'],
    ['base64 with padding inside', () => fromBase64('A=AA'), 'encoding/base64'],
    ['base64 with a space', () => fromBase64('AA A'), 'encoding/base64'],
    ['31 bytes for 32', () => asBytes32(new Uint8Array(31)), 'encoding/length'],
    ['a control character', () => asciiText(Uint8Array.of(7)), 'encoding/ascii'],
    ['a byte above ASCII', () => asciiText(Uint8Array.of(0x80)), 'encoding/ascii'],
  ])('refuse %s', (_, action, code) => {
    expect(codeOf(action)).toBe(code);
  });
});

describe('UTF-8', () => {
  it('is what Node makes of any text, broken pairs too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        expect(utf8(text)).toEqual(new Uint8Array(Buffer.from(text, 'utf8')));
      }),
    );
    expect(utf8('a\ud800b')).toEqual(new Uint8Array(Buffer.from('a\ud800b', 'utf8')));
  });
});

describe('a u64 in text', () => {
  it('is decimal and below 2^63', () => {
    expect(u64FromText('9223372036854775807')).toBe(2n ** 63n - 1n);
    for (const text of ['9223372036854775808', '00', '-1', '+1', '1.0', '1e3', '', ' 1', '0x1']) {
      expect(
        codeOf(() => u64FromText(text)),
        text,
      ).toBe('encoding/integer');
    }
  });
});
