/**
 * The published Ed25519 edge cases as one table, and what Fanal's rule says of each.
 *
 * Nothing here belongs to a platform: the same code runs in Node, workerd, a browser and Hermes,
 * each handing in the text of the vector files.
 */
import type { SignedItem, VerifyBatch } from 'fanal/crypto/filter.ts';
import { type Bytes, fromHex, utf8 } from 'fanal/primitives/bytes.ts';

/** The files that a runner reads, by set. */
export const CASE_FILES = {
  cctv: 'cctv-ed25519/ed25519/ed25519vectors.json',
  speccheck: 'ed25519-speccheck/cases.json',
  zip215: 'noble-ed25519/test/vectors/ed25519/zip215.json',
  wycheproof: 'wycheproof-ed25519/testvectors_v1/ed25519_test.json',
} as const;

export type CaseSet = keyof typeof CASE_FILES;
export type CaseTexts = Readonly<Record<CaseSet, string>>;

/** The positions of the accepted cases in each set, counted from 0 in file order. */
export type Verdicts = Readonly<Record<CaseSet, readonly number[]>>;

/** Every case of every set, in file order. */
export function ed25519Cases(texts: CaseTexts): Record<CaseSet, SignedItem[]> {
  const parsed = (set: CaseSet) => JSON.parse(texts[set]);
  const item = (message: Bytes, signature: string, publicKey: string): SignedItem => ({
    message,
    signature: fromHex(signature),
    publicKey: fromHex(publicKey),
  });
  return {
    cctv: parsed('cctv').map((c: Record<'msg' | 'sig' | 'key', string>) =>
      item(utf8(c.msg), c.sig, c.key),
    ),
    speccheck: parsed('speccheck').map((c: Record<'message' | 'signature' | 'pub_key', string>) =>
      item(fromHex(c.message), c.signature, c.pub_key),
    ),
    zip215: parsed('zip215').map((c: Record<'sig_bytes' | 'vk_bytes', string>) =>
      item(utf8('Zcash'), c.sig_bytes, c.vk_bytes),
    ),
    wycheproof: parsed('wycheproof').testGroups.flatMap(
      (group: { publicKey: { pk: string }; tests: Record<'msg' | 'sig', string>[] }) =>
        group.tests.map((c) => item(fromHex(c.msg), c.sig, group.publicKey.pk)),
    ),
  };
}

/** What a verifier says of every case. */
export async function verdictsOf(verify: VerifyBatch, texts: CaseTexts): Promise<Verdicts> {
  const cases = ed25519Cases(texts);
  const accepted = async (set: CaseSet): Promise<number[]> => {
    const verdicts = await verify(cases[set]);
    return verdicts.flatMap((valid, i) => (valid ? [i] : []));
  };
  return {
    cctv: await accepted('cctv'),
    speccheck: await accepted('speccheck'),
    zip215: await accepted('zip215'),
    wycheproof: await accepted('wycheproof'),
  };
}
