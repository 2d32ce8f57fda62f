import { asBytes32 } from 'fanal/primitives/bytes.ts';
import { RootClaims } from 'fanal-node/core/claims.ts';
import type { Committee } from 'fanal-node/core/committee.ts';
import type { Cosignature } from 'fanal-node/core/types.ts';
import { describe, expect, it } from 'vitest';

const STAKES = [5, 1, 7, 3, 2, 4];
const QUORUM = 15;
const ROOT = asBytes32(new Uint8Array(32).fill(7));

const claims = () => new RootClaims(ROOT, { stakes: STAKES } as unknown as Committee);
const cosignature = (author: number): Cosignature => ({
  size: 9n,
  root: ROOT,
  time: BigInt(author),
  signature: new Uint8Array(64),
});
const authors = (asked: readonly { readonly author: number }[]) =>
  asked.map(({ author }) => author);

describe('claims of a root', () => {
  it('are checked only once they can reach a quorum, and no more of them than that takes', () => {
    const all = claims();
    for (const author of [4, 2, 3]) all.add(author, cosignature(author));
    expect(all.toVerify(QUORUM)).toEqual([]);
    all.add(5, cosignature(5));
    all.add(0, cosignature(0));
    expect(authors(all.toVerify(QUORUM))).toEqual([0, 2, 3]);
    expect(all.toVerify(QUORUM)).toEqual([]);
  });

  it('are checked further when one of those asked for is bad, and its author may claim again', () => {
    const all = claims();
    for (const author of STAKES.keys()) all.add(author, cosignature(author));
    expect(authors(all.toVerify(QUORUM))).toEqual([0, 1, 2, 3]);
    all.verified(0, true);
    all.verified(2, false);
    expect(all.has(2)).toBe(false);
    expect([all.possible, all.good]).toEqual([15, 5]);
    expect(authors(all.toVerify(QUORUM))).toEqual([4, 5]);
    all.add(2, cosignature(2));
    for (const author of [1, 3, 4, 5]) all.verified(author, true);
    expect(all.good).toBe(15);
    expect(authors(all.goodOnes())).toEqual([0, 1, 3, 4, 5]);
    expect(all.toVerify(QUORUM)).toEqual([]);
  });

  it('count each author once, and take the own claim as good', () => {
    const all = claims();
    all.add(2, cosignature(2));
    all.add(2, cosignature(2));
    expect([all.possible, all.good]).toEqual([7, 0]);
    all.addOwn(2, cosignature(2));
    all.addOwn(2, cosignature(2));
    expect([all.possible, all.good]).toEqual([7, 7]);
    all.verified(2, false);
    expect([all.possible, all.good]).toEqual([7, 7]);
  });
});
