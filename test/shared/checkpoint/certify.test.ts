import { isQuorum } from 'fanal/chain/quorum.ts';
import {
  certify,
  certifyChecked,
  certifyNote,
  cosignedStake,
  judgeCertification,
  planCertification,
  trimCosignatures,
} from 'fanal/checkpoint/certify.ts';
import { relateCheckpoints, sameCheckpoint } from 'fanal/checkpoint/checkpoint.ts';
import { cosignerKeyText, cosignerName } from 'fanal/checkpoint/cosignature.ts';
import { checkpointNote, parseCheckpointNote } from 'fanal/checkpoint/cosigned.ts';
import { parseNote } from 'fanal/checkpoint/note.ts';
import type { SignedItem, VerifyBatch } from 'fanal/crypto/filter.ts';
import { fromBase64, toBase64 } from 'fanal/primitives/bytes.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testChain } from '../../support/chain.ts';
import { signNatively, verifyNatively } from '../../support/native.ts';

const chain = testChain({ validators: [500n, 2_000n, 1_000n, 1_500n], sign: signNatively }).grow(3);
const { origin, set } = chain;

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error.code as string,
  );

describe('certifying a checkpoint', () => {
  it('takes the heaviest first and stops where the quorum stands', async () => {
    const seen: SignedItem[] = [];
    const verify: VerifyBatch = (items) => {
      seen.push(...items);
      return verifyNatively(items);
    };
    const certified = await certify(chain.checkpoint(), origin, set, verify);
    expect(seen).toHaveLength(2);
    expect(certified.cosignatures.map(({ validator }) => validator)).toEqual([1, 3]);
    expect(certified.validatorsHash).toEqual(set.hash);
  });

  it('needs more than two thirds of the stake', async () => {
    // 2,000 + 1,000 + 500 of 5,000 is 70 %; 2,000 + 1,000 is 60 %.
    const signers = ['val-001', 'val-002', 'val-003'];
    expect(
      await codeOf(certify(chain.checkpoint(4n, { signers }), origin, set, verifyNatively)),
    ).toBeUndefined();
    const fewer = chain.checkpoint(4n, { signers: signers.slice(1) });
    expect(await codeOf(certify(fewer, origin, set, verifyNatively))).toBe('checkpoint/no-quorum');
  });

  it('refuses the whole when one checked signature is bad', async () => {
    const cosigned = chain.checkpoint();
    const cosignatures = cosigned.cosignatures.map((cosignature, i) =>
      i === 1 ? { ...cosignature, time: cosignature.time + 1n } : cosignature,
    );
    const code = await codeOf(certify({ ...cosigned, cosignatures }, origin, set, verifyNatively));
    expect(code).toBe('checkpoint/bad-cosignature');
  });

  it('counts nobody twice and no stranger', async () => {
    const cosigned = chain.checkpoint(4n, { signers: ['val-002'] });
    const [one] = cosigned.cosignatures;
    const twice = { ...cosigned, cosignatures: [one!, one!] };
    expect(await codeOf(certify(twice, origin, set, verifyNatively))).toBe(
      'checkpoint/unknown-cosigner',
    );
    const stranger = { ...cosigned, cosignatures: [one!, { ...one!, validator: 4 }] };
    expect(await codeOf(certify(stranger, origin, set, verifyNatively))).toBe(
      'checkpoint/unknown-cosigner',
    );
  });

  it('is bound to its origin', async () => {
    const other = origin.replace('/unit/', '/main/');
    const code = await codeOf(certify(chain.checkpoint(), other, set, verifyNatively));
    expect(code).toBe('checkpoint/bad-cosignature');
  });

  it('can be done in halves, for who checks signatures elsewhere', () => {
    const plan = planCertification(chain.checkpoint(), origin, set);
    const verdicts = plan.items.map(() => true);
    expect(judgeCertification(plan, verdicts).size).toBe(4n);
    expect(() => judgeCertification(plan, [true, false])).toThrow('cosignature of val-004');
    expect(() => judgeCertification(plan, [true])).toThrow('one verdict for each signature');
    const checkpoint = { origin, size: 4n, root: chain.root() };
    const { cosignatures } = chain.checkpoint();
    expect(certifyChecked(checkpoint, cosignatures, set).cosignatures).toHaveLength(2);
    expect(() => certifyChecked(checkpoint, cosignatures.slice(0, 1), set)).toThrow('two thirds');
  });

  it('finds the least quorum of any stakes, or says that there is none', () => {
    const stakes = fc.array(fc.bigInt(1n, 50n), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(stakes, fc.nat(511), (list, mask) => {
        const sets = testChain({
          validators: list.map((s) => s + 1_000n),
          sign: () => noSignature,
        });
        const everyone = sets.set.validators.map((_, validator) => ({
          validator,
          time: 1n,
          signature: noSignature,
        }));
        const signers = everyone.filter((_, i) => (mask & (1 << i)) !== 0);
        const cosigned = { size: 1n, root: sets.root(), cosignatures: signers };
        const enough = isQuorum(cosignedStake(signers, sets.set), sets.set.totalStake);
        const plan = () => planCertification(cosigned, sets.origin, sets.set);
        if (!enough) {
          expect(plan).toThrow('two thirds');
          return;
        }
        const { chosen } = plan();
        const stake = cosignedStake(chosen, sets.set);
        expect(isQuorum(stake, sets.set.totalStake)).toBe(true);
        const without = cosignedStake(chosen.slice(0, -1), sets.set);
        expect(isQuorum(without, sets.set.totalStake)).toBe(false);
      }),
      { numRuns: 25 },
    );
  });
});

const noSignature = new Uint8Array(64);

describe('a checkpoint as a note', () => {
  it('certifies as its compact form does', async () => {
    const certified = await certifyNote(chain.note(), origin, set, verifyNatively);
    expect(sameCheckpoint(certified, { origin, size: 4n, root: chain.root() })).toBe(true);
    expect(parseCheckpointNote(chain.note(), origin, set)).toEqual(chain.checkpoint());
  });

  it('may have lines of unknown keys, under a known name or id too', async () => {
    const { text, signatures } = parseNote(chain.note());
    const [first] = signatures;
    const strangers = [
      `— example.org/witness ${toBase64(new Uint8Array(80))}\n`,
      // A known name with another key id.
      `— ${first!.name} ${toBase64(new Uint8Array(76).fill(1))}\n`,
      // A known id under another name.
      `— ${first!.name}x ${toBase64(Uint8Array.of(...first!.keyId, ...first!.signature))}\n`,
    ];
    const note = chain.note();
    const at = text.length + 1;
    const mixed = note.slice(0, at) + strangers.join('') + note.slice(at);
    expect(parseCheckpointNote(mixed, origin, set)).toEqual(chain.checkpoint());
  });

  it('counts the first of two lines of one key', () => {
    const note = chain.note();
    const line = note.split('\n').find((l) => l.startsWith(`— ${origin}/val-001 `));
    const twice = `${note}${line}\n`;
    expect(parseCheckpointNote(twice, origin, set)).toEqual(chain.checkpoint());
  });

  it('is refused when a line of a known key cannot be a cosignature', () => {
    const lines = chain.note().split('\n');
    const i = lines.findIndex((line) => line.startsWith('—'));
    const [dash, name, base64] = lines[i]!.split(' ');
    const cut = toBase64(fromBase64(base64!).slice(0, -1));
    const note = lines.with(i, [dash, name, cut].join(' ')).join('\n');
    expect(() => parseCheckpointNote(note, origin, set)).toThrow('cosignature of val-001');
  });

  it('of another log is refused', () => {
    const other = testChain({ network: 'other', sign: signNatively }).grow(3);
    expect(() => parseCheckpointNote(other.note(), origin, set)).toThrow(other.origin);
  });

  it('names its cosigners so that other log tools know them', () => {
    const [validator] = set.validators;
    expect(cosignerName(origin, validator!)).toBe(`${origin}/val-001`);
    const [, name, id, key] = /^([^+]+)\+([^+]+)\+(.+)$/.exec(cosignerKeyText(origin, validator!))!;
    const line = parseNote(chain.note()).signatures[0]!;
    expect(name).toBe(line.name);
    expect(id).toBe(Buffer.from(line.keyId).toString('hex'));
    expect(fromBase64(key!)).toEqual(Uint8Array.of(4, ...validator!.checkpointKey));
  });

  it('can be trimmed to a quorum and a few more', () => {
    const { cosignatures } = chain.checkpoint();
    const trimmed = trimCosignatures(cosignatures, set, 1);
    expect(trimmed.map(({ validator }) => validator)).toEqual([1, 2, 3]);
    expect(trimCosignatures(cosignatures, set, 0)).toHaveLength(2);
    expect(trimCosignatures(cosignatures, set, 9)).toHaveLength(4);
    const note = checkpointNote({ ...chain.checkpoint(), cosignatures: trimmed }, origin, set);
    expect(note.split('\n— ')).toHaveLength(4);
  });
});

describe('two checkpoints', () => {
  const at = (size: bigint, root = chain.root(4n), log = origin) => ({ origin: log, size, root });

  it.each([
    ['same', at(4n), at(4n)],
    ['conflicting', at(4n), at(4n, chain.root(3n))],
    ['older', at(3n), at(4n)],
    ['newer', at(4n), at(3n)],
    ['another-log', at(4n), at(4n, chain.root(), 'example.com/x/0000000000000000')],
  ])('are %s', (relation, a, b) => {
    expect(relateCheckpoints(a, b)).toBe(relation);
  });
});
