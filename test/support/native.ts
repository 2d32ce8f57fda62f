/**
 * Ed25519 by Node's own crypto: much faster than JavaScript, behind the same one rule.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { VerifyBatch } from 'fanal/crypto/filter.ts';
import { verifyWithNative } from 'fanal/crypto/webcrypto.ts';
import { type Bytes, concat, fromHex, toHex } from 'fanal/primitives/bytes.ts';

const PRIVATE_PREFIX = fromHex('302e020100300506032b657004220420');
const PUBLIC_PREFIX = fromHex('302a300506032b6570032100');
const privateKeys = new Map<string, KeyObject>();
const publicKeys = new Map<string, KeyObject>();

/** Signs with a 32-byte seed. */
export function signNatively(message: Bytes, seed: Bytes): Bytes {
  return new Uint8Array(sign(null, message, privateKeyOf(seed)));
}

/** Verifies by the one rule, with cached keys. */
export const verifyNatively: VerifyBatch = verifyWithNative((message, signature, publicKey) =>
  verify(null, message, publicKeyOf(publicKey), signature),
);

function privateKeyOf(seed: Bytes): KeyObject {
  const name = toHex(seed);
  let key = privateKeys.get(name);
  if (key === undefined) {
    const der = Buffer.from(concat(PRIVATE_PREFIX, seed));
    key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    privateKeys.set(name, key);
  }
  return key;
}

function publicKeyOf(publicKey: Bytes): KeyObject {
  const name = toHex(publicKey);
  let key = publicKeys.get(name);
  if (key === undefined) {
    const der = Buffer.from(concat(PUBLIC_PREFIX, publicKey));
    key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    publicKeys.set(name, key);
  }
  return key;
}
