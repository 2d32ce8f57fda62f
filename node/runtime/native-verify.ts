/**
 * The protocol's signature check on libsodium, for threads that may block (docs/protocol.md §1).
 */
import type { SignedItem } from 'fanal/crypto/filter.ts';
import { verifyWithNative } from 'fanal/crypto/webcrypto.ts';
import sodium from 'sodium-native';

const batch = verifyWithNative((message, signature, publicKey) =>
  sodium.crypto_sign_verify_detached(signature, message, publicKey),
);

/** Checks signatures one after the other on this thread, about 60 µs each. */
export function verifyNatively(items: readonly SignedItem[]): readonly boolean[] {
  return batch(items) as readonly boolean[];
}
