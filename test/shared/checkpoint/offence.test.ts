import { offenceCodec } from 'fanal/chain/offence.ts';
import {
  cosignatureOffence,
  offenceItems,
  verifyOffence,
  vertexOffence,
  vertexSlot,
} from 'fanal/checkpoint/offence.ts';
import { type Bytes, utf8 } from 'fanal/primitives/bytes.ts';
import { Writer } from 'fanal/primitives/codec.ts';
import { type HashTag, sha256, taggedHash } from 'fanal/primitives/hash.ts';
import { describe, expect, it } from 'vitest';
import { testChain } from '../../support/chain.ts';
import { signNatively, verifyNatively } from '../../support/native.ts';

const chain = testChain({ sign: signNatively }).grow(2);
const context = { origin: chain.origin, genesisId: chain.genesisId };
const [validator, other] = chain.set.validators;
const seeds = chain.validators.get('val-001')!.seeds;

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error.code as string,
  );

function cosigned(size: bigint, root = sha256(utf8('another root'))) {
  const [cosignature] = chain.cosign(size, root, { signers: ['val-001'] });
  return { root, time: cosignature!.time, signature: cosignature!.signature };
}

function vertex(fields: { epoch?: number; round?: number; author?: number; rest?: string } = {}) {
  const { epoch = 0, round = 7, author = 0, rest = 'a' } = fields;
  const header = new Writer()
    .u8(1)
    .bytes(chain.genesisId, 32)
    .u32(epoch)
    .u32(round)
    .u16(author)
    .shortBytes(utf8(rest))
    .finish();
  return { header, signature: signVertex(header, 'fanal/vertex/v1') };
}

const signVertex = (header: Bytes, tag: HashTag) =>
  signNatively(taggedHash(tag, header), seeds.vertex);

describe('two roots at one size', () => {
  const offence = cosignatureOffence('val-001', 3n, cosigned(3n), cosigned(3n, chain.root()));

  it('convict who cosigned both', async () => {
    await verifyOffence(offence, validator!, context, verifyNatively);
    expect(offenceCodec.decode(offenceCodec.encode(offence))).toEqual(offence);
  });

  it('are no offence when they are one root, or in the other order', () => {
    const same = cosignatureOffence('val-001', 3n, cosigned(3n), cosigned(3n));
    expect(() => offenceItems(same, validator!, context)).toThrow('the same twice');
    const { first, second } = offence as Extract<typeof offence, { kind: 'cosignatures' }>;
    const turned = { ...offence, first: second, second: first } as typeof offence;
    expect(() => offenceItems(turned, validator!, context)).toThrow('the other order');
  });

  it('convict nobody else, and not on another chain', async () => {
    expect(await codeOf(verifyOffence(offence, other!, context, verifyNatively))).toBe(
      'evidence/bad-signature',
    );
    const elsewhere = { ...context, origin: chain.origin.replace('unit', 'main') };
    expect(await codeOf(verifyOffence(offence, validator!, elsewhere, verifyNatively))).toBe(
      'evidence/bad-signature',
    );
  });

  it('convict at their own size only', async () => {
    const moved = { ...offence, size: 4n } as typeof offence;
    expect(await codeOf(verifyOffence(moved, validator!, context, verifyNatively))).toBe(
      'evidence/bad-signature',
    );
  });
});

describe('two vertices in one slot', () => {
  const offence = vertexOffence('val-001', vertex(), vertex({ rest: 'b' }));

  it('convict their author', async () => {
    await verifyOffence(offence, validator!, context, verifyNatively);
    expect(vertexSlot(vertex({ round: 9 }).header).round).toBe(9);
  });

  it.each([
    ['rounds', vertex({ round: 8 })],
    ['epochs', vertex({ epoch: 1 })],
    ['authors', vertex({ author: 1 })],
  ])('must not differ in %s', (_, second) => {
    const apart = vertexOffence('val-001', vertex(), second);
    expect(() => offenceItems(apart, validator!, context)).toThrow('offence slots');
  });

  it('of another chain convict nobody', async () => {
    const elsewhere = { ...context, genesisId: sha256(utf8('elsewhere')) };
    expect(await codeOf(verifyOffence(offence, validator!, elsewhere, verifyNatively))).toBe(
      'evidence/another-chain',
    );
  });

  it('must be signed as vertices', async () => {
    const { header } = vertex({ rest: 'c' });
    const wrong = { header, signature: signVertex(header, 'fanal/commit/v1') };
    const forged = vertexOffence('val-001', vertex(), wrong);
    expect(await codeOf(verifyOffence(forged, validator!, context, verifyNatively))).toBe(
      'evidence/bad-signature',
    );
  });

  it('are refused when they are too short to name a slot', () => {
    const short = { header: new Uint8Array(20), signature: new Uint8Array(64) };
    const cut = vertexOffence('val-001', vertex(), short);
    expect(() => offenceItems(cut, validator!, context)).toThrow('expected 32 more bytes');
  });
});
