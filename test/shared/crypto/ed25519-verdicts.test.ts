import { createPublicKey, verify as verifyByOpenSsl } from 'node:crypto';
import { verify, verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import { passesFilter, type SignedItem, type VerifyBatch } from 'fanal/crypto/filter.ts';
import { selfTestVerifier } from 'fanal/crypto/self-test.ts';
import { verifyWithNative, verifyWithWebCrypto } from 'fanal/crypto/webcrypto.ts';
import { describe, expect, it } from 'vitest';
import { ed25519Cases, verdictsOf } from '../../support/ed25519-cases.ts';
import { readCaseTexts, readVector, readVerdicts } from '../../support/vectors.ts';

const texts = readCaseTexts();
const cases = ed25519Cases(texts);
const table = readVerdicts();

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const verifyWithOpenSsl = verifyWithNative((message, signature, publicKey) => {
  const der = Buffer.concat([SPKI_PREFIX, publicKey]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verifyByOpenSsl(null, message, key, signature);
});

const verifyItem = ({ message, signature, publicKey }: SignedItem) =>
  verify(message, signature, publicKey);

describe('the one verdict table', () => {
  it('accepts 43 of 914 CCTV signatures, of which 106 pass the filter', () => {
    expect(cases.cctv).toHaveLength(914);
    expect(cases.cctv.filter((c) => passesFilter(c.signature, c.publicKey))).toHaveLength(106);
    expect(table.cctv).toHaveLength(43);
  });

  it('accepts case 3 of speccheck and refuses the other eleven', () => {
    expect(cases.speccheck).toHaveLength(12);
    expect(table.speccheck).toEqual([3]);
  });

  it('accepts none of the 196 combinations of small-order points, all by the filter', () => {
    expect(cases.zip215).toHaveLength(196);
    expect(cases.zip215.filter((c) => passesFilter(c.signature, c.publicKey))).toHaveLength(0);
    expect(table.zip215).toEqual([]);
  });

  it('gives all 151 verdicts of Wycheproof as published', () => {
    const { testGroups } = JSON.parse(texts.wycheproof);
    const published = testGroups
      .flatMap((group: { tests: { result: string }[] }) => group.tests)
      .flatMap((c: { result: string }, i: number) => (c.result === 'valid' ? [i] : []));
    expect(cases.wycheproof).toHaveLength(151);
    expect(published).toHaveLength(88);
    expect(table.wycheproof).toEqual(published);
  });

  it('is what plain JavaScript says, also of keys that it has met often', async () => {
    expect(await verdictsOf(verifyInJavaScript, texts)).toEqual(table);
    const often: VerifyBatch = (items) =>
      items.map((item) => [item, item, item, item].map(verifyItem).at(-1) as boolean);
    expect(await verdictsOf(often, texts)).toEqual(table);
  });

  it('is what WebCrypto says in Node', async () => {
    expect(await verdictsOf(verifyWithWebCrypto(crypto.subtle), texts)).toEqual(table);
  });

  it('is what node:crypto says', async () => {
    expect(await verdictsOf(verifyWithOpenSsl, texts)).toEqual(table);
  });

  it('names the files and counts it was made from', () => {
    const { cases: named } = JSON.parse(readVector('ed25519-verdicts/verdicts.json'));
    expect(named.cctv.count + named.speccheck.count).toBe(914 + 12);
    expect(named.zip215.count + named.wycheproof.count).toBe(196 + 151);
  });
});

describe('the self-test', () => {
  it('passes every verifier that follows the rule', async () => {
    await selfTestVerifier(verifyInJavaScript);
    await selfTestVerifier(verifyWithWebCrypto(crypto.subtle));
    await selfTestVerifier(verifyWithOpenSsl);
  });

  it('refuses a verifier that accepts all, and one that accepts none', async () => {
    const error = expect.objectContaining({ code: 'crypto/self-test' });
    await expect(selfTestVerifier((items) => items.map(() => true))).rejects.toEqual(error);
    await expect(selfTestVerifier((items) => items.map(() => false))).rejects.toEqual(error);
  });

  it('refuses a native verifier without the byte filter in front', async () => {
    // Cofactored verification is what many libraries do; it accepts the case "only the cofactored
    // equation holds".
    const { ed25519 } = await import('@noble/curves/ed25519.js');
    const cofactored = selfTestVerifier((items) =>
      items.map((i) => ed25519.verify(i.signature, i.message, i.publicKey)),
    );
    await expect(cofactored).rejects.toThrow(/cofactored|small order/);
  });
});
