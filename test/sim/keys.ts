/**
 * The keys of simulated validators, and the two ways they sign.
 *
 * Signatures are most of a validator's processor time and nothing the simulator wants to test, so
 * by default they are a keyed mix of the message: deterministic, different for every key and
 * message, checked by making it again. Nobody in a simulation forges one. `--real-crypto` signs with
 * Ed25519.
 */
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  hash as nativeHash,
  sign as nativeSign,
  verify as nativeVerify,
} from 'node:crypto';
import type { SignedItem, VerifyBatch } from 'fanal/crypto/filter.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { concat, utf8 } from 'fanal/primitives/bytes.ts';
import type { HashFunction, HashTag } from 'fanal/primitives/hash.ts';

/** One key pair. */
export interface SimKey {
  readonly publicKey: Bytes32;
  sign(message: Bytes): Bytes;
}

export interface ValidatorKeyring {
  readonly vertex: SimKey;
  readonly checkpoint: SimKey;
  readonly network: SimKey;
}

/** How a run signs and checks. */
export interface Signatures {
  keyring(validator: number): ValidatorKeyring;
  verify(item: SignedItem): boolean;
  readonly verifyBatch: VerifyBatch;
}

/** SHA-256 by the platform, some ten times faster than in plain JavaScript. */
export const fastHash: HashFunction = (bytes) =>
  new Uint8Array(nativeHash('sha256', bytes, 'buffer')) as Bytes32;

const prefixes = new Map<HashTag, Bytes>();

/** The protocol's tagged hash, by the platform's SHA-256. */
export function taggedHash(tag: HashTag, ...parts: Bytes[]): Bytes32 {
  let prefix = prefixes.get(tag);
  if (prefix === undefined) {
    prefix = utf8(`${tag}\n`);
    prefixes.set(tag, prefix);
  }
  return fastHash(concat(prefix, ...parts));
}

/** Makes the keys of a run. */
export function signatures(seed: number, real: boolean): Signatures {
  const make = real ? realKey : cheapKey;
  const verify = real ? verifyReal : verifyCheap;
  return {
    keyring(validator) {
      const key = (purpose: string) => make(fastHash(utf8(`${seed}/${validator}/${purpose}`)));
      return { vertex: key('vertex'), checkpoint: key('checkpoint'), network: key('network') };
    },
    verify,
    verifyBatch: (items) => items.map(verify),
  };
}

function cheapKey(publicKey: Bytes32): SimKey {
  return { publicKey, sign: (message) => mix(publicKey, message) };
}

function verifyCheap({ publicKey, message, signature }: SignedItem): boolean {
  if (signature.length !== 64) return false;
  const expected = mix(publicKey, message);
  for (let i = 0; i < 64; i++) if (signature[i] !== expected[i]) return false;
  return true;
}

/** 64 bytes of two multiplicative hashes over key and message, stretched. */
function mix(publicKey: Bytes, message: Bytes): Bytes {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  for (let i = 0; i < publicKey.length; i++) {
    a = Math.imul(a ^ (publicKey[i] as number), 0x01000193);
    b = Math.imul((b << 5) ^ (b >>> 27) ^ (publicKey[i] as number), 0xc2b2ae35);
  }
  for (let i = 0; i < message.length; i++) {
    a = Math.imul(a ^ (message[i] as number), 0x01000193);
    b = Math.imul((b << 5) ^ (b >>> 27) ^ (message[i] as number), 0xc2b2ae35);
  }
  const signature = new Uint8Array(64);
  for (let i = 0; i < 64; i += 4) {
    a = Math.imul(a ^ (a >>> 15), 0x2c1b3c6d) + b;
    b = Math.imul(b ^ (b >>> 13), 0x297a2d39) + a;
    const word = (a ^ b) >>> 0;
    signature[i] = word >>> 24;
    signature[i + 1] = word >>> 16;
    signature[i + 2] = word >>> 8;
    signature[i + 3] = word;
  }
  return signature;
}

const PKCS8_PREFIX = Uint8Array.of(
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22],
  ...[0x04, 0x20],
);
const SPKI_PREFIX = Uint8Array.of(
  ...[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
);

function realKey(seed: Bytes): SimKey {
  const key = createPrivateKey({
    key: Buffer.from(concat(PKCS8_PREFIX, seed)),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(spki.subarray(SPKI_PREFIX.length)) as Bytes32;
  return { publicKey, sign: (message) => new Uint8Array(nativeSign(null, message, key)) };
}

const publicKeys = new Map<string, KeyObject>();

function verifyReal({ publicKey, message, signature }: SignedItem): boolean {
  const name = publicKey.join();
  let key = publicKeys.get(name);
  if (key === undefined) {
    key = createPublicKey({
      key: Buffer.from(concat(SPKI_PREFIX, publicKey)),
      format: 'der',
      type: 'spki',
    });
    publicKeys.set(name, key);
  }
  return nativeVerify(null, message, key, signature);
}
