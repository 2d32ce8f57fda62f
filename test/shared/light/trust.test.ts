import { certify } from 'fanal/checkpoint/certify.ts';
import { freshness, unverified, vouchedMillis } from 'fanal/light/freshness.ts';
import { trustStateCodec } from 'fanal/light/trust.ts';
import { formatTrust, parseTrust } from 'fanal/light/trust-file.ts';
import { VerificationError } from 'fanal/primitives/errors.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testChain } from '../../support/chain.ts';
import { signNatively, verifyNatively } from '../../support/native.ts';

const chain = testChain({ sign: signNatively }).grow(3);

describe('a trust file', () => {
  const text = formatTrust(chain.trust());

  it('comes back as it was written, from genesis too', () => {
    expect(parseTrust(text)).toEqual(chain.trust());
    expect(parseTrust(formatTrust(chain.genesisTrust()))).toEqual(chain.genesisTrust());
  });

  it('says on its first lines what it anchors', () => {
    expect(text.split('\n').slice(0, 6)).toEqual([
      'fanal-trust/1',
      `origin ${chain.origin}`,
      `genesis ${Buffer.from(chain.genesisId).toString('hex')}`,
      'epoch 0',
      'size 4',
      `root ${Buffer.from(chain.root()).toString('hex')}`,
    ]);
  });

  it.each([
    ['lines that say another size', text.replace('size 4', 'size 5')],
    ['another first line', text.replace('trust/1', 'trust/2')],
    ['no data', text.slice(0, text.indexOf('data '))],
    ['more behind its end', `${text}more\n`],
    ['a missing line', text.replace(/epoch .*\n/, '')],
  ])('with %s is refused', (_, changed) => {
    expect(() => parseTrust(changed)).toThrow(expect.objectContaining({ name: 'DecodeError' }));
  });

  it('is refused when its set is not the one its header names', () => {
    const other = { ...chain.trust(), validators: chain.changedSet({ 'val-001': 5_000n }) };
    const bytes = trustStateCodec.encode(other);
    expect(() => trustStateCodec.decode(bytes)).toThrow('the set is not the one');
  });

  it('is refused when its origin is of another genesis', () => {
    const other = testChain({ network: 'other' });
    const mixed = { ...chain.trust(), origin: other.origin };
    const bytes = trustStateCodec.encode(mixed);
    expect(() => trustStateCodec.decode(bytes)).toThrow('is not of genesis');
  });

  it('of 21 validators stays within 16 kB, however long the chain', () => {
    const large = testChain({ validators: 21, sign: signNatively }).grow(2);
    expect(trustStateCodec.encode(large.trust()).length).toBeLessThan(16_000);
  });
});

describe('the time that stake vouches for', () => {
  const times = async (list: readonly bigint[]) => {
    const size = chain.size;
    const cosignatures = list.flatMap((time, i) =>
      chain.cosign(size, chain.root(), { signers: [`val-00${i + 1}`], time }),
    );
    const cosigned = { size, root: chain.root(), cosignatures };
    return vouchedMillis(
      await certify(cosigned, chain.origin, chain.set, verifyNatively),
      chain.set,
    );
  };

  it('is one that more than a third signed at or after', async () => {
    // Of four equal validators two are more than a third: the second latest time counts.
    expect(await times([10n, 40n, 30n])).toBe(30_000n);
    expect(await times([20n, 20n, 20n])).toBe(20_000n);
  });

  it('cannot be moved by one liar, whatever it signs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt(0n, 2n ** 40n), async (lie) => {
        const vouched = await times([lie, 100n, 90n]);
        expect(vouched).toBeGreaterThanOrEqual(90_000n);
        expect(vouched).toBeLessThanOrEqual(100_000n);
      }),
      { numRuns: 20 },
    );
  });
});

describe('a verdict', () => {
  it('is fresh up to the limit and stale one millisecond later', () => {
    expect(freshness(1_000n, 61_000n)).toEqual({ kind: 'fresh', sureAt: 1_000n });
    expect(freshness(1_000n, 61_001n)).toEqual({ kind: 'stale', since: 1_000n });
    expect(freshness(1_000n, 1_101n, 100n).kind).toBe('stale');
  });

  it('of a refusal carries its reason, and of a mistake none', () => {
    const reason = new VerificationError('proof/root-mismatch', 'step', 'a', 'b');
    expect(unverified(reason)).toEqual({ kind: 'unverified', reason });
    expect(() => unverified(new TypeError('a mistake'))).toThrow('a mistake');
  });
});
