/**
 * Gives a page or an engine one function: the verdicts of its own Ed25519 on every case.
 */
import { verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import { selfTestVerifier } from 'fanal/crypto/self-test.ts';
import { type SubtleVerifier, verifyWithWebCrypto } from 'fanal/crypto/webcrypto.ts';
import { installPolyfills } from 'fanal/polyfills/hermes.ts';
import { type CaseTexts, type Verdicts, verdictsOf } from '../support/ed25519-cases.ts';

export type RunVerdicts = (
  backend: 'webcrypto' | 'javascript',
  texts: CaseTexts,
) => Promise<Verdicts>;

const runVerdicts: RunVerdicts = async (backend, texts) => {
  const verify = backend === 'webcrypto' ? verifyWithWebCrypto(subtleHere()) : verifyInJavaScript;
  await selfTestVerifier(verify);
  return verdictsOf(verify, texts);
};

function subtleHere(): SubtleVerifier<unknown> {
  const { crypto } = globalThis as { crypto?: { subtle?: SubtleVerifier<unknown> } };
  if (crypto?.subtle === undefined) throw new Error('there is no WebCrypto here');
  return crypto.subtle;
}

installPolyfills();
Object.assign(globalThis, { runVerdicts });
