/**
 * Addresses: where coins can be sent. One byte of version and a hash of who may spend
 * (docs/protocol.md §2).
 */
import { bech32m } from '@scure/base';
import { assert } from '../primitives/assert.ts';
import type { Branded } from '../primitives/brand.ts';
import { type Bytes, compareBytes, concat } from '../primitives/bytes.ts';
import { DecodeError } from '../primitives/errors.ts';
import { type TaggedHash, taggedHash } from '../primitives/hash.ts';
import { PUBLIC_KEY_BYTES } from './filter.ts';

/** The 33 bytes that the chain stores: the version, then 32 bytes of hash. */
export type AddressBytes = Branded<Uint8Array, 'AddressBytes'>;

/** What an address of each kind of network begins with: main, test, and local ones. */
export type AddressPrefix = 'fan' | 'tfan' | 'dfan';

export const ADDRESS_BYTES = 33;
export const ADDRESS_PREFIXES: readonly AddressPrefix[] = ['fan', 'tfan', 'dfan'];
/** Spent with one signature of one key. */
export const ADDRESS_VERSION_KEY = 0;
/** Spent with m signatures of n keys. */
export const ADDRESS_VERSION_THRESHOLD = 1;
export const MAX_THRESHOLD_KEYS = 16;

/** The address that one key spends from. */
export function addressFromKey(publicKey: Bytes, hash: TaggedHash = taggedHash): AddressBytes {
  assert(publicKey.length === PUBLIC_KEY_BYTES, 'a public key has 32 bytes');
  return withVersion(ADDRESS_VERSION_KEY, hash('fanal/address/v1', publicKey));
}

/**
 * The address that any `threshold` of `publicKeys` spend from together, in whatever order the keys
 * are given.
 *
 * @param threshold 1 ≤ threshold ≤ number of keys ≤ 16
 * @throws {DecodeError} `address/threshold` on other numbers, or a key given twice
 */
export function addressFromKeys(
  threshold: number,
  publicKeys: readonly Bytes[],
  hash: TaggedHash = taggedHash,
): AddressBytes {
  const sorted = publicKeys.toSorted(compareBytes);
  const count = sorted.length;
  const isWithin = Number.isInteger(threshold) && threshold >= 1 && threshold <= count;
  if (!isWithin || count > MAX_THRESHOLD_KEYS) {
    throw new DecodeError(
      'address/threshold',
      `expected 1 ≤ m ≤ n ≤ ${MAX_THRESHOLD_KEYS}, found m = ${threshold}, n = ${count}`,
    );
  }
  for (let i = 0; i < count; i++) {
    const key = sorted[i] as Bytes;
    assert(key.length === PUBLIC_KEY_BYTES, 'a public key has 32 bytes');
    if (i > 0 && compareBytes(sorted[i - 1] as Bytes, key) === 0) {
      throw new DecodeError('address/threshold', 'expected distinct keys, found one twice');
    }
  }
  const numbers = Uint8Array.of(ADDRESS_VERSION_THRESHOLD, threshold, count);
  return withVersion(
    ADDRESS_VERSION_THRESHOLD,
    hash('fanal/address/v1', concat(numbers, ...sorted)),
  );
}

/**
 * Takes 33 bytes as an address.
 *
 * @throws {DecodeError} `address/length` or `address/version`
 */
export function asAddress(bytes: Bytes): AddressBytes {
  if (bytes.length !== ADDRESS_BYTES) {
    throw new DecodeError(
      'address/length',
      `expected ${ADDRESS_BYTES} bytes, found ${bytes.length}`,
    );
  }
  const version = bytes[0] as number;
  if (version > ADDRESS_VERSION_THRESHOLD) {
    throw new DecodeError('address/version', `expected version 0 or 1, found ${version}`, {
      hint: 'The address may be of a kind that only newer software knows.',
    });
  }
  return bytes as AddressBytes;
}

/** Writes an address for people: `fan1…`, `tfan1…`, `dfan1…` (bech32m, BIP-350). */
export function encodeAddress(address: AddressBytes, prefix: AddressPrefix): string {
  return bech32m.encodeFromBytes(prefix, address);
}

/** The length of an address in text: the prefix, `1`, 53 characters of bytes, 6 of checksum. */
const textLength = (prefix: AddressPrefix) => prefix.length + 1 + 53 + 6;

/**
 * Reads an address from its text. All lower or all upper case.
 *
 * @param expected the prefix of the network in use; without one, any known prefix is taken
 * @throws {DecodeError} `address/prefix` for another network's address, `address/text` for anything
 *   that is no address, `address/version` for a kind we don't know
 */
export function decodeAddress(
  text: string,
  expected?: AddressPrefix,
): { address: AddressBytes; prefix: AddressPrefix } {
  const lower = typeof text === 'string' ? text.toLowerCase() : '';
  const prefix = ADDRESS_PREFIXES.find((known) => lower.startsWith(`${known}1`));
  if (prefix === undefined || (text !== lower && text !== text.toUpperCase())) {
    throw new DecodeError('address/text', `not an address: ${JSON.stringify(lower.slice(0, 80))}`, {
      hint: `An address begins with ${ADDRESS_PREFIXES.map((known) => `${known}1`).join(', ')}.`,
    });
  }
  if (expected !== undefined && prefix !== expected) {
    throw new DecodeError('address/prefix', `expected ${expected}1…, found ${prefix}1…`, {
      hint: 'The address belongs to another network.',
    });
  }
  if (lower.length !== textLength(prefix)) {
    throw new DecodeError(
      'address/text',
      `expected ${textLength(prefix)} characters, found ${lower.length}`,
      { hint: 'Part of the address is missing, or something follows it.' },
    );
  }
  return { address: asAddress(decodePayload(lower)), prefix };
}

function decodePayload(lower: string): Bytes {
  try {
    return bech32m.decodeToBytes(lower).bytes;
  } catch (cause) {
    throw new DecodeError('address/text', 'the checksum does not fit: a character is wrong', {
      hint: 'Copy the address again.',
      cause,
    });
  }
}

function withVersion(version: number, hash: Bytes): AddressBytes {
  return concat(Uint8Array.of(version), hash) as AddressBytes;
}
