import { createPrivateKey, generateKeyPairSync, sign as signByOpenSsl } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { isRegistrableKey, publicKeyFromSeed, sign, verify } from 'fanal/crypto/ed25519.ts';
import { isAcceptablePoint, passesFilter } from 'fanal/crypto/filter.ts';
import { MAX_CACHED_KEYS, verifyWithNative, verifyWithWebCrypto } from 'fanal/crypto/webcrypto.ts';
import { fromHex, utf8 } from 'fanal/primitives/bytes.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ed25519Cases } from '../../support/ed25519-cases.ts';
import { readCaseTexts } from '../../support/vectors.ts';

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const seed = (byte: number) => new Uint8Array(32).fill(byte);
const bytesOf = (value: bigint) => {
  const bytes = new Uint8Array(32);
  for (let i = 0; i < 32; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return bytes;
};
const numberOf = (bytes: Uint8Array) =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

describe('signing', () => {
  it('gives RFC 8032 test 2', () => {
    const key = fromHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
    expect(publicKeyFromSeed(key)).toEqual(
      fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
    );
    expect(sign(Uint8Array.of(0x72), key)).toEqual(
      fromHex(
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
          '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      ),
    );
  });

  it('gives the same bytes as OpenSSL', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const der = privateKey.export({ format: 'der', type: 'pkcs8' });
    const message = utf8('one rule, many libraries');
    expect(sign(message, der.subarray(-32))).toEqual(
      new Uint8Array(
        signByOpenSsl(
          null,
          message,
          createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })),
        ),
      ),
    );
  });

  it('verifies what it signed, and nothing one bit away', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.nat(64 * 8 - 1),
        (message, secret, bit) => {
          const publicKey = publicKeyFromSeed(secret);
          const signature = sign(message, secret);
          expect(verify(message, signature, publicKey)).toBe(true);
          signature[bit >> 3] = (signature[bit >> 3] as number) ^ (1 << (bit & 7));
          expect(verify(message, signature, publicKey)).toBe(false);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('the byte filter', () => {
  const publicKey = publicKeyFromSeed(seed(1));
  const signature = sign(utf8('m'), seed(1));

  it('refuses lengths one off', () => {
    expect(passesFilter(signature, publicKey)).toBe(true);
    expect(passesFilter(signature.subarray(1), publicKey)).toBe(false);
    expect(passesFilter(new Uint8Array([...signature, 0]), publicKey)).toBe(false);
    expect(passesFilter(signature, publicKey.subarray(1))).toBe(false);
    expect(passesFilter(signature, new Uint8Array([...publicKey, 0]))).toBe(false);
    expect(passesFilter(new Uint8Array(0), new Uint8Array(0))).toBe(false);
  });

  it('draws the line for S exactly at the group order', () => {
    const withS = (s: bigint) => new Uint8Array([...signature.subarray(0, 32), ...bytesOf(s)]);
    expect(passesFilter(withS(0n), publicKey)).toBe(true);
    expect(passesFilter(withS(L - 1n), publicKey)).toBe(true);
    expect(passesFilter(withS(L), publicKey)).toBe(false);
    expect(passesFilter(withS(L + 1n), publicKey)).toBe(false);
    expect(passesFilter(withS(2n ** 256n - 1n), publicKey)).toBe(false);
  });

  it('agrees with arithmetic about S, near the order and anywhere', () => {
    const nearOrder = fc.bigInt({ min: -300n, max: 300n }).map((delta) => L + delta);
    const anywhere = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
    fc.assert(
      fc.property(fc.oneof(nearOrder, anywhere), (s) => {
        const bytes = new Uint8Array([...signature.subarray(0, 32), ...bytesOf(s)]);
        expect(passesFilter(bytes, publicKey)).toBe(s < L);
      }),
    );
  });

  it('agrees with arithmetic about y, near p and anywhere, whatever the sign of x', () => {
    const smallOrderY = smallOrderPoints();
    expect(smallOrderY).toHaveLength(5);
    const nearP = fc.bigInt({ min: P - 300n, max: 2n ** 255n - 1n });
    const small = fc.bigInt({ min: 0n, max: 3n });
    const anywhere = fc.bigInt({ min: 0n, max: 2n ** 255n - 1n });
    fc.assert(
      fc.property(
        fc.oneof(nearP, small, anywhere, fc.constantFrom(...smallOrderY)),
        fc.boolean(),
        (y, sign) => {
          const bytes = bytesOf(y | (sign ? 2n ** 255n : 0n));
          expect(isAcceptablePoint(bytes, 0)).toBe(y < P && !smallOrderY.includes(y));
        },
      ),
    );
  });

  /** The y of every point whose order divides 8: what L times arbitrary points gives. */
  function smallOrderPoints(): bigint[] {
    const found = new Set<bigint>();
    for (let y = 2n; found.size < 5 && y < 200n; y++) {
      try {
        const point = ed25519.Point.fromBytes(bytesOf(y));
        const small = point.multiplyUnsafe(L - 1n).add(point);
        found.add(numberOf(small.toBytes()) & (2n ** 255n - 1n));
      } catch {
        // not a point
      }
    }
    return [...found];
  }
});

describe('registrable keys', () => {
  it('are ordinary keys', () => {
    expect(isRegistrableKey(publicKeyFromSeed(seed(7)))).toBe(true);
  });

  it('are not keys of mixed order, though signatures of those can verify', () => {
    const mixed = ed25519Cases(readCaseTexts()).speccheck[3];
    if (mixed === undefined) throw new Error('missing case');
    expect(verify(mixed.message, mixed.signature, mixed.publicKey)).toBe(true);
    expect(isRegistrableKey(mixed.publicKey)).toBe(false);
  });

  it('are not small, not off the curve, not of another length', () => {
    expect(isRegistrableKey(bytesOf(1n))).toBe(false);
    expect(isRegistrableKey(bytesOf(2n))).toBe(false);
    expect(isRegistrableKey(bytesOf(P + 3n))).toBe(false);
    expect(isRegistrableKey(new Uint8Array(31))).toBe(false);
    expect(isRegistrableKey(new Uint8Array(33))).toBe(false);
  });
});

describe('verifiers', () => {
  const item = (n: number) => {
    const message = utf8(`message ${n}`);
    return { message, signature: sign(message, seed(n)), publicKey: publicKeyFromSeed(seed(n)) };
  };

  it('give one verdict an item, in order', async () => {
    const good = item(1);
    const forged = { ...item(2), message: utf8('another') };
    const items = [good, forged, good, { ...good, signature: new Uint8Array(3) }];
    expect(await verifyWithWebCrypto(crypto.subtle)(items)).toEqual([true, false, true, false]);
    expect(await verifyWithWebCrypto(crypto.subtle)([])).toEqual([]);
  });

  it('count an exception of a native function as a refusal', async () => {
    const throwing = verifyWithNative(() => {
      throw new Error('this library throws on odd keys');
    });
    expect(await throwing([item(1)])).toEqual([false]);
  });

  it('take only true for true from a native function', async () => {
    const sloppy = verifyWithNative((() => 1) as unknown as () => boolean);
    expect(await sloppy([item(1)])).toEqual([false]);
  });

  it('count a key that the platform refuses as a refusal', async () => {
    const refusing = verifyWithWebCrypto({
      importKey: () => Promise.reject(new Error('not a point')),
      verify: () => Promise.resolve(true),
    });
    expect(await refusing([item(1)])).toEqual([false]);
  });

  it('import a key once, and forget old ones when there are too many', async () => {
    let imports = 0;
    const verifier = verifyWithWebCrypto<string>({
      importKey: async () => `key ${++imports}`,
      verify: async () => true,
    });
    const { signature, message } = item(1);
    const keyed = (n: number) => ({ message, signature, publicKey: bytesOf(BigInt(n) + 5n) });
    await verifier([keyed(0), keyed(0)]);
    await verifier([keyed(0)]);
    expect(imports).toBe(1);
    await verifier(Array.from({ length: MAX_CACHED_KEYS }, (_, n) => keyed(n + 1)));
    await verifier([keyed(0)]);
    expect(imports).toBe(1 + MAX_CACHED_KEYS + 1);
  });
});
