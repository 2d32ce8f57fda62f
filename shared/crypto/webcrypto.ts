/**
 * Ed25519 by the platform: WebCrypto in browsers, Workers and Node, or any native function, each
 * behind the byte filter (docs/protocol.md §1).
 */
import { type Bytes, toHex } from '../primitives/bytes.ts';
import { passesFilter, type SignedItem, type VerifyBatch } from './filter.ts';

/** The two methods of `crypto.subtle` that verification needs. */
export interface SubtleVerifier<Key> {
  importKey(
    format: 'raw',
    bytes: Uint8Array<ArrayBuffer>,
    algorithm: { name: string },
    extractable: boolean,
    usages: 'verify'[],
  ): Promise<Key>;
  verify(
    algorithm: { name: string },
    key: Key,
    signature: Uint8Array<ArrayBuffer>,
    message: Uint8Array<ArrayBuffer>,
  ): Promise<boolean>;
}

/** How many imported keys a verifier keeps: validators' keys come again with every checkpoint. */
export const MAX_CACHED_KEYS = 1024;

const ED25519 = { name: 'Ed25519' };

/**
 * Verifies with WebCrypto, all items in flight at once.
 *
 * Needs a platform that knows Ed25519: Node 20, workerd, Chromium 137, Firefox 129, Safari 17 or
 * newer. Ask `supportsEd25519` first and fall back on `verifyInJavaScript`.
 */
export function verifyWithWebCrypto<Key>(subtle: SubtleVerifier<Key>): VerifyBatch {
  const keys = new Map<string, Promise<Key | null>>();
  const importCached = (publicKey: Bytes): Promise<Key | null> => {
    const name = toHex(publicKey);
    const known = keys.get(name);
    if (known !== undefined) return known;
    if (keys.size >= MAX_CACHED_KEYS) keys.delete(keys.keys().next().value as string);
    const imported = subtle
      .importKey('raw', publicKey.slice(), ED25519, false, ['verify'])
      // A platform may refuse bytes that are no point; no signature verifies under those.
      .catch(() => null);
    keys.set(name, imported);
    return imported;
  };
  const verifyOne = async ({ message, signature, publicKey }: SignedItem): Promise<boolean> => {
    if (!passesFilter(signature, publicKey)) return false;
    const key = await importCached(publicKey);
    if (key === null) return false;
    try {
      return (await subtle.verify(ED25519, key, signature.slice(), message.slice())) === true;
    } catch {
      return false;
    }
  };
  return (items) => Promise.all(items.map(verifyOne));
}

/**
 * Verifies with a native function, such as sodium's or `node:crypto`'s. An exception counts as a
 * refusal.
 */
export function verifyWithNative(
  native: (message: Bytes, signature: Bytes, publicKey: Bytes) => boolean,
): VerifyBatch {
  const verifyOne = ({ message, signature, publicKey }: SignedItem): boolean => {
    if (!passesFilter(signature, publicKey)) return false;
    try {
      return native(message, signature, publicKey) === true;
    } catch {
      return false;
    }
  };
  return (items) => items.map(verifyOne);
}
