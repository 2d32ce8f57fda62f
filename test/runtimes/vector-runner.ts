/**
 * Gives a page or an engine one function: which of the project's vectors fail in it.
 */
import { verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import type { SignedItem, VerifyBatch } from 'fanal/crypto/filter.ts';
import { type SubtleVerifier, verifyWithWebCrypto } from 'fanal/crypto/webcrypto.ts';
import { installPolyfills } from 'fanal/polyfills/hermes.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { failuresOf } from '../support/vectors/run-cases.ts';
import type { VectorFile } from '../support/vectors/vector-json.ts';

export type RunVectors = (
  backend: 'webcrypto' | 'javascript',
  files: Readonly<Record<string, VectorFile>>,
) => Promise<string[]>;

const runVectors: RunVectors = async (backend, files) => {
  const subtle = (globalThis as { crypto?: { subtle?: SubtleVerifier<unknown> } }).crypto?.subtle;
  const verify =
    backend === 'webcrypto' && subtle !== undefined
      ? verifyWithWebCrypto(subtle)
      : remembering(verifyInJavaScript);
  const failures: string[] = [];
  for (const [name, file] of Object.entries(files)) {
    failures.push(...(await failuresOf(name, file, verify)));
  }
  return failures;
};

/** Vectors check the same signatures again and again, and an interpreter is slow at it. */
function remembering(verify: VerifyBatch): VerifyBatch {
  const known = new Map<string, boolean>();
  return async (items) => {
    const verdicts: boolean[] = [];
    for (const item of items) {
      const name = nameOf(item);
      const verdict = known.get(name) ?? (await verify([item]))[0] === true;
      known.set(name, verdict);
      verdicts.push(verdict);
    }
    return verdicts;
  };
}

function nameOf({ message, signature, publicKey }: SignedItem): string {
  return `${toHex(message)} ${toHex(signature)} ${toHex(publicKey)}`;
}

installPolyfills();
Object.assign(globalThis, { runVectors });
