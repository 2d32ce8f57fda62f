import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cosignatureMessage } from 'fanal/checkpoint/cosignature.ts';
import { concat, fromHex, toBase64 } from 'fanal/primitives/bytes.ts';
import { afterAll, expect, it } from 'vitest';
import { testChain } from '../../support/chain.ts';

const folder = mkdtempSync(join(tmpdir(), 'fanal-openssl-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the command line of OpenSSL says of a signature. */
function openssl(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): string {
  const der = toBase64(concat(fromHex('302a300506032b6570032100'), publicKey));
  const file = (name: string, content: Uint8Array | string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const key = file('key.pem', `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`);
  const args = ['pkeyutl', '-verify', '-pubin', '-inkey', key, '-rawin'];
  try {
    return execFileSync('openssl', [
      ...args,
      '-in',
      file('message', message),
      '-sigfile',
      file('signature', signature),
    ]).toString();
  } catch (error) {
    return String((error as { stdout: Buffer }).stdout);
  }
}

it('OpenSSL accepts our cosignatures, and none with another time', () => {
  const chain = testChain().grow(2);
  const { size, root, cosignatures } = chain.checkpoint();
  for (const { validator, time, signature } of cosignatures) {
    const key = chain.set.validators[validator]!.checkpointKey;
    const message = cosignatureMessage({ origin: chain.origin, size, root }, time);
    expect(openssl(message, signature, key)).toContain('Signature Verified Successfully');
    const later = cosignatureMessage({ origin: chain.origin, size, root }, time + 1n);
    expect(openssl(later, signature, key)).toContain('Signature Verification Failure');
  }
});
