/**
 * Signature checks for millions of mutations: real ones, with the verdicts of exact triples that
 * were seen to be valid kept. One changed bit makes another triple, which is checked anew.
 */
import type { SignedItem, VerifyBatch } from 'fanal/crypto/filter.ts';
import { verifyNatively } from '../support/native.ts';

const MAX_KNOWN = 50_000;

/** Stops at the first bad signature: a batch with one is refused whatever the others are. */
export function rememberingVerifier(): VerifyBatch {
  const valid = new Set<string>();
  return (items) => {
    const verdicts: boolean[] = new Array(items.length).fill(false);
    for (const [i, item] of items.entries()) {
      const name = nameOf(item);
      if (!valid.has(name)) {
        const [verdict] = verifyNatively([item]) as readonly boolean[];
        if (verdict !== true) break;
        if (valid.size < MAX_KNOWN) valid.add(name);
      }
      verdicts[i] = true;
    }
    return verdicts;
  };
}

/** Message, signature and key, byte for byte. The last two have fixed lengths. */
function nameOf({ message, signature, publicKey }: SignedItem): string {
  return latin(message) + latin(signature) + latin(publicKey);
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
