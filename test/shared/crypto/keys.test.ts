import {
  deriveKey,
  newMnemonic,
  parseMnemonic,
  seedFromMnemonic,
  walletKey,
  walletPath,
} from 'fanal/crypto/keys.ts';
import { fromHex, toHex } from 'fanal/primitives/bytes.ts';
import { describe, expect, it } from 'vitest';
import { readVector } from '../../support/vectors.ts';

const slip10 = JSON.parse(readVector('slip-0010/ed25519.json'));
const bip39 = JSON.parse(readVector('bip-0039/english.json'));

describe('derivation', () => {
  for (const { seed, chain } of slip10.vectors) {
    it(`follows SLIP-0010 from the seed ${seed.slice(0, 8)}…`, () => {
      for (const { path, privateKey, publicKey } of chain) {
        const pair = deriveKey(fromHex(seed), path);
        expect(toHex(pair.seed)).toBe(privateKey);
        expect(`00${toHex(pair.publicKey)}`).toBe(publicKey);
      }
    });
  }

  it('gives each network, account and index its own key', () => {
    const seed = fromHex(slip10.vectors[0].seed);
    const keys = [
      walletKey(seed, 'fan', 0, 0),
      walletKey(seed, 'tfan', 0, 0),
      walletKey(seed, 'fan', 1, 0),
      walletKey(seed, 'fan', 0, 1),
    ].map(({ publicKey }) => toHex(publicKey));
    expect(new Set(keys).size).toBe(4);
    expect(walletPath('fan', 3, 4)).toEqual([44, 26700, 3, 0, 4]);
    expect(walletPath('dfan', 3, 4)).toEqual([44, 1, 3, 0, 4]);
  });

  it('refuses steps that are no index', () => {
    const seed = fromHex(slip10.vectors[0].seed);
    for (const step of [-1, 2 ** 31, 0.5, Number.NaN]) {
      expect(() => deriveKey(seed, [step])).toThrow();
    }
  });
});

describe('a mnemonic', () => {
  for (const { entropy, mnemonic, seed } of bip39.vectors) {
    it(`follows BIP-39 for the entropy ${entropy.slice(0, 8)}… of ${entropy.length / 2} bytes`, () => {
      expect(newMnemonic(() => fromHex(entropy), (entropy.length / 2) as 16)).toBe(mnemonic);
      expect(toHex(seedFromMnemonic(mnemonic, 'TREZOR'))).toBe(seed);
    });
  }

  const words = bip39.vectors[0].mnemonic as string;

  it('is read in any case and spacing', () => {
    expect(parseMnemonic(`  ${words.toUpperCase().replaceAll(' ', '\n  ')} `)).toBe(words);
  });

  it('is refused with a wrong count, word or checksum, and the words stay out of the message', () => {
    const refused = (text: string) => {
      try {
        parseMnemonic(text);
      } catch (error) {
        return error as Error & { code: string };
      }
      throw new Error('was accepted');
    };
    const swapped = words.replace(/^abandon/, 'zoo');
    for (const text of ['', 'abandon', words.replace('about', ''), swapped, `${words} about`]) {
      expect(refused(text).code).toBe('keys/mnemonic');
    }
    const mistyped = refused(words.replace('about', 'abuot'));
    expect(mistyped.message).toContain('word 12');
    expect(mistyped.message).not.toContain('abuot');
  });

  it('depends on the random source alone', () => {
    const random = (length: number) => new Uint8Array(length).fill(3);
    expect(newMnemonic(random)).toBe(newMnemonic(random));
    expect(newMnemonic(random).split(' ')).toHaveLength(24);
    expect(newMnemonic(random, 16).split(' ')).toHaveLength(12);
  });
});
