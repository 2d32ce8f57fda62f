/**
 * Secrets at rest: a JSON file shaped like EIP-2335, opened with a password. The same file works in
 * a node, a browser and a phone.
 *
 * Key by scrypt, then AES-256-GCM. What a reader of the file is told (purpose, public key, path,
 * id) is authenticated with the secret, so that one file cannot be passed off as another.
 */
import { gcm } from '@noble/ciphers/aes.js';
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { assert } from '../primitives/assert.ts';
import { type Bytes, concat, fromHex, toHex, utf8 } from '../primitives/bytes.ts';
import { FanalError } from '../primitives/errors.ts';
import type { RandomBytes } from './keys.ts';

/** What a keystore holds, before it is encrypted. */
export interface KeystoreContents {
  /** What the secret is for, such as `wallet` or `checkpoint-key`: 1 to 32 of a–z, 0–9 and `-`. */
  readonly purpose: string;
  readonly secret: Bytes;
  /** The public key that belongs to the secret, or nothing. */
  readonly publicKey?: Bytes;
  /** The derivation path of the secret, or nothing. */
  readonly path?: string;
  /** A line for people. Not authenticated: they may change it. */
  readonly description?: string;
}

/** The file's JSON. Bytes are lower-case hex. */
export interface Keystore {
  readonly type: 'fanal-keystore';
  readonly version: 1;
  readonly uuid: string;
  readonly purpose: string;
  readonly description: string;
  readonly pubkey: string;
  readonly path: string;
  readonly crypto: {
    readonly kdf: {
      readonly function: 'scrypt';
      readonly params: {
        readonly dklen: number;
        readonly n: number;
        readonly r: number;
        readonly p: number;
        readonly salt: string;
      };
      readonly message: '';
    };
    /** The authentication tag. */
    readonly checksum: {
      readonly function: 'aes-256-gcm';
      readonly params: Readonly<Record<string, never>>;
      readonly message: string;
    };
    readonly cipher: {
      readonly function: 'aes-256-gcm';
      readonly params: { readonly iv: string };
      readonly message: string;
    };
  };
}

/** The work that turning a password into a key takes. */
export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** Derives 32 bytes. A platform with native scrypt hands in its own. */
export type Scrypt = (password: Bytes, salt: Bytes, cost: ScryptCost) => Promise<Bytes>;

/** What new files use: 128 MiB and about a second. */
export const KEYSTORE_COST: ScryptCost = { n: 2 ** 17, r: 8, p: 1 };
export const MAX_KEYSTORE_SECRET_BYTES = 1024;

export const KEYSTORE_KEY_BYTES = 32;
export const KEYSTORE_IV_BYTES = 12;
export const KEYSTORE_TAG_BYTES = 16;
export const KEYSTORE_PURPOSE = /^[a-z0-9-]{1,32}$/;
const SALT_BYTES = 32;

/** scrypt in plain JavaScript, giving way to other work as it goes. */
export const scryptInJavaScript: Scrypt = (password, salt, { n, r, p }) =>
  scryptAsync(password, salt, { N: n, r, p, dkLen: KEYSTORE_KEY_BYTES });

/**
 * Encrypts a secret with a password.
 *
 * @throws {FanalError} `keystore/password-empty`
 */
export async function encryptKeystore(
  contents: KeystoreContents,
  password: string,
  random: RandomBytes,
  scrypt: Scrypt = scryptInJavaScript,
): Promise<Keystore> {
  const { purpose, secret, publicKey, path = '', description = '' } = contents;
  assert(
    KEYSTORE_PURPOSE.test(purpose),
    `a purpose is 1 to 32 of a–z, 0–9 and '-', not ${purpose}`,
  );
  assert(secret.length <= MAX_KEYSTORE_SECRET_BYTES, 'the secret is too long for a keystore');
  const names = {
    uuid: newUuid(random),
    purpose,
    pubkey: publicKey === undefined ? '' : toHex(publicKey),
    path,
  };
  const salt = random(SALT_BYTES);
  const iv = random(KEYSTORE_IV_BYTES);
  const key = await scrypt(passwordBytes(password), salt, KEYSTORE_COST);
  const sealed = gcm(key, iv, namesBytes(names)).encrypt(secret);
  return {
    type: 'fanal-keystore',
    version: 1,
    uuid: names.uuid,
    purpose,
    description,
    pubkey: names.pubkey,
    path,
    crypto: {
      kdf: {
        function: 'scrypt',
        params: { dklen: KEYSTORE_KEY_BYTES, ...KEYSTORE_COST, salt: toHex(salt) },
        message: '',
      },
      checksum: {
        function: 'aes-256-gcm',
        params: {},
        message: toHex(sealed.subarray(-KEYSTORE_TAG_BYTES)),
      },
      cipher: {
        function: 'aes-256-gcm',
        params: { iv: toHex(iv) },
        message: toHex(sealed.subarray(0, -KEYSTORE_TAG_BYTES)),
      },
    },
  };
}

/**
 * Opens a keystore.
 *
 * @returns the secret
 * @throws {FanalError} `keystore/password` when the password is wrong or the file was changed,
 *   `keystore/password-empty`
 */
export async function decryptKeystore(
  keystore: Keystore,
  password: string,
  scrypt: Scrypt = scryptInJavaScript,
): Promise<Bytes> {
  const { kdf, checksum, cipher } = keystore.crypto;
  const key = await scrypt(passwordBytes(password), fromHex(kdf.params.salt), kdf.params);
  const sealed = concat(fromHex(cipher.message), fromHex(checksum.message));
  try {
    return gcm(key, fromHex(cipher.params.iv), namesBytes(keystore)).decrypt(sealed);
  } catch {
    throw new FanalError('keystore/password', 'the keystore does not open with this password', {
      hint: 'Type the password again. If it is right, the file was changed: use a backup.',
    });
  }
}

/** EIP-2335's form of a password: NFKD, without control codes, in UTF-8. */
function passwordBytes(password: string): Bytes {
  const plain = [...password.normalize('NFKD')].filter((character) => {
    const code = character.codePointAt(0) as number;
    return code >= 0x20 && (code < 0x7f || code > 0x9f);
  });
  if (plain.length === 0) {
    throw new FanalError('keystore/password-empty', 'expected a password, found nothing');
  }
  return utf8(plain.join(''));
}

function namesBytes(names: Pick<Keystore, 'purpose' | 'pubkey' | 'path' | 'uuid'>): Bytes {
  const { purpose, pubkey, path, uuid } = names;
  return utf8(`fanal-keystore/v1\n${purpose}\n${pubkey}\n${path}\n${uuid}\n`);
}

/** A random identifier (RFC 9562 version 4). */
function newUuid(random: RandomBytes): string {
  const bytes = random(16).slice();
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
