import { LogCheckpoint } from '@sigstore/verify/dist/tlog/checkpoint.js';
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js';
import { RFC9162 } from '@transmute/rfc9162';
import { headerCodec } from 'fanal/chain/header.ts';
import { formatReceipt } from 'fanal/light/receipt-text.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { describe, expect, it } from 'vitest';
import { testChain } from '../../support/chain.ts';
import { signNatively } from '../../support/native.ts';

const chain = testChain({ sign: signNatively }).grow(12);

/** Sigstore's reading of one of our proofs: its own parser, its own tree. */
function sigstoreAccepts(height: bigint, body: Bytes, hashes: readonly Bytes[], note: string) {
  const checkpoint = LogCheckpoint.fromString(note);
  const entry = {
    canonicalizedBody: Buffer.from(body),
    inclusionProof: { logIndex: String(height), hashes: hashes.map((hash) => Buffer.from(hash)) },
  };
  verifyMerkleInclusion(entry as never, checkpoint);
  return checkpoint;
}

describe("verifiers of other people's making", () => {
  it('read our checkpoints and accept our headers in them', () => {
    const note = chain.note();
    for (let height = 0n; height < chain.size; height++) {
      const { header, path } = chain.headerProof(height);
      const checkpoint = sigstoreAccepts(height, headerCodec.encode(header), path, note);
      expect(checkpoint.origin).toBe(chain.origin);
      expect(checkpoint.logSize).toBe(chain.size);
    }
  });

  it('refuse what we refuse', () => {
    const { header, path } = chain.headerProof(3n);
    const body = headerCodec.encode(header);
    const note = chain.note();
    expect(() => sigstoreAccepts(4n, body, path, note)).toThrow();
    expect(() => sigstoreAccepts(3n, body, path.slice(1), note)).toThrow();
    expect(() => sigstoreAccepts(3n, body.with(9, 1), path, note)).toThrow();
  });

  it('accept our consistency proofs, and no others', async () => {
    for (let from = 1n; from < chain.size; from++) {
      const [old, now] = [chain.root(from), chain.root()];
      const { consistency } = chain.update(from);
      // Step 2 of RFC 9162 §2.1.4.2, the old root before a size of 2^k, is left to its caller.
      const isPower = (from & (from - 1n)) === 0n;
      const proof = {
        log_id: '',
        tree_size_1: Number(from),
        tree_size_2: Number(chain.size),
        consistency_path: isPower ? [old, ...consistency] : [...consistency],
      };
      expect(await RFC9162.verifyConsistencyProof(old, now, proof)).toBe(true);
      const other = chain.root(from === 1n ? 2n : from - 1n);
      expect(await RFC9162.verifyConsistencyProof(other, now, proof)).toBe(false);
    }
  });

  it('accept the log part of a receipt as it stands in the file', () => {
    const payment = chain.pay('alice', 'bob', 3n);
    chain.grow(3);
    const text = formatReceipt(chain.receipt(payment), chain.set);
    const [head, note] = [
      text.slice(0, text.indexOf('\n\n')),
      text.slice(text.indexOf('\n\n') + 2),
    ];
    const [, , index, ...hashes] = head.split('\n');
    const body = headerCodec.encode(chain.header(13n));
    const path = hashes.map((hash) => Uint8Array.from(Buffer.from(hash, 'base64')));
    sigstoreAccepts(BigInt(index!.replace('index ', '')), body, path, note);
  });
});
