/**
 * An account: numbered addresses of one owner, and the keys that spend from them.
 *
 * Keys stay inside; what comes out is addresses and witnesses. Wallets take anything with this
 * interface, so a hardware signer can stand in for words.
 */
import type { Witness } from '../chain/witness.ts';
import { type AddressBytes, type AddressPrefix, addressFromKey } from '../crypto/address.ts';
import { sign } from '../crypto/ed25519.ts';
import { type KeyPair, seedFromMnemonic, walletKey } from '../crypto/keys.ts';
import { FanalError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';

export interface Account {
  readonly prefix: AddressPrefix;
  /** Address number `index` of the account, from 0. Null past the end of one that is finite. */
  address(index: number): AddressBytes | null;
  /** Allows spending from address number `index`. */
  witness(index: number, sighash: Hash): Witness | Promise<Witness>;
  /** Size of a witness for address number `index`. */
  witnessBytes(index: number): number;
}

/** Size of a witness of one key. */
export const KEY_WITNESS_BYTES = 97;
/** Derived keys that an account keeps at hand. */
const MAX_KEPT_KEYS = 4096;

/**
 * The account of a mnemonic's words: addresses without end, by `m/44'/coin'/account'/0'/index'`.
 *
 * @throws {DecodeError} `keys/mnemonic` when the words are wrong
 */
export function accountFromMnemonic(
  words: string,
  {
    prefix,
    account = 0,
    passphrase = '',
  }: { prefix: AddressPrefix; account?: number; passphrase?: string },
): Account {
  const seed = seedFromMnemonic(words, passphrase);
  const keys = new Map<number, KeyPair>();
  return accountOf(prefix, (index) => {
    const known = keys.get(index);
    if (known !== undefined) return known;
    const key = walletKey(seed, prefix, account, index);
    if (keys.size < MAX_KEPT_KEYS) keys.set(index, key);
    return key;
  });
}

/** The account of single keys, such as one from a key file: as many addresses as keys. */
export function accountFromKeys(keys: readonly KeyPair[], prefix: AddressPrefix): Account {
  return accountOf(prefix, (index) => keys[index] ?? null);
}

function accountOf(prefix: AddressPrefix, keyAt: (index: number) => KeyPair | null): Account {
  return {
    prefix,
    address(index) {
      const key = keyAt(index);
      return key === null ? null : addressFromKey(key.publicKey);
    },
    witness(index, sighash) {
      const key = keyAt(index);
      if (key === null) {
        throw new FanalError('wallet/no-key', `the account has no address number ${index}`);
      }
      const signature = sign(sighash, key.seed);
      return { kind: 'key', publicKey: key.publicKey, signature };
    },
    witnessBytes: () => KEY_WITNESS_BYTES,
  };
}
