/**
 * A keystore's file: its JSON, checked field by field before anything is computed from it.
 */
import { DecodeError } from '../primitives/errors.ts';
import {
  KEYSTORE_COST,
  KEYSTORE_IV_BYTES,
  KEYSTORE_KEY_BYTES,
  KEYSTORE_PURPOSE,
  KEYSTORE_TAG_BYTES,
  type Keystore,
  MAX_KEYSTORE_SECRET_BYTES,
} from './keystore.ts';

/** The longest file that is read at all. */
export const MAX_KEYSTORE_TEXT = 16_384;
/** The costs that are accepted in a file: not so little that it hardly protects, nor endless. */
export const MIN_SCRYPT_N = 2 ** 14;
export const MAX_SCRYPT_N = 2 ** 20;

/** Writes a keystore's file. */
export function formatKeystore(keystore: Keystore): string {
  return `${JSON.stringify(keystore, null, 2)}\n`;
}

/**
 * Reads a keystore's file. Nothing is decrypted yet, but a cost that would stall the reader, or
 * protects nothing, is refused here.
 *
 * @throws {DecodeError} `keystore/format`
 */
export function parseKeystore(text: string): Keystore {
  if (text.length > MAX_KEYSTORE_TEXT) {
    throw refuse('file', `at most ${MAX_KEYSTORE_TEXT} characters`);
  }
  const file = fieldsOf(parseJson(text), 'file');
  const { kdf, checksum, cipher } = fieldsOf(file.crypto, 'crypto');
  const derivation = moduleOf(kdf, 'kdf', 'scrypt');
  const tag = moduleOf(checksum, 'checksum', 'aes-256-gcm');
  const sealed = moduleOf(cipher, 'cipher', 'aes-256-gcm');
  const { dklen, n, r, p, salt } = derivation.params;
  const isFit = typeof n === 'number' && n >= MIN_SCRYPT_N && n <= MAX_SCRYPT_N;
  if (!isFit || (n & (n - 1)) !== 0) {
    throw refuse('kdf.params.n', `a power of two from ${MIN_SCRYPT_N} to ${MAX_SCRYPT_N}`);
  }
  if (file.type !== 'fanal-keystore') throw refuse('type', 'fanal-keystore');
  if (file.version !== 1) throw refuse('version', '1');
  if (dklen !== KEYSTORE_KEY_BYTES) throw refuse('kdf.params.dklen', `${KEYSTORE_KEY_BYTES}`);
  if (r !== KEYSTORE_COST.r) throw refuse('kdf.params.r', `${KEYSTORE_COST.r}`);
  if (p !== KEYSTORE_COST.p) throw refuse('kdf.params.p', `${KEYSTORE_COST.p}`);
  if (derivation.message !== '') throw refuse('kdf.message', 'nothing');
  return {
    type: 'fanal-keystore',
    version: 1,
    uuid: textOf(file.uuid, 'uuid', UUID),
    purpose: textOf(file.purpose, 'purpose', KEYSTORE_PURPOSE),
    description: textOf(file.description, 'description', /^[\s\S]{0,1024}$/),
    pubkey: hexOf(file.pubkey, 'pubkey', 0, 64),
    path: textOf(file.path, 'path', /^(?:m(?:\/[0-9]{1,10}'?){0,16})?$/),
    crypto: {
      kdf: {
        function: 'scrypt',
        params: { dklen, n, r, p, salt: hexOf(salt, 'kdf.params.salt', 16, 64) },
        message: '',
      },
      checksum: {
        function: 'aes-256-gcm',
        params: {},
        message: hexOf(tag.message, 'checksum.message', KEYSTORE_TAG_BYTES, KEYSTORE_TAG_BYTES),
      },
      cipher: {
        function: 'aes-256-gcm',
        params: {
          iv: hexOf(sealed.params.iv, 'cipher.params.iv', KEYSTORE_IV_BYTES, KEYSTORE_IV_BYTES),
        },
        message: hexOf(sealed.message, 'cipher.message', 0, MAX_KEYSTORE_SECRET_BYTES),
      },
    },
  };
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse('file', 'JSON');
  }
}

function fieldsOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(where, 'an object');
  }
  return value as Record<string, unknown>;
}

function moduleOf(value: unknown, where: string, name: string) {
  const fields = fieldsOf(value, where);
  if (fields.function !== name) throw refuse(`${where}.function`, name);
  return { params: fieldsOf(fields.params, `${where}.params`), message: fields.message };
}

function textOf(value: unknown, where: string, form: RegExp): string {
  if (typeof value !== 'string' || !form.test(value)) throw refuse(where, `text like ${form}`);
  return value;
}

function hexOf(value: unknown, where: string, minBytes: number, maxBytes: number): string {
  const isHex = typeof value === 'string' && /^(?:[0-9a-f]{2})*$/.test(value);
  if (!isHex || value.length < 2 * minBytes || value.length > 2 * maxBytes) {
    throw refuse(where, `lower-case hex of ${minBytes} to ${maxBytes} bytes`);
  }
  return value;
}

/** Never shows what was found: it may be part of a secret. */
function refuse(where: string, expected: string): DecodeError {
  return new DecodeError('keystore/format', `keystore ${where}: expected ${expected}`, {
    hint: 'The file is damaged or not a keystore.',
  });
}
