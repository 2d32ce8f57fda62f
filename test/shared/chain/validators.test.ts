import { MAX_SUPPLY } from 'fanal/chain/limits.ts';
import { honestOf, includesHonest, isQuorum, quorumOf } from 'fanal/chain/quorum.ts';
import { isNetworkAddress, isValidatorName } from 'fanal/chain/text.ts';
import {
  sameSet,
  type Validator,
  validatorIndex,
  validatorSet,
  validatorSetCodec,
} from 'fanal/chain/validators.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testChain } from '../../support/chain.ts';

const { set } = testChain({ validators: [1_000n, 2_000n, 3_000n], sign: () => new Uint8Array(64) });
const [first, second, third] = set.validators as [Validator, Validator, Validator];

const codeOf = (list: readonly Validator[]): string | undefined => {
  try {
    validatorSet(list);
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
};

describe('a validator set', () => {
  it('is the same in whatever order its members are given', () => {
    expect(sameSet(validatorSet([third, first, second]), set)).toBe(true);
    expect(validatorIndex(set, 'val-003')).toBe(2);
    expect(validatorIndex(set, 'val-004')).toBe(-1);
    expect(set.totalStake).toBe(6_000n * 100_000_000n);
  });

  it('has another hash when any field of a member changes', () => {
    const hashes = [
      { ...first, stake: first.stake + 1n },
      { ...first, name: 'val-000' },
      { ...first, vertexKey: first.checkpointKey, checkpointKey: first.vertexKey },
      { ...first, owner: second.owner },
    ].map((changed) => validatorSet([changed, second, third]).hash.join());
    expect(new Set([...hashes, set.hash.join()]).size).toBe(5);
  });

  it('refuses what cannot be one', () => {
    expect(codeOf([])).toBe('validators/count');
    expect(codeOf([first, first])).toBe('validators/name');
    expect(codeOf([{ ...first, name: 'Val' }])).toBe('validators/name');
    expect(codeOf([{ ...first, stake: 0n }])).toBe('validators/stake');
    expect(codeOf([{ ...first, stake: MAX_SUPPLY }, second])).toBe('validators/stake');
    expect(codeOf([{ ...first, networkKey: first.vertexKey }])).toBe('validators/keys');
    expect(codeOf([first, { ...second, checkpointKey: first.vertexKey }])).toBe('validators/keys');
  });

  it('is refused in bytes that are not in order', () => {
    const bytes = validatorSetCodec.encode(set);
    const width = (bytes.length - 2) / 3;
    const at = (i: number) => bytes.slice(2 + i * width, 2 + (i + 1) * width);
    const turned = Uint8Array.of(...bytes.slice(0, 2), ...at(1), ...at(0), ...at(2));
    expect(() => validatorSetCodec.decode(turned)).toThrow('ascending distinct names');
  });
});

describe('a quorum', () => {
  it('is strictly more than two thirds', () => {
    expect(isQuorum(2n, 3n)).toBe(false);
    expect(isQuorum(3n, 4n)).toBe(true);
    expect(isQuorum(200n, 300n)).toBe(false);
    expect(isQuorum(201n, 300n)).toBe(true);
    expect(isQuorum(0n, 0n)).toBe(false);
  });

  it('is at least its least stake, and any two share an honest one', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, MAX_SUPPLY), (total) => {
        const quorum = quorumOf(total);
        expect(isQuorum(quorum, total)).toBe(true);
        expect(isQuorum(quorum - 1n, total)).toBe(false);
        const shared = 2n * quorum - total;
        expect(includesHonest(shared, total)).toBe(true);
        expect(includesHonest(honestOf(total), total)).toBe(true);
        expect(includesHonest(honestOf(total) - 1n, total)).toBe(false);
      }),
    );
  });
});

describe('a name', () => {
  it.each([
    ['val-1', true],
    ['a', true],
    ['a'.repeat(32), true],
    ['a'.repeat(33), false],
    ['', false],
    ['-a', false],
    ['a-', false],
    ['a--b', false],
    ['A', false],
    ['a b', false],
    ['a+b', false],
    ['é', false],
  ])('%j may name a validator: %s', (text, isName) => {
    expect(isValidatorName(text)).toBe(isName);
  });

  it('of the network is a multiaddr without spaces', () => {
    expect(isNetworkAddress('/dns4/a.example/tcp/26700')).toBe(true);
    expect(isNetworkAddress('http://a.example')).toBe(false);
    expect(isNetworkAddress('/ip4/1.2.3.4 /tcp/1')).toBe(false);
    expect(isNetworkAddress(`/${'a'.repeat(128)}`)).toBe(false);
  });
});
