/**
 * Hashing and signing for the core, by the platform's native code.
 */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { MAX_TRANSACTION_BYTES } from 'fanal/chain/limits.ts';
import { splitTransaction, witnessesCodec } from 'fanal/chain/transaction.ts';
import { SEED_BYTES } from 'fanal/crypto/ed25519.ts';
import { assert } from 'fanal/primitives/assert.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { concat } from 'fanal/primitives/bytes.ts';
import { DecodeError } from 'fanal/primitives/errors.ts';
import type { CryptoPort } from '../core/types.ts';
import { nativeTaggedHash } from '../ledger/native-sha256.ts';

/** What a PKCS #8 wrapping of an Ed25519 seed begins with (RFC 8410 §7). */
const PKCS8_PREFIX = Uint8Array.of(
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04],
  0x20,
);

export { nativeTaggedHash };

/**
 * The id of a signed transaction in canonical bytes.
 *
 * @throws {DecodeError} when they are not exactly one
 */
export function nativeTransactionId(bytes: Bytes): Bytes32 {
  if (bytes.length > MAX_TRANSACTION_BYTES) {
    throw new DecodeError('decode/length', `a transaction of ${bytes.length} bytes`);
  }
  const { transaction, witnesses } = splitTransaction(bytes);
  witnessesCodec.decode(witnesses);
  return nativeTaggedHash('fanal/txid/v1', transaction);
}

/** Signs with an Ed25519 seed, about 40 µs each. */
export function nativeSigner(seed: Bytes): (message: Bytes) => Bytes {
  assert(seed.length === SEED_BYTES, 'an Ed25519 seed has 32 bytes');
  const key: KeyObject = createPrivateKey({
    key: Buffer.from(concat(PKCS8_PREFIX, seed)),
    format: 'der',
    type: 'pkcs8',
  });
  return (message) => new Uint8Array(sign(null, message, key));
}

/** The core's port: two keys that the core itself never sees. */
export function nativeCryptoPort(vertexSeed: Bytes, checkpointSeed: Bytes): CryptoPort {
  return {
    hash: nativeTaggedHash,
    signVertex: nativeSigner(vertexSeed),
    signCheckpoint: nativeSigner(checkpointSeed),
  };
}
