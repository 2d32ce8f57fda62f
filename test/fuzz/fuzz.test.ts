import { headerProofCodec } from 'fanal/light/header-proof.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { describe, expect, it } from 'vitest';
import { testChain } from '../support/chain.ts';
import { signNatively } from '../support/native.ts';
import { answerTargets } from './answers.ts';
import { decoderTargets } from './decoders.ts';
import { nodeDecoderTargets } from './node-decoders.ts';
import { fuzz, tryOnce } from './run.ts';
import type { Outcome, Target } from './target.ts';

const untilCount = (limit: number) => (count: number) => count >= limit;
const chain = testChain({ sign: signNatively }).grow(5);
const proofs = [1n, 3n].map((height) => headerProofCodec.encode(chain.headerProof(height)));
const judgedBy = (judge: (bytes: Uint8Array) => Outcome): Target =>
  ({
    name: 'header',
    answers: proofs,
    fields: { decode: headerProofCodec.decode, encode: headerProofCodec.encode as never },
    judge,
  }) as Target<Uint8Array> as Target;

describe('fuzzing', () => {
  it('finds no changed answer that is believed, in a short run', async () => {
    const { tallies, findings } = await fuzz(answerTargets(), 1, untilCount(4_000));
    expect(findings).toEqual([]);
    for (const { target, mutations, refused } of tallies) {
      expect(mutations, target).toBeGreaterThan(150);
      expect(refused, target).toBeGreaterThan(100);
    }
  });

  it('finds no decoder that throws without a type, in a short run', async () => {
    const targets = [...decoderTargets(), ...nodeDecoderTargets()];
    const { findings } = await fuzz(targets, 1, untilCount(6_000));
    expect(findings).toEqual([]);
  });

  it('would find a verifier that forgets the root', async () => {
    const forgetful = judgedBy((bytes) => {
      const { header } = headerProofCodec.decode(bytes);
      const truth = chain.header(header.height < chain.size ? header.height : 0n);
      return header.stateRoot.join() === truth.stateRoot.join() ? 'true' : { wrong: 'state root' };
    });
    const { findings, tallies } = await fuzz([forgetful], 1, untilCount(500));
    expect(tallies[0]?.findings).toBeGreaterThan(10);
    const [first] = findings;
    const again = await tryOnce(forgetful, first!.seed, { ...tallies[0]! });
    expect(again).toEqual(first);
  });

  it('would find an error without a type, and a judgement that hangs', async () => {
    const careless = judgedBy((bytes) => {
      if (bytes.length !== proofs[0]!.length) throw new RangeError('out of bounds');
      throw new FanalError('proof/size', 'refused');
    });
    const { findings } = await fuzz([careless], 1, untilCount(200));
    expect(new Set(findings.map(({ kind }) => kind))).toEqual(new Set(['untyped']));
    const slow = judgedBy(() => {
      const end = performance.now() + 1_050;
      while (performance.now() < end);
      return 'true';
    });
    expect((await fuzz([slow], 1, untilCount(1))).findings[0]?.kind).toBe('hang');
  });

  it('does the same with the same seed', async () => {
    const run = () => fuzz(answerTargets(), 77, untilCount(300));
    expect((await run()).tallies).toEqual((await run()).tallies);
  });
});
