import { paramsCodec } from 'fanal/chain/params.ts';
import { payoutId } from 'fanal/chain/payout.ts';
import { validatorKey } from 'fanal/chain/state-keys.ts';
import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import { cosignatureMessage } from 'fanal/checkpoint/cosignature.ts';
import { cosignatureOffence } from 'fanal/checkpoint/offence.ts';
import { coinsPageCodec } from 'fanal/light/coins.ts';
import { follow } from 'fanal/light/follow.ts';
import { historyPageCodec } from 'fanal/light/history.ts';
import { stateProofCodec } from 'fanal/light/state-proof.ts';
import { trustedTip } from 'fanal/light/trust.ts';
import { trustGenesis } from 'fanal/light/trust-genesis.ts';
import { updateCodec } from 'fanal/light/update.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { COIN, LedgerChain, type LedgerChainOptions } from '../../support/ledger-chain.ts';
import { signNatively, verifyNatively as verifyBatch } from '../../support/native.ts';
import { testValidator } from '../../support/people.ts';

let chain: LedgerChain;
afterEach(() => chain.close());

function begin(options: LedgerChainOptions = {}): void {
  chain = new LedgerChain({ durable: false, ...options });
}

function record(name: string) {
  const proof = stateProofCodec.decode(chain.ledger.stateProof(validatorKey(name)));
  return proof.value === null ? null : validatorRecordCodec.decode(proof.value);
}

function stakes(): Record<string, bigint> {
  const { validators } = chain.ledger.epoch().validators;
  return Object.fromEntries(validators.map(({ name, stake }) => [name, stake / COIN]));
}

function endEpoch(options = {}) {
  const block = chain.block([], { last: true, ...options });
  chain.certify();
  return block;
}

function countsOf() {
  const { databaseBytes: _, stateTreeBytes: __, ...counts } = chain.ledger.stats();
  return counts;
}

/** Owners of validators as people with money. */
const OWNERS = ['val-0 owner', 'val-1 owner', 'val-2 owner', 'val-3 owner', 'val-4 owner'].map(
  (name) => [name, 10_000n * COIN] as const,
);

describe('rewards', () => {
  test('fees and new coins are divided by stake and committed vertices, the rest stays', () => {
    begin({ params: { epochReward: 100n * COIN }, stakes: [1_000n * COIN, 3_000n * COIN] });
    chain.block([chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN, COIN).bytes], {
      rewards: [3, 1],
    });
    const before = chain.ledger.stats().supplyUnits;
    const block = endEpoch({ rewards: [0, 0] });
    // 3 vertices · 1,000 stake and 1 vertex · 3,000 stake: one half of 101 coins each.
    const half = (101n * COIN) / 2n;
    expect(chain.ledger.stats().supplyUnits).toBe(before + 100n * COIN);
    const id = payoutId(chain.start.genesisId, 0);
    for (const [index, { owner }] of chain.validators.entries()) {
      const page = coinsPageCodec.decode(chain.ledger.coins(owner.address, { limit: 10 }));
      expect(page.coins).toEqual([{ txid: id, index, amount: half, height: block.height }]);
      const lines = historyPageCodec.decode(
        chain.ledger.history(owner.address, { first: 0n, limit: 10 }),
      );
      expect(lines.entries).toEqual([
        { height: block.height, position: 0, txid: id, received: half, spent: 0n },
      ]);
    }
    expect(chain.ledger.validators(0).map(({ rewards }) => rewards)).toEqual([half, half]);
  });

  test('a share below dust stays with the fees', () => {
    begin({ stakes: [1_000n * COIN, 1_000n * COIN] });
    const fee = 10_000n;
    chain.block([chain.pay('alice', chain.genesisCoin('alice'), 'bob', COIN, fee).bytes], {
      rewards: [1, 19],
    });
    endEpoch({ rewards: [0, 0] });
    const [first, second] = chain.validators.map(({ owner }) =>
      coinsPageCodec.decode(chain.ledger.coins(owner.address, { limit: 10 })),
    );
    expect(first?.coins).toEqual([]);
    expect(second?.coins.map(({ amount }) => amount)).toEqual([9_500n]);
  });

  test('the board shows what would be paid now', () => {
    begin({ params: { epochReward: 40n * COIN } });
    chain.block([], { rewards: [1, 1, 1, 1] });
    chain.certify();
    chain.ledger.recordCosigning({ epoch: 0, size: 2n, matched: [0, 1, 2], mismatched: [3] });
    expect(chain.ledger.validators()).toMatchObject([
      { name: 'val-0', active: true, rounds: 1n, rewards: 10n * COIN, cosigned: 1n },
      { name: 'val-1', checkpoints: 1n, cosigned: 1n, mismatched: 0n },
      { name: 'val-2' },
      { name: 'val-3', checkpoints: 1n, cosigned: 0n, mismatched: 1n },
    ]);
  });
});

describe('stake', () => {
  test('a bond counts from the next epoch', () => {
    begin({ people: OWNERS });
    const coin = chain.genesisCoin('val-0 owner');
    const { bytes } = chain.sign({
      from: [chain.person('val-0 owner')],
      inputs: [coin],
      outputs: [],
      actions: [{ kind: 'bond', validator: 'val-0', amount: 500n * COIN }],
    });
    chain.block([bytes]);
    expect(stakes()['val-0']).toBe(1_000n);
    endEpoch();
    expect(stakes()['val-0']).toBe(1_500n);
  });

  test('less than a third of the stake joins in one epoch, the rest in the next', () => {
    begin({ people: OWNERS });
    const { bytes } = chain.sign({
      from: [chain.person('val-0 owner')],
      inputs: [chain.genesisCoin('val-0 owner')],
      outputs: [],
      actions: [{ kind: 'bond', validator: 'val-0', amount: 2_000n * COIN }],
    });
    chain.block([bytes]);
    endEpoch();
    // A third of 4,000 coins, less one unit.
    expect(chain.ledger.epoch().validators.validators[0]?.stake).toBe(
      1_000n * COIN + (4_000n * COIN - 1n) / 3n,
    );
    endEpoch();
    expect(stakes()['val-0']).toBe(3_000n);
  });

  test('unbonded stake leaves the set at once and comes back after the unbonding time', () => {
    begin({ people: OWNERS, params: { unbondingEpochs: 2, trustingPeriodMillis: 1_000n } });
    const { bytes } = chain.sign({
      from: [chain.person('val-1 owner')],
      inputs: [chain.genesisCoin('val-1 owner')],
      outputs: [],
      actions: [{ kind: 'unbond', validator: 'val-1', amount: 1_000n * COIN }],
    });
    chain.block([bytes]);
    endEpoch();
    expect(Object.keys(stakes())).toEqual(['val-0', 'val-2', 'val-3']);
    expect(record('val-1')?.unbondings).toEqual([{ epoch: 2, amount: 1_000n * COIN }]);
    const owner = chain.person('val-1 owner').address;
    endEpoch();
    expect(record('val-1')?.unbondings).toHaveLength(1);
    endEpoch();
    const { coins } = coinsPageCodec.decode(chain.ledger.coins(owner, { limit: 9 }));
    expect(coins.map(({ amount }) => amount)).toContain(1_000n * COIN);
    expect(record('val-1')?.unbondings).toEqual([]);
  });

  test('a new validator registers, bonds, and is in the next set', () => {
    begin({ people: OWNERS });
    const { genesisId } = chain.start;
    const { registration, owner } = testValidator('val-4', 0n, genesisId, signNatively);
    const register = (name: string) => ({
      from: [owner],
      inputs: [chain.genesisCoin('val-4 owner')],
      outputs: [],
      actions: [
        { kind: 'register' as const, registration: { ...registration, name } },
        { kind: 'bond' as const, validator: name, amount: 1_200n * COIN },
      ],
    });
    // Proofs of possession name the validator: under another name they are worth nothing.
    const stolen = chain.block([chain.sign(register('val-5')).bytes]);
    expect(stolen.outcomes).toMatchObject([{ code: 'transaction/bad-signature' }]);
    const taken = chain.block([chain.sign(register('val-4')).bytes]);
    expect(taken.outcomes).toMatchObject([{ kind: 'included' }]);
    expect(endEpoch().nextValidators?.validators).toHaveLength(5);
    expect(stakes()['val-4']).toBe(1_200n);
  });

  test('one that retires leaves with all its stake, and for good', () => {
    begin({ people: OWNERS });
    const retire = chain.sign({
      from: [chain.person('val-2 owner')],
      inputs: [chain.genesisCoin('val-2 owner')],
      outputs: [{ amount: COIN, address: chain.person('val-2 owner').address }],
      actions: [{ kind: 'retire', validator: 'val-2' }],
    });
    chain.block([retire.bytes]);
    endEpoch();
    expect(stakes()['val-2']).toBeUndefined();
    expect(record('val-2')).toMatchObject({ stake: 0n, retired: true });
    const bond = chain.sign({
      from: [chain.person('val-2 owner')],
      inputs: [{ txid: retire.txid, index: 0 }],
      outputs: [],
      actions: [{ kind: 'bond', validator: 'val-2', amount: COIN / 2n }],
    });
    const { outcomes } = chain.block([bond.bytes]);
    expect(outcomes).toMatchObject([{ code: 'transaction/validator-retired' }]);
  });

  test('the last validator stays', () => {
    begin({ people: OWNERS, stakes: [1_000n * COIN] });
    const { bytes } = chain.sign({
      from: [chain.person('val-0 owner')],
      inputs: [chain.genesisCoin('val-0 owner')],
      outputs: [],
      actions: [{ kind: 'retire', validator: 'val-0' }],
    });
    chain.block([bytes]);
    endEpoch();
    expect(stakes()).toEqual({ 'val-0': 1_000n });
  });

  test('a full set takes a larger validator in place of its smallest', () => {
    begin({ people: OWNERS, params: { maxValidators: 4 } });
    const { genesisId } = chain.start;
    const { registration, owner } = testValidator('val-4', 0n, genesisId, signNatively);
    const join = (amount: bigint) =>
      chain.sign({
        from: [owner],
        inputs: [chain.genesisCoin('val-4 owner')],
        outputs: [],
        actions: [
          { kind: 'register', registration },
          { kind: 'bond', validator: 'val-4', amount },
        ],
      });
    // It would displace 1,000 of 4,000 coins and bring more itself: above a third together.
    chain.block([join(1_100n * COIN).bytes]);
    endEpoch();
    expect(Object.keys(stakes())).toEqual(['val-0', 'val-1', 'val-2', 'val-3']);
    expect(record('val-4')?.stake).toBe(1_100n * COIN);
  });
});

describe('slashing', () => {
  test('two vertices in one slot cost stake and two epochs, once', () => {
    begin({ params: { slashPermille: 100, jailEpochs: 1 } });
    const before = chain.ledger.stats().supplyUnits;
    chain.block([], { equivocators: [1, 1] });
    chain.block([], { equivocators: [1] });
    chain.certify();
    expect(record('val-1')).toMatchObject({
      stake: 900n * COIN,
      jailedUntil: 2,
      accountableFromEpoch: 1,
    });
    expect(chain.ledger.stats().supplyUnits).toBe(before - 100n * COIN);
    endEpoch();
    expect(stakes()['val-1']).toBeUndefined();
    endEpoch();
    // Out of jail, and below the minimum stake of a thousand coins.
    expect(stakes()['val-1']).toBeUndefined();
  });

  test('whoever brings two cosignatures of one size convicts the cosigner, once', () => {
    begin({ people: OWNERS, params: { slashPermille: 100 } });
    const cosign = (text: string) => {
      const root = sha256(utf8(text));
      const message = cosignatureMessage({ origin: chain.start.origin, size: 2n, root }, 7n);
      const seed = chain.validators[2]?.seeds.checkpoint as Uint8Array;
      return { root, time: 7n, signature: signNatively(message, seed) };
    };
    const offence = cosignatureOffence('val-2', 2n, cosign('a'), cosign('b'));
    const accuse = (name: string, guilty = offence) =>
      chain.sign({
        from: [chain.person(name)],
        inputs: [chain.genesisCoin(name)],
        outputs: [],
        actions: [{ kind: 'evidence', offence: guilty }],
      });
    const forged = { ...offence, first: { ...offence.first, time: 8n } } as typeof offence;
    const outcomes = [
      // The log has one header: nobody can have cosigned two of them yet.
      chain.block([accuse('val-0 owner').bytes]),
      chain.block([accuse('val-0 owner', { ...offence, validator: 'val-3' }).bytes]),
      chain.block([accuse('val-0 owner', forged).bytes]),
      chain.block([accuse('val-0 owner').bytes]),
      chain.block([accuse('val-1 owner').bytes]),
    ].map(({ outcomes: [outcome] }) => (outcome as { code?: string }).code ?? outcome?.kind);
    expect(outcomes).toEqual([
      'transaction/evidence',
      'transaction/evidence',
      'transaction/evidence',
      'included',
      'transaction/evidence',
    ]);
    chain.certify();
    expect(record('val-2')?.stake).toBe(900n * COIN);
    expect(record('val-2')?.accountableFromSize).toBe(5n);
  });

  test('when all are jailed the set goes on as it is', () => {
    begin({ params: { slashPermille: 1 } });
    chain.block([], { equivocators: [0, 1, 2, 3] });
    endEpoch();
    expect(Object.keys(stakes())).toHaveLength(4);
  });
});

describe('epochs', () => {
  test('a light client follows from the genesis over every epoch', async () => {
    begin();
    for (let epoch = 0; epoch < 5; epoch++) {
      chain.block();
      chain.certify();
      endEpoch();
    }
    const trust = trustGenesis(chain.genesis, chain.start);
    const bytes = chain.ledger.update(1n);
    if (bytes === null) throw new Error('there is an update');
    const now = chain.ledger.tip().header.time;
    const { state, verdict } = await follow(trust, updateCodec.decode(bytes), {
      now,
      verify: verifyBatch,
    });
    expect(verdict.kind).toBe('fresh');
    expect(trustedTip(state).size).toBe(chain.ledger.certifiedTip().size);
  });

  test('a light client goes on from every header, the last of an epoch, too', async () => {
    begin();
    let state = trustGenesis(chain.genesis, chain.start);
    for (let block = 1; block <= 12; block++) {
      if (block % 3 === 0) endEpoch();
      else chain.block();
      chain.certify();
      const bytes = chain.ledger.update(trustedTip(state).size);
      if (bytes === null) throw new Error('there is an update');
      const { time: now } = chain.ledger.tip().header;
      ({ state } = await follow(state, updateCodec.decode(bytes), { now, verify: verifyBatch }));
      expect(trustedTip(state).size).toBe(chain.ledger.certifiedTip().size);
    }
    expect(state.header.epoch).toBe(3);
  });

  test('blocks are taken back over the end of an epoch, and executed again', () => {
    begin({ people: OWNERS, params: { epochReward: 40n * COIN } });
    const { bytes } = chain.sign({
      from: [chain.person('val-0 owner')],
      inputs: [chain.genesisCoin('val-0 owner')],
      outputs: [],
      actions: [{ kind: 'bond', validator: 'val-0', amount: 100n * COIN }],
    });
    chain.block();
    chain.certify();
    const before = { tip: chain.ledger.tip(), epoch: chain.ledger.epoch(), stats: countsOf() };
    const again = () => [
      chain.block([bytes], { equivocators: [3] }),
      chain.block([], { last: true }),
      chain.block(),
    ];
    const first = again().map(({ header }) => header);
    expect(chain.ledger.epoch().epoch).toBe(1);
    expect(chain.ledger.discardUncertified()).toEqual(before.tip);
    expect(chain.ledger.epoch()).toEqual(before.epoch);
    expect(countsOf()).toEqual(before.stats);
    chain.reopen();
    expect(again().map(({ header }) => header)).toEqual(first);
  });

  test('the parameters in force stand in the state', () => {
    begin({ params: { dust: 777n } });
    expect(paramsCodec.decode(chain.ledger.info().params).dust).toBe(777n);
  });

  test('a block of an epoch that has ended, or out of turn, is refused', () => {
    begin();
    const input = chain.input([]);
    expect(() => chain.ledger.execute({ ...input, height: 2n })).toThrow(
      expect.objectContaining({ code: 'ledger/height' }),
    );
    expect(() => chain.ledger.execute({ ...input, epoch: 1 })).toThrow(
      expect.objectContaining({ code: 'ledger/height' }),
    );
    expect(chain.height).toBe(0n);
  });
});
