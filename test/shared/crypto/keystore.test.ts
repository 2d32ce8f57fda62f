import { randomBytes, scrypt as scryptByOpenSsl } from 'node:crypto';
import {
  decryptKeystore,
  encryptKeystore,
  KEYSTORE_COST,
  type Keystore,
  MAX_KEYSTORE_SECRET_BYTES,
  type Scrypt,
} from 'fanal/crypto/keystore.ts';
import { formatKeystore, MAX_KEYSTORE_TEXT, parseKeystore } from 'fanal/crypto/keystore-file.ts';
import { fromHex, toHex } from 'fanal/primitives/bytes.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readVector } from '../../support/vectors.ts';

const nativeScrypt: Scrypt = (password, salt, { n, r, p }) =>
  new Promise((resolve, reject) => {
    const options = { N: n, r, p, maxmem: 2 ** 30 };
    scryptByOpenSsl(password, salt, 32, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
/** The same key for the same password and salt, at no cost, where the cost is not the point. */
const quickScrypt: Scrypt = (password, salt) => nativeScrypt(password, salt, { n: 2, r: 8, p: 1 });
const random = (length: number) => new Uint8Array(randomBytes(length));
const code = (wanted: string) => expect.objectContaining({ code: wanted });

const contents = {
  purpose: 'checkpoint-key',
  secret: new Uint8Array(32).fill(7),
  publicKey: new Uint8Array(32).fill(9),
  path: "m/44'/1'/0'/0'/0'",
  description: 'validator alpha',
};
const seal = (password = 'correct horse') =>
  encryptKeystore(contents, password, random, quickScrypt);

describe('a keystore', () => {
  it('opens with its password, in every implementation of scrypt', async () => {
    const keystore = await encryptKeystore(contents, 'correct horse', random);
    expect(keystore.crypto.kdf.params.n).toBe(KEYSTORE_COST.n);
    expect(await decryptKeystore(keystore, 'correct horse')).toEqual(contents.secret);
    expect(await decryptKeystore(keystore, 'correct horse', nativeScrypt)).toEqual(contents.secret);
  });

  it('holds any secret up to its limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: MAX_KEYSTORE_SECRET_BYTES, size: 'max' }),
        fc.string({ minLength: 1, unit: 'grapheme-ascii' }),
        async (secret, password) => {
          const sealed = await encryptKeystore(
            { purpose: 'test', secret },
            password,
            random,
            quickScrypt,
          );
          const read = parseKeystore(formatKeystore(sealed));
          expect(read).toEqual(sealed);
          expect(await decryptKeystore(read, password, quickScrypt)).toEqual(secret);
        },
      ),
    );
  });

  it('does not open with another password', async () => {
    const keystore = await seal();
    for (const wrong of ['correct hors', 'Correct horse', 'correct horse ']) {
      await expect(decryptKeystore(keystore, wrong, quickScrypt)).rejects.toEqual(
        code('keystore/password'),
      );
    }
  });

  it('takes a password as EIP-2335 does: NFKD, without control codes, never empty', async () => {
    const keystore = await seal('𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑');
    const typed = '\u0007test\u007fpassword🔑\u0085';
    expect(await decryptKeystore(keystore, typed, quickScrypt)).toEqual(contents.secret);
    for (const empty of ['', '\n\t']) {
      await expect(seal(empty)).rejects.toEqual(code('keystore/password-empty'));
    }
  });

  it('does not open once what it says of itself was changed, except the description', async () => {
    const keystore = await seal();
    const changes: Partial<Keystore>[] = [
      { purpose: 'vertex-key' },
      { pubkey: toHex(new Uint8Array(32)) },
      { path: '' },
      { uuid: '00000000-0000-4000-8000-000000000000' },
    ];
    for (const change of changes) {
      await expect(
        decryptKeystore({ ...keystore, ...change }, 'correct horse', quickScrypt),
      ).rejects.toEqual(code('keystore/password'));
    }
    const renamed = { ...keystore, description: 'validator beta' };
    expect(await decryptKeystore(renamed, 'correct horse', quickScrypt)).toEqual(contents.secret);
  });

  it('never repeats a salt, a nonce or an id', async () => {
    const [one, other] = [await seal(), await seal()];
    expect(one.uuid).not.toBe(other.uuid);
    expect(one.crypto.kdf.params.salt).not.toBe(other.crypto.kdf.params.salt);
    expect(one.crypto.cipher.params.iv).not.toBe(other.crypto.cipher.params.iv);
  });

  it('opens one that another implementation wrote', async () => {
    const { file, password, secret } = JSON.parse(readVector('keystore/openssl.json'));
    const keystore = parseKeystore(JSON.stringify(file));
    expect(await decryptKeystore(keystore, password, nativeScrypt)).toEqual(fromHex(secret));
  });
});

describe("a keystore's file", () => {
  it('is refused when any field is missing or of another kind', async () => {
    const text = formatKeystore(await seal());
    const paths = pathsOf(JSON.parse(text));
    expect(paths.length).toBeGreaterThan(20);
    for (const path of paths) {
      for (const value of [undefined, null, 7.5, [], 'Ω']) {
        if (path.join('.') === 'description' && value === 'Ω') continue;
        const file = JSON.parse(text);
        const holder = path.slice(0, -1).reduce((at, name) => at[name], file);
        holder[path.at(-1) as string] = value;
        const refuse = () => parseKeystore(JSON.stringify(file));
        expect(refuse, `${path.join('.')} = ${value}`).toThrow(code('keystore/format'));
      }
    }
  });

  it('is refused when opening it would take too much work, or too little', async () => {
    const text = formatKeystore(await seal());
    for (const n of [0, 1, 2 ** 13, 2 ** 17 + 1, 2 ** 21, 2 ** 40, -(2 ** 17)]) {
      const costly = text.replace(/"n": \d+/, `"n": ${n}`);
      expect(() => parseKeystore(costly), `n = ${n}`).toThrow(code('keystore/format'));
    }
    for (const field of ['r', 'p', 'dklen']) {
      const odd = text.replace(new RegExp(`"${field}": \\d+`), `"${field}": 64`);
      expect(() => parseKeystore(odd), field).toThrow(code('keystore/format'));
    }
  });

  it('is refused when it is no JSON object, or longer than any keystore', () => {
    for (const text of ['', '{', 'null', '[]', '"x"', '{}']) {
      expect(() => parseKeystore(text), text).toThrow(code('keystore/format'));
    }
    const long = ' '.repeat(MAX_KEYSTORE_TEXT + 1);
    expect(() => parseKeystore(long)).toThrow(code('keystore/format'));
  });

  it('never shows what stood in it', async () => {
    const text = formatKeystore(await seal()).replace('"aes-256-gcm"', '"my secret seed"');
    expect(() => parseKeystore(text)).toThrow(/^(?!.*my secret seed)/);
  });
});

/** The path of every field, inner ones included. */
function pathsOf(value: object, above: string[] = []): string[][] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = [...above, name];
    return typeof inner === 'object' ? [path, ...pathsOf(inner, path)] : [path];
  });
}
