/**
 * Ends of epochs over random registries: units are conserved, the set never jumps, nobody's stake is
 * counted twice.
 */

import type { Params } from 'fanal/chain/params.ts';
import { LOCAL_PARAMS } from 'fanal/chain/params-presets.ts';
import type { ValidatorRecord } from 'fanal/chain/validator-record.ts';
import { validatorSet } from 'fanal/chain/validators.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { convictEquivocators } from '../../../node/ledger/actions.ts';
import { cutEpoch } from '../../../node/ledger/epoch-cut.ts';
import { type Registry, RegistryDraft } from '../../../node/ledger/registry.ts';

const MIN = 1_000n;
const EPOCH = 10;
const GENESIS = sha256(utf8('genesis')) as Bytes32;

interface Sketch {
  readonly inSet: boolean;
  readonly stake: number;
  readonly bond: number;
  readonly unbond: number;
  readonly retired: boolean;
  readonly jailed: boolean;
  readonly due: number;
  readonly guilty: boolean;
  readonly committed: number;
}

const sketch: fc.Arbitrary<Sketch> = fc.record({
  inSet: fc.boolean(),
  stake: fc.integer({ min: 1_000, max: 9_000 }),
  bond: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20_000 })),
  unbond: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9_000 })),
  retired: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  jailed: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  due: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 500 })),
  guilty: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
  committed: fc.nat(50),
});

function registryOf(sketches: readonly Sketch[], fees: bigint, maxValidators: number): Registry {
  const params: Params = {
    ...LOCAL_PARAMS,
    ...{ minStake: MIN, dust: 10n, maxValidators, epochReward: 500n, slashPermille: 100 },
    ...{ unbondingEpochs: 4, jailEpochs: 2 },
  };
  const key = (name: string) => sha256(utf8(name));
  const records = sketches.map((each, i): ValidatorRecord => {
    const name = `val-${i}`;
    return {
      name,
      vertexKey: key(`${name} v`),
      checkpointKey: key(`${name} c`),
      networkKey: key(`${name} n`),
      owner: new Uint8Array(33).fill(i) as AddressBytes,
      addresses: [],
      stake: BigInt(each.stake),
      pendingBond: BigInt(each.bond),
      pendingUnbond: BigInt(Math.min(each.unbond, each.stake)),
      retired: each.retired,
      unbondings: each.due === 0 ? [] : [{ epoch: EPOCH, amount: BigInt(each.due) }],
      jailedUntil: each.jailed && !each.inSet && i > 0 ? EPOCH + 5 : 0,
      accountableFromEpoch: 0,
      accountableFromSize: 0n,
    };
  });
  const members = records.filter((_, i) => i === 0 || sketches[i]?.inSet).slice(0, maxValidators);
  const set = validatorSet(members);
  const held = records.reduce((sum, record) => sum + unitsOf(record), 0n);
  return {
    params,
    set,
    readiness: null,
    epoch: {
      ...{ epoch: EPOCH, startTime: 0n, fees },
      supply: held + fees + 1_000_000n,
      committed: set.validators.map(({ name }) =>
        BigInt(sketches[Number(name.slice(4))]?.committed ?? 0),
      ),
    },
    records: new Map(records.map((record) => [record.name, record])),
    keys: new Set(),
  };
}

function unitsOf({ stake, pendingBond, unbondings }: ValidatorRecord): bigint {
  return unbondings.reduce((sum, { amount }) => sum + amount, stake + pendingBond);
}

function cut(registry: Registry, guilty: readonly number[]) {
  const draft = RegistryDraft.of(registry);
  convictEquivocators(draft, guilty, 99n);
  const names = [...registry.records.keys()].sort();
  const result = cutEpoch(draft, names, GENESIS, 1_000n);
  const records = names.map((name) => draft.record(name) as ValidatorRecord);
  return { draft, records, ...result };
}

const scene = fc.record({
  sketches: fc.array(sketch, { minLength: 1, maxLength: 12, size: 'max' }),
  fees: fc.bigInt(0n, 100_000n),
  maxValidators: fc.integer({ min: 1, max: 12 }),
});

describe('the end of an epoch', () => {
  test('conserves every unit', () => {
    fc.assert(
      fc.property(scene, ({ sketches, fees, maxValidators }) => {
        const registry = registryOf(sketches, fees, maxValidators);
        const guilty = registry.set.validators.flatMap(({ name }, i) =>
          sketches[Number(name.slice(4))]?.guilty ? [i] : [],
        );
        const { draft, records, payouts } = cut(registry, guilty);
        const held = records.reduce((sum, record) => sum + unitsOf(record), 0n);
        const paid = payouts.reduce((sum, { amount }) => sum + amount, 0n);
        // What the sketch put elsewhere, as coins, stays; payouts become coins.
        expect(held + paid + draft.epoch.fees + 1_000_000n).toBe(draft.epoch.supply);
        for (const { amount } of payouts) expect(amount).toBeGreaterThan(0n);
      }),
      { numRuns: 300 },
    );
  });

  test('changes less than a third of the stake, but for those that must leave', () => {
    fc.assert(
      fc.property(scene, ({ sketches, fees, maxValidators }) => {
        const registry = registryOf(sketches, fees, maxValidators);
        const { next } = cut(registry, []);
        const before = new Map(registry.set.validators.map(({ name, stake }) => [name, stake]));
        const after = new Map(next.validators.map(({ name, stake }) => [name, stake]));
        let changed = 0n;
        for (const name of new Set([...before.keys(), ...after.keys()])) {
          const difference = (after.get(name) ?? 0n) - (before.get(name) ?? 0n);
          changed += difference < 0n ? -difference : difference;
        }
        expect(3n * changed).toBeLessThan(registry.set.totalStake);
      }),
      { numRuns: 300 },
    );
  });

  test('makes a set of those who may be in it, with no more than they have bonded', () => {
    fc.assert(
      fc.property(scene, ({ sketches, fees, maxValidators }) => {
        const registry = registryOf(sketches, fees, maxValidators);
        const guilty = registry.set.validators.flatMap(({ name }, i) =>
          sketches[Number(name.slice(4))]?.guilty ? [i] : [],
        );
        const { next, draft } = cut(registry, guilty);
        if (next === registry.set) return;
        expect(next.validators.length).toBeLessThanOrEqual(maxValidators);
        for (const { name, stake } of next.validators) {
          const record = draft.record(name) as ValidatorRecord;
          expect(stake).toBeLessThanOrEqual(record.stake);
          expect(stake).toBeGreaterThanOrEqual(MIN);
          expect(record.jailedUntil).toBeLessThanOrEqual(EPOCH + 1);
        }
        for (const { stake, pendingUnbond, unbondings } of registry.records.values()) {
          expect(pendingUnbond).toBeLessThanOrEqual(stake);
          expect(unbondings.length).toBeLessThanOrEqual(32);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('comes to rest: without new wishes the set stops changing', () => {
    fc.assert(
      fc.property(scene, ({ sketches, maxValidators }) => {
        let registry = registryOf(sketches, 0n, maxValidators);
        let changes = 0;
        for (let epoch = 0; epoch < 60; epoch++) {
          const { draft, next, records } = cut(registry, []);
          changes = Buffer.from(next.hash).equals(Buffer.from(registry.set.hash)) ? 0 : epoch;
          const byName = new Map(records.map((record) => [record.name, record]));
          registry = { ...registry, epoch: draft.epoch, set: next, records: byName };
        }
        expect(changes).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
