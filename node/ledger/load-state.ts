/**
 * Makes the state in memory again from what is on disk: the registry, and the state map as of every
 * height of the window.
 */
import type { AddressRecord } from 'fanal/chain/address-record.ts';
import { epochStateCodec } from 'fanal/chain/epoch-state.ts';
import { paramsCodec } from 'fanal/chain/params.ts';
import { type Readiness, readinessCodec } from 'fanal/chain/readiness.ts';
import { EPOCH_KEY, PARAMETERS_KEY, READINESS_KEY } from 'fanal/chain/state-keys.ts';
import { type ValidatorRecord, validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import type { MapChange } from 'fanal/merkle/map-tree.ts';
import { assert } from 'fanal/primitives/assert.ts';
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { textOf } from './byte-text.ts';
import { nativeMapHasher, nativeSha256 } from './native-hash.ts';
import { recordBytes, recordFrom } from './record-bytes.ts';
import { keysOf, type Registry } from './registry.ts';
import { StateTree } from './state-tree.ts';
import type { Tables } from './tables.ts';

/** Reads the registry as of the newest block. */
export function loadRegistry({ records }: Tables, set: ValidatorSet): Registry {
  const byName = new Map<string, ValidatorRecord>();
  const keys = new Set<string>();
  for (const { key, value } of records.all()) {
    if (isOfChain(key)) continue;
    const record = validatorRecordCodec.decode(value);
    byName.set(record.name, record);
    for (const text of keysOf(record)) keys.add(text);
  }
  const params = records.get(PARAMETERS_KEY);
  const epoch = records.get(EPOCH_KEY);
  assert(params !== null && epoch !== null, 'the state has parameters and an epoch');
  return {
    params: paramsCodec.decode(params),
    epoch: epochStateCodec.decode(epoch),
    readiness: readReadiness(records),
    set,
    records: byName,
    keys,
  };
}

/** Says whether a record is the chain's own, and no validator's. */
export function isOfChain(key: Bytes): boolean {
  return [PARAMETERS_KEY, EPOCH_KEY, READINESS_KEY].some((known) => equalBytes(key, known));
}

function readReadiness(records: Tables['records']): Readiness | null {
  const value = records.get(READINESS_KEY);
  return value === null ? null : readinessCodec.decode(value);
}

/** The entry of an address in the state map; a record without history has none. */
export function addressChange(stateKey: Hash, record: AddressRecord): MapChange {
  if (record.historySize === 0n) return { key: stateKey, valueHash: null };
  return { key: stateKey, valueHash: nativeSha256(recordBytes(record)) };
}

/** The entry of another record in the state map; null takes it out. */
export function recordChange(key: Bytes, value: Bytes | null): MapChange {
  return { key: key as Hash, valueHash: value === null ? null : nativeSha256(value) };
}

/**
 * Builds the state map as of `oldest` from today's leaves and what blocks have replaced since, then
 * takes those blocks' changes again, so that every height from there on can be proved.
 */
export function loadStateTree(tables: Tables, oldest: bigint, newest: bigint): StateTree {
  const { accounts, database, records, undo } = tables;
  // Going down from today: what each changed record was before, and thus after the block below.
  const addresses = new Map<number, AddressRecord>();
  const others = new Map<string, Bytes | null>();
  const changedAt = new Map<
    bigint,
    { accounts: [number, AddressRecord | null][]; records: After[] }
  >();
  for (let height = newest; height > oldest; height--) {
    const block = undo.of(height);
    const after = { accounts: [] as [number, AddressRecord | null][], records: [] as After[] };
    for (const id of block.accounts()) {
      after.accounts.push([id, addresses.get(id) ?? null]);
      addresses.set(id, block.account(id) as AddressRecord);
    }
    for (const { key, value } of block.records) {
      const text = textOf(key);
      after.records.push({ key, value: others.has(text) ? (others.get(text) ?? null) : undefined });
      others.set(text, value);
    }
    changedAt.set(height, after);
  }

  const current = new Map<number, { key: Hash; record: AddressRecord }>();
  function* leaves(): Generator<MapChange> {
    for (const { id, stateKey, record } of accounts.records(database.client)) {
      const before = addresses.get(id);
      if (before === undefined) {
        yield { key: stateKey, valueHash: nativeSha256(record) };
        continue;
      }
      current.set(id, { key: stateKey, record: recordFrom(record) });
      yield addressChange(stateKey, before);
    }
    for (const { key, value } of records.all()) {
      const text = textOf(key);
      yield recordChange(key, others.has(text) ? (others.get(text) ?? null) : value);
    }
  }

  const tree = new StateTree(oldest, leaves(), nativeMapHasher);
  for (let height = oldest + 1n; height <= newest; height++) {
    const after = changedAt.get(height) as NonNullable<ReturnType<typeof changedAt.get>>;
    tree.append(height, [
      ...after.accounts.map(([id, record]) => {
        const now = current.get(id) as { key: Hash; record: AddressRecord };
        return addressChange(now.key, record ?? now.record);
      }),
      ...after.records.map(({ key, value }) =>
        recordChange(key, value === undefined ? records.get(key) : value),
      ),
    ]);
  }
  return tree;
}

/** A record after a block; undefined: it is that still. */
interface After {
  readonly key: Bytes;
  readonly value: Bytes | null | undefined;
}
