import { verifyOffence } from 'fanal/checkpoint/offence.ts';
import {
  evidenceCodec,
  type ForkEvidence,
  offencesOf,
  verifyEvidence,
} from 'fanal/light/evidence.ts';
import { follow } from 'fanal/light/follow.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { describe, expect, it } from 'vitest';
import { type TestChain, testChain } from '../../support/chain.ts';
import { signNatively, verifyNatively } from '../../support/native.ts';

/** Two chains of one genesis and one set of keys that part after `common` headers. */
function fork(common: number, more: number): [TestChain, TestChain] {
  return [0n, 1n].map((skew) => {
    const chain = testChain({ sign: signNatively }).grow(common - 1);
    for (let i = 0; i < more; i++) chain.block({ time: chain.tip.time + 500n + skew });
    return chain;
  }) as [TestChain, TestChain];
}

async function evidenceOf(honest: TestChain, size: bigint, liar: TestChain): Promise<ForkEvidence> {
  const options = { now: liar.now(), verify: verifyNatively };
  const { verdict, state } = await follow(honest.trust(size), liar.update(size), options);
  expect(state.root).toEqual(honest.root(size));
  if (verdict.kind !== 'forked') throw new Error(`expected a fork, found ${verdict.kind}`);
  return verdict.evidence;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error.code as string,
  );

describe('a fork', () => {
  it('at one size is a verdict with evidence against all who signed both', async () => {
    const [a, b] = fork(4, 1);
    const evidence = await evidenceOf(a, 5n, b);
    const decoded = evidenceCodec.decode(evidenceCodec.encode(evidence));
    expect(decoded).toEqual(evidence);
    const finding = await verifyEvidence(decoded, verifyNatively, a.trust());
    expect(finding).toEqual({
      kind: 'fork',
      // A quorum of either side is checked and no more, so three of the four are named.
      guilty: ['val-001', 'val-002', 'val-003'],
      guiltyStake: 3_000n * UNITS_PER_COIN,
      totalStake: 4_000n * UNITS_PER_COIN,
      isAnchored: true,
    });
  });

  it('at one size convicts each of them alone, too', async () => {
    const [a, b] = fork(4, 1);
    const evidence = await evidenceOf(a, 5n, b);
    const offences = offencesOf(evidence);
    expect(offences).toHaveLength(4);
    const context = { origin: a.origin, genesisId: a.genesisId };
    for (const [i, offence] of offences.entries()) {
      await verifyOffence(offence, a.set.validators[i]!, context, verifyNatively);
      const file = { kind: 'offence' as const, ...context, epoch: 0, validators: a.set, offence };
      const finding = await verifyEvidence(file, verifyNatively);
      expect(finding).toMatchObject({ guilty: [offence.validator], isAnchored: false });
    }
  });

  it('at different sizes is a verdict too, whatever the older size', async () => {
    for (const size of [5n, 6n, 7n, 8n]) {
      const [a, b] = fork(4, 6);
      const evidence = await evidenceOf(a, size, b);
      const finding = await verifyEvidence(evidence, verifyNatively, a.genesisTrust());
      expect(finding.guilty).toHaveLength(3);
      expect(offencesOf(evidence)).toEqual([]);
    }
  });

  it('over the end of an epoch carries the handovers of its branch', async () => {
    const [a, b] = fork(4, 3);
    b.endEpoch(b.changedSet({ 'val-005': 1_000n }));
    b.grow(3);
    const evidence = await evidenceOf(a, 7n, b);
    expect(evidence.newer.handovers).toHaveLength(1);
    const finding = await verifyEvidence(evidence, verifyNatively, a.trust());
    expect(finding.guilty).toEqual(['val-001', 'val-002', 'val-003']);
  });

  it('convicts only who signed both, by as few as more than a third', async () => {
    const [a, b] = fork(4, 1);
    const options = { now: b.now(), verify: verifyNatively };
    const left = { signers: ['val-001', 'val-002', 'val-003'] };
    const right = { signers: ['val-002', 'val-003', 'val-004'] };
    const { verdict } = await follow(
      { ...a.trust(), cosignatures: a.checkpoint(5n, left).cosignatures },
      b.update(5n, 5n, right),
      options,
    );
    if (verdict.kind !== 'forked') throw new Error('expected a fork');
    const finding = await verifyEvidence(verdict.evidence, verifyNatively);
    expect(finding.guilty).toEqual(['val-002', 'val-003']);
  });
});

describe('what is no evidence of a fork', () => {
  it('is one history', async () => {
    const [a] = fork(4, 4);
    const evidence: ForkEvidence = {
      kind: 'fork',
      origin: a.origin,
      genesisId: a.genesisId,
      epoch: 0,
      validators: a.set,
      older: { handovers: [], checkpoint: a.checkpoint(6n) },
      newer: { handovers: [], checkpoint: a.checkpoint() },
      otherRoot: a.root(6n),
      path: a.update(6n).consistency,
    };
    expect(await codeOf(verifyEvidence(evidence, verifyNatively))).toBe('evidence/not-conflicting');
    const [, b] = fork(4, 4);
    const invented = { ...evidence, otherRoot: b.root(6n) };
    expect(await codeOf(verifyEvidence(invented, verifyNatively))).toBe('proof/root-mismatch');
  });

  it('is a checkpoint without a quorum', async () => {
    const [a, b] = fork(4, 1);
    const evidence = await evidenceOf(a, 5n, b);
    const checkpoint = b.checkpoint(5n, { signers: ['val-001', 'val-002'] });
    const thin = { ...evidence, newer: { ...evidence.newer, checkpoint } };
    expect(await codeOf(verifyEvidence(thin, verifyNatively))).toBe('checkpoint/no-quorum');
  });

  it('is a forged consistency path: a liar alone cannot make a client stop', async () => {
    const [a, b] = fork(4, 4);
    const update = { ...a.update(6n), consistency: b.update(6n).consistency };
    const options = { now: a.now(), verify: verifyNatively };
    expect(await codeOf(follow(a.trust(6n), update, options))).toBe('proof/root-mismatch');
    const claimed = { ...a.update(6n), from: { size: 6n, root: b.root(6n) } };
    expect(await codeOf(follow(a.trust(6n), claimed, options))).toBe('proof/root-mismatch');
  });

  it('is of another chain, or about somebody unknown', async () => {
    const [a, b] = fork(4, 1);
    const evidence = await evidenceOf(a, 5n, b);
    const other = testChain({ network: 'other', sign: signNatively });
    const trust = other.genesisTrust();
    expect(await codeOf(verifyEvidence(evidence, verifyNatively, trust))).toBe(
      'evidence/another-chain',
    );
    const [offence] = offencesOf(evidence);
    const { origin, genesisId, validators } = evidence;
    const unknown = { ...offence!, validator: 'val-099' };
    const file = {
      kind: 'offence' as const,
      origin,
      genesisId,
      epoch: 0,
      validators,
      offence: unknown,
    };
    expect(await codeOf(verifyEvidence(file, verifyNatively))).toBe('evidence/unknown-validator');
  });
});

it('a log that begins with another genesis is no fork, but another chain', async () => {
  const [a] = fork(2, 2);
  const other = testChain({ sign: signNatively });
  const forged = { ...other.genesisTrust(), root: a.root(2n) };
  const options = { now: a.now(), verify: verifyNatively };
  expect(await codeOf(follow(forged, a.update(1n), options))).toBe('update/another-genesis');
});
