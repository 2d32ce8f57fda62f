import {
  ADDRESS_PREFIXES,
  addressFromKey,
  addressFromKeys,
  asAddress,
  decodeAddress,
  encodeAddress,
} from 'fanal/crypto/address.ts';
import { fromHex, toHex } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const key = (byte: number) => new Uint8Array(32).fill(byte);
const code = (wanted: string) => expect.objectContaining({ code: wanted });
const anyAddress = fc
  .tuple(fc.constantFrom(0, 1), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([version, hash]) => asAddress(new Uint8Array([version, ...hash])));
const anyPrefix = fc.constantFrom(...ADDRESS_PREFIXES);

describe('an address', () => {
  it('of one key is version 0 and the tagged hash of the key', () => {
    const tagged = sha256(new Uint8Array([...Buffer.from('fanal/address/v1\n'), ...key(5)]));
    expect(toHex(addressFromKey(key(5)))).toBe(`00${toHex(tagged)}`);
  });

  it('of two of three keys is version 1 and hashes m, n and the keys in order', () => {
    const numbers = [1, 2, 3];
    const tagged = sha256(
      new Uint8Array([
        ...Buffer.from('fanal/address/v1\n'),
        ...numbers,
        ...key(1),
        ...key(5),
        ...key(9),
      ]),
    );
    expect(toHex(addressFromKeys(2, [key(9), key(1), key(5)]))).toBe(`01${toHex(tagged)}`);
  });

  it('does not depend on the order in which keys are given', () => {
    expect(addressFromKeys(2, [key(1), key(2), key(3)])).toEqual(
      addressFromKeys(2, [key(3), key(1), key(2)]),
    );
  });

  it('needs 1 ≤ m ≤ n ≤ 16 distinct keys', () => {
    const keys = (count: number) => Array.from({ length: count }, (_, i) => key(i));
    expect(addressFromKeys(16, keys(16))[0]).toBe(1);
    expect(addressFromKeys(1, keys(1))[0]).toBe(1);
    for (const [m, n] of [
      [0, 1],
      [2, 1],
      [1, 17],
      [0, 0],
      [Number.NaN, 3],
      [1.5, 3],
    ] as const) {
      expect(() => addressFromKeys(m, keys(n))).toThrow(code('address/threshold'));
    }
    expect(() => addressFromKeys(1, [key(1), key(1)])).toThrow(code('address/threshold'));
  });
});

describe('the text of an address', () => {
  const address = addressFromKey(key(5));

  it('begins with the network', () => {
    expect(encodeAddress(address, 'fan')).toMatch(/^fan1[a-z0-9]{59}$/);
    expect(encodeAddress(address, 'tfan')).toMatch(/^tfan1[a-z0-9]{59}$/);
    expect(encodeAddress(address, 'dfan')).toMatch(/^dfan1[a-z0-9]{59}$/);
  });

  it('reads back to the same bytes, in either case', () => {
    fc.assert(
      fc.property(anyAddress, anyPrefix, (bytes, prefix) => {
        const text = encodeAddress(bytes, prefix);
        expect(decodeAddress(text)).toEqual({ address: bytes, prefix });
        expect(decodeAddress(text.toUpperCase(), prefix)).toEqual({ address: bytes, prefix });
      }),
    );
  });

  it('is refused when one or two characters are wrong', () => {
    const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
    fc.assert(
      fc.property(
        anyAddress,
        anyPrefix,
        fc.nat(58),
        fc.nat(58),
        fc.integer({ min: 1, max: 31 }),
        fc.integer({ min: 1, max: 31 }),
        (bytes, prefix, one, other, by, byOther) => {
          const text = [...encodeAddress(bytes, prefix)];
          const turn = (at: number, steps: number) => {
            const place = prefix.length + 1 + at;
            const value = alphabet.indexOf(text[place] as string);
            text[place] = alphabet[(value + steps) % 32] as string;
          };
          turn(one, by);
          if (other !== one) turn(other, byOther);
          expect(() => decodeAddress(text.join(''))).toThrow(code('address/text'));
        },
      ),
    );
  });

  it('is refused when it belongs to another network', () => {
    const text = encodeAddress(address, 'tfan');
    expect(() => decodeAddress(text, 'fan')).toThrow(code('address/prefix'));
  });

  it('is refused in mixed case, cut short, lengthened or with something around it', () => {
    const text = encodeAddress(address, 'fan');
    const odd = [
      `F${text.slice(1)}`,
      text.slice(0, -1),
      `${text}q`,
      ` ${text}`,
      `${text}\n`,
      '',
      'fan1',
      `bc1${text.slice(4)}`,
      text.replace('1', ''),
      'fan1'.padEnd(100_000, 'q'),
    ];
    for (const wrong of odd) {
      expect(() => decodeAddress(wrong), wrong.slice(0, 80)).toThrow(code('address/text'));
    }
    expect(() => decodeAddress(undefined as unknown as string)).toThrow(code('address/text'));
  });

  it('is refused with the checksum of plain bech32, and of another length with a good checksum', async () => {
    const { bech32, bech32m } = await import('@scure/base');
    const plain = bech32.encodeFromBytes('fan', address);
    const short = bech32m.encodeFromBytes('fan', address.subarray(0, 32));
    expect(() => decodeAddress(plain)).toThrow(code('address/text'));
    expect(() => decodeAddress(short)).toThrow(code('address/text'));
  });

  it('is refused with an unknown version', async () => {
    const { bech32m } = await import('@scure/base');
    const unknown = new Uint8Array([2, ...key(1)]);
    expect(() => decodeAddress(bech32m.encodeFromBytes('fan', unknown))).toThrow(
      code('address/version'),
    );
    expect(() => asAddress(unknown)).toThrow(code('address/version'));
    expect(() => asAddress(fromHex('00'))).toThrow(code('address/length'));
  });
});
