import { randomBytes } from 'node:crypto';
import { publicKeyFromSeed, verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import type { SignedItem } from 'fanal/crypto/filter.ts';
import { selfTestVerifier } from 'fanal/crypto/self-test.ts';
import { nativeSigner } from 'fanal-node/runtime/native-crypto.ts';
import { packBytes, unpackBytes, VerifyPool } from 'fanal-node/runtime/verify-pool.ts';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';

const failures: Error[] = [];
const pool = new VerifyPool(2, null, (error) => failures.push(error));
afterAll(() => pool.close());

const seed = new Uint8Array(32).fill(3);
const publicKey = publicKeyFromSeed(seed);
const sign = nativeSigner(seed);

function items(count: number): SignedItem[] {
  return Array.from({ length: count }, (_, i) => {
    const message = new Uint8Array(randomBytes(1 + (i % 200)));
    const signature = sign(message);
    // Every third one is spoilt.
    if (i % 3 === 2) signature[i % 64] = (signature[i % 64] as number) ^ 1;
    return { message, signature, publicKey };
  });
}

describe('the pool of verifiers', () => {
  test('passes the self-test of the one acceptance rule', async () => {
    await selfTestVerifier(pool.batch('vertex'));
  });

  test('gives each item its own verdict, in order, over many batches', async () => {
    const given = items(500);
    const verdicts = await pool.verify('transaction', given);
    expect(verdicts).toEqual(given.map((_, i) => i % 3 !== 2));
  });

  test('agrees with the verifier in plain JavaScript', async () => {
    const given = items(12);
    expect(await pool.verify('vertex', given)).toEqual(await verifyInJavaScript(given));
  });

  test('never throws on keys and signatures of any length', async () => {
    const bytes = fc.uint8Array({ maxLength: 100 });
    const given = fc.sample(fc.record({ message: bytes, signature: bytes, publicKey: bytes }), 200);
    expect(await pool.verify('transaction', given)).toEqual(given.map(() => false));
  });

  test('checks a vertex at once while thousands of transactions wait', async () => {
    const flood = pool.verify('transaction', items(3_000));
    const one = items(1);
    const start = performance.now();
    await pool.verify('vertex', one);
    const urgent = performance.now() - start;
    await flood;
    expect(urgent).toBeLessThan((performance.now() - start) / 2);
  });

  test('does not hold up the main thread', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await pool.verify('transaction', items(2_000));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(10);
    expect(failures).toEqual([]);
  });

  test('byte strings come out of their packed form as they went in', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (given) => {
        expect(unpackBytes(packBytes(given), given.length)).toEqual(given);
      }),
    );
  });
});
