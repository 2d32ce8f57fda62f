import { verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import { selfTestVerifier } from 'fanal/crypto/self-test.ts';
import { verifyWithWebCrypto } from 'fanal/crypto/webcrypto.ts';
import { describe, expect, it } from 'vitest';
import { verdictsOf } from '../support/ed25519-cases.ts';
import cctv from '../vectors/cctv-ed25519/ed25519/ed25519vectors.json?raw';
import speccheck from '../vectors/ed25519-speccheck/cases.json?raw';
import verdicts from '../vectors/ed25519-verdicts/verdicts.json?raw';
import zip215 from '../vectors/noble-ed25519/test/vectors/ed25519/zip215.json?raw';
import wycheproof from '../vectors/wycheproof-ed25519/testvectors_v1/ed25519_test.json?raw';

const texts = { cctv, speccheck, zip215, wycheproof };
const table = JSON.parse(verdicts).accepted;

describe('the one verdict table, in workerd', () => {
  it('is what WebCrypto says', async () => {
    const verify = verifyWithWebCrypto(crypto.subtle);
    await selfTestVerifier(verify);
    expect(await verdictsOf(verify, texts)).toEqual(table);
  });

  it('is what plain JavaScript says', async () => {
    await selfTestVerifier(verifyInJavaScript);
    expect(await verdictsOf(verifyInJavaScript, texts)).toEqual(table);
  });
});
