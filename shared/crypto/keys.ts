/**
 * Wallet keys from words: a BIP-39 mnemonic, then SLIP-0010 derivation for Ed25519
 * (docs/protocol.md §2).
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { entropyToMnemonic, mnemonicToEntropy, mnemonicToSeedSync } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { assert } from '../primitives/assert.ts';
import { type Bytes, utf8 } from '../primitives/bytes.ts';
import { DecodeError } from '../primitives/errors.ts';
import type { AddressPrefix } from './address.ts';
import { publicKeyFromSeed } from './ed25519.ts';

/** A key pair: the 32-byte seed that signs, and the public key. */
export interface KeyPair {
  readonly seed: Bytes;
  readonly publicKey: Bytes;
}

/** Fills an array with unpredictable bytes, such as `crypto.getRandomValues` does. */
export type RandomBytes = (length: number) => Bytes;

/** How many bytes of entropy a mnemonic of 12, 15, 18, 21 or 24 words holds. */
export type EntropyBytes = 16 | 20 | 24 | 28 | 32;

/** The coin type of main-network wallets in derivation paths; test networks use SLIP-44's 1. */
export const COIN_TYPE = 26700;
const TEST_COIN_TYPE = 1;

/** Makes a new mnemonic: 24 English words unless fewer bytes of entropy are asked for. */
export function newMnemonic(random: RandomBytes, entropyBytes: EntropyBytes = 32): string {
  const entropy = random(entropyBytes);
  assert(entropy.length === entropyBytes, 'the random source gave another length');
  return entropyToMnemonic(entropy, wordlist);
}

/**
 * Reads a mnemonic as people type it: any case, any spacing.
 *
 * @returns the words in lower case with single spaces
 * @throws {DecodeError} `keys/mnemonic` when the count, a word or the checksum is wrong
 */
export function parseMnemonic(text: string): string {
  const words = text.normalize('NFKD').trim().toLowerCase().split(/\s+/);
  const known = new Set(wordlist);
  const position = words.findIndex((word) => !known.has(word));
  if (![12, 15, 18, 21, 24].includes(words.length)) {
    throw new DecodeError(
      'keys/mnemonic',
      `expected 12, 15, 18, 21 or 24 words, found ${words.length}`,
    );
  }
  if (position >= 0) {
    // The word itself stays out of the message: it may be a secret with a typing mistake.
    throw new DecodeError('keys/mnemonic', `word ${position + 1} is not in the English list`);
  }
  const mnemonic = words.join(' ');
  try {
    mnemonicToEntropy(mnemonic, wordlist);
  } catch {
    throw new DecodeError('keys/mnemonic', 'the checksum does not fit', {
      hint: 'A word is wrong or two are swapped.',
    });
  }
  return mnemonic;
}

/** The 64-byte seed of a checked mnemonic (BIP-39). Takes about a quarter of a second. */
export function seedFromMnemonic(mnemonic: string, passphrase = ''): Bytes {
  return mnemonicToSeedSync(parseMnemonic(mnemonic), passphrase);
}

/** The coin type in the derivation path of a network's wallets. */
export function coinTypeOf(prefix: AddressPrefix): number {
  return prefix === 'fan' ? COIN_TYPE : TEST_COIN_TYPE;
}

/** The path `m/44'/coin'/account'/0'/index'`, without the marks: every step is hardened. */
export function walletPath(prefix: AddressPrefix, account: number, index: number): number[] {
  return [44, coinTypeOf(prefix), account, 0, index];
}

/** Derives one wallet key from a mnemonic's seed. */
export function walletKey(
  seed: Bytes,
  prefix: AddressPrefix,
  account: number,
  index: number,
): KeyPair {
  return deriveKey(seed, walletPath(prefix, account, index));
}

const HARDENED = 0x8000_0000;

/**
 * Derives an Ed25519 key by SLIP-0010.
 *
 * @param seed 16 to 64 bytes
 * @param path steps below 2^31, all taken as hardened, which is all that Ed25519 has
 */
export function deriveKey(seed: Bytes, path: readonly number[]): KeyPair {
  assert(seed.length >= 16 && seed.length <= 64, 'a master seed has 16 to 64 bytes');
  let node = hmac(sha512, utf8('ed25519 seed'), seed);
  for (const step of path) {
    assert(Number.isInteger(step) && step >= 0 && step < HARDENED, `path step ${step}`);
    const data = new Uint8Array(37);
    data.set(node.subarray(0, 32), 1);
    new DataView(data.buffer).setUint32(33, step + HARDENED);
    node = hmac(sha512, node.subarray(32), data);
  }
  const key = node.slice(0, 32);
  return { seed: key, publicKey: publicKeyFromSeed(key) };
}
