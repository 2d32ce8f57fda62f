import { type FollowOptions, follow } from 'fanal/light/follow.ts';
import { type TrustState, trustedTip } from 'fanal/light/trust.ts';
import { type Update, updateCodec } from 'fanal/light/update.ts';
import { describe, expect, it } from 'vitest';
import { type TestChain, testChain } from '../../support/chain.ts';
import { signNatively, verifyNatively } from '../../support/native.ts';

const at = (chain: TestChain, options: Partial<FollowOptions> = {}): FollowOptions => ({
  now: chain.now(),
  verify: verifyNatively,
  ...options,
});

const chainOf = (options = {}) => testChain({ sign: signNatively, ...options });

/** The code of the error that following throws. */
async function refusal(
  state: TrustState,
  update: Update,
  options: FollowOptions,
): Promise<string | undefined> {
  return follow(state, update, options).then(
    () => undefined,
    (error) => error.code,
  );
}

describe('following the chain', () => {
  it('leads from genesis to the tip and says that it is fresh', async () => {
    const chain = chainOf().grow(10);
    const { state, verdict } = await follow(chain.genesisTrust(), chain.update(1n), at(chain));
    expect(trustedTip(state)).toEqual({ size: 11n, root: chain.root() });
    expect(state.header).toEqual(chain.tip);
    expect(verdict.kind).toBe('fresh');
  });

  it('takes an update through its bytes', async () => {
    const chain = chainOf().grow(3);
    chain.endEpoch(chain.changedSet({ 'val-005': 2_000n }));
    chain.grow(2);
    const update = chain.update(1n);
    expect(updateCodec.decode(updateCodec.encode(update))).toEqual(update);
  });

  it('goes over a change of the protocol’s version, up to the newest that it knows', async () => {
    const chain = chainOf().grow(2);
    chain.endEpoch();
    chain.block({ forge: { version: 2 } });
    const known = updateCodec.decode(updateCodec.encode(chain.update(1n)));
    const { state } = await follow(chain.genesisTrust(), known, at(chain));
    expect(state.header.version).toBe(2);
    chain.block({ forge: { version: 3 } });
    const unknown = updateCodec.encode(chain.update(1n));
    expect(() => updateCodec.decode(unknown)).toThrow(
      expect.objectContaining({
        code: 'decode/version',
        message: expect.stringContaining('expected version 1 to 2, found 3'),
      }),
    );
  });

  it('goes on from any state, over epochs whose sets change', async () => {
    const chain = chainOf().grow(2);
    chain.endEpoch(chain.changedSet({ 'val-005': 1_000n }));
    chain.grow(3);
    chain.endEpoch(chain.changedSet({ 'val-001': 0n, 'val-006': 500n }));
    chain.endEpoch();
    chain.grow(2);
    let state = chain.genesisTrust();
    for (let size = 1n; size < chain.size; size++) {
      const options = at(chain, { now: chain.header(size).time + 2_000n });
      state = (await follow(state, chain.update(size, size + 1n), options)).state;
      expect(state.header).toEqual(chain.header(size));
    }
    for (let from = 1n; from <= chain.size; from++) {
      const start = from === 1n ? chain.genesisTrust() : chain.trust(from);
      const followed = await follow(start, chain.update(from), at(chain));
      expect(followed.state.root).toEqual(chain.root());
      expect(followed.state.validators.hash).toEqual(chain.set.hash);
    }
  });

  it('keeps a younger time when an update brings an older one', async () => {
    const chain = chainOf().grow(4);
    const time = chain.now() / 1_000n;
    const young = await follow(chain.trust(), chain.update(5n, 5n, { time }), at(chain));
    const again = await follow(young.state, chain.update(5n), at(chain));
    expect(again.state.sureAt).toBe(time * 1_000n);
  });

  it('says that a tip nobody vouched for lately is stale, and since when', async () => {
    const chain = chainOf().grow(4);
    const options = at(chain, { now: chain.now() + 90_000n });
    const { verdict, state } = await follow(chain.genesisTrust(), chain.update(1n), options);
    expect(verdict).toEqual({ kind: 'stale', since: state.sureAt });
  });
});

describe('an update that is refused', () => {
  it('starts at another size', async () => {
    const chain = chainOf().grow(4);
    expect(await refusal(chain.trust(3n), chain.update(2n), at(chain))).toBe('update/start');
  });

  it('leads back', async () => {
    const chain = chainOf().grow(4);
    const update = { ...chain.update(3n, 3n), from: { size: 5n, root: chain.root() } };
    expect(await refusal(chain.trust(5n), update, at(chain))).toBe('update/rollback');
  });

  it('meets a state past the trusting period by one millisecond', async () => {
    const chain = chainOf().grow(4);
    const trust = chain.trust(3n);
    const last = trust.sureAt + trust.trustingPeriodMillis;
    const update = chain.update(3n);
    expect(await refusal(trust, update, at(chain, { now: last }))).toBeUndefined();
    expect(await refusal(trust, update, at(chain, { now: last + 1n }))).toBe('trust/expired');
  });

  it('meets a clock that is behind what the client already knows', async () => {
    const chain = chainOf().grow(4);
    const trust = chain.trust();
    const now = trust.sureAt - 60_001n;
    expect(await refusal(trust, chain.update(5n), at(chain, { now }))).toBe('trust/clock');
  });

  it('comes from tomorrow', async () => {
    const chain = chainOf().grow(2);
    const start = chain.genesisTrust();
    chain.block({ time: chain.now() + 100_000n });
    const now = chain.tip.time - 60_001n;
    expect(await refusal(start, chain.update(1n), at(chain, { now }))).toBe('freshness/future');
    const edge = at(chain, { now: now + 1_001n });
    expect(await refusal(start, chain.update(1n), edge)).toBeUndefined();
  });

  it('is cosigned by exactly two thirds', async () => {
    const chain = chainOf({ validators: [1_000n, 1_000n, 1_000n] }).grow(2);
    const signers = ['val-001', 'val-002'];
    const update = chain.update(1n, 3n, { signers });
    expect(await refusal(chain.genesisTrust(), update, at(chain))).toBe('checkpoint/no-quorum');
  });

  it('has one cosignature over another size', async () => {
    const chain = chainOf().grow(3);
    const update = chain.update(1n);
    const [first, ...rest] = chain.checkpoint(3n).cosignatures;
    const others = update.checkpoint.cosignatures.slice(1);
    expect(rest).toHaveLength(3);
    const cosignatures = [first!, ...others];
    const forged = { ...update, checkpoint: { ...update.checkpoint, cosignatures } };
    const code = await refusal(chain.genesisTrust(), forged, at(chain));
    expect(code).toBe('checkpoint/bad-cosignature');
  });

  it('is certified by a set that no handover leads to', async () => {
    const chain = chainOf().grow(2);
    chain.endEpoch(chain.changedSet({ 'val-005': 9_000n }));
    chain.grow(2);
    const update = { ...chain.update(1n), handovers: [] };
    expect(await refusal(chain.genesisTrust(), update, at(chain))).toMatch(/^checkpoint\//);
  });

  it('has a handover too few, of one set for two epochs', async () => {
    const chain = chainOf().grow(2);
    chain.endEpoch();
    chain.grow(2);
    const update = { ...chain.update(1n), handovers: [] };
    expect(await refusal(chain.genesisTrust(), update, at(chain))).toBe('update/epoch');
  });

  it('names its handovers in another order', async () => {
    const chain = chainOf().grow(2);
    chain.endEpoch();
    chain.endEpoch();
    chain.block();
    const update = chain.update(1n);
    const turned = { ...update, handovers: update.handovers.toReversed() };
    expect(await refusal(chain.genesisTrust(), turned, at(chain))).toBe('handover/epoch');
    const twice = { ...update, handovers: [update.handovers[0]!, ...update.handovers] };
    expect(await refusal(chain.genesisTrust(), twice, at(chain))).toBe('update/order');
  });

  it('brings another next set than the last header names', async () => {
    const chain = chainOf().grow(2);
    const other = chain.changedSet({ 'val-009': 50_000n });
    chain.endEpoch(chain.changedSet({ 'val-005': 2_000n }));
    chain.block();
    const update = chain.update(1n);
    const handovers = update.handovers.map((h) => ({ ...h, nextValidators: other }));
    const code = await refusal(chain.genesisTrust(), { ...update, handovers }, at(chain));
    expect(code).toBe('handover/next-validators');
  });

  it('hands over in the middle of an epoch', async () => {
    const chain = chainOf().grow(5);
    const update = chain.update(1n);
    const middle = chain.header(2n);
    const handover = {
      checkpoint: chain.checkpoint(3n),
      header: middle,
      path: chain.headerProof(2n, 3n).path,
      nextValidators: chain.changedSet({ 'val-009': 50_000n }),
    };
    const forged = { ...update, handovers: [handover] };
    expect(await refusal(chain.genesisTrust(), forged, at(chain))).toBe('handover/not-last');
  });

  it('shows a header that is not the newest', async () => {
    const chain = chainOf().grow(5);
    const update = { ...chain.update(1n), header: chain.header(3n) };
    expect(await refusal(chain.genesisTrust(), update, at(chain))).toBe('proof/not-the-tip');
  });

  it('certifies a header that names another set, as only a faulty quorum could', async () => {
    const chain = chainOf().grow(2);
    const { hash } = chain.changedSet({ 'val-009': 1n });
    chain.block({ forge: { validatorsHash: hash } });
    const code = await refusal(chain.genesisTrust(), chain.update(1n), at(chain));
    expect(code).toBe('update/validators');
  });

  it('goes back in time', async () => {
    const chain = chainOf().grow(4);
    const trust = chain.trust(5n);
    chain.block({ time: chain.tip.time - 1n });
    expect(await refusal(trust, chain.update(5n), at(chain))).toBe('update/time');
  });

  it('has a consistency path that leads nowhere', async () => {
    const chain = chainOf().grow(6);
    const update = chain.update(4n);
    const path = [...update.consistency.slice(0, -1), chain.root()];
    const forged = { ...update, consistency: path };
    expect(await refusal(chain.trust(4n), forged, at(chain))).toBe('proof/root-mismatch');
  });

  it('belongs to another chain of the same validators', async () => {
    const chain = chainOf().grow(4);
    const other = chainOf({ time: 1_750_000_000_001n }).grow(4);
    const code = await refusal(chain.genesisTrust(), other.update(1n), at(chain));
    expect(code).toBe('checkpoint/bad-cosignature');
  });
});
