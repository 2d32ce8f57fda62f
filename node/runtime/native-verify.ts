/**
 * The protocol's signature check on libsodium, for threads that may block (docs/protocol.md §1).
 */
import { checkShape, type TransactionRules } from 'fanal/chain/transaction-check.ts';
import type { SignedItem } from 'fanal/crypto/filter.ts';
import { verifyWithNative } from 'fanal/crypto/webcrypto.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import sodium from 'sodium-native';
import { nativeTaggedHash } from '../ledger/native-sha256.ts';

const batch = verifyWithNative((message, signature, publicKey) =>
  sodium.crypto_sign_verify_detached(signature, message, publicKey),
);

/** Checks signatures one after the other on this thread, about 60 µs each. */
export function verifyNatively(items: readonly SignedItem[]): readonly boolean[] {
  return batch(items) as readonly boolean[];
}

/** Checks the shape of a transaction in canonical bytes, and every signature it carries. */
export function verifyTransaction(bytes: Bytes, rules: TransactionRules): boolean {
  // Rules cross to other threads without their hash.
  const verdict = checkShape(bytes, { ...rules, taggedHash: nativeTaggedHash });
  return verdict.kind === 'shaped' && verifyNatively(verdict.shaped.items).every(Boolean);
}
