/**
 * Makes the state in memory again from what is on disk: the registry, and the state map as of every
 * height of the window.
 */
import { type AddressRecord, addressRecordCodec } from 'fanal/chain/address-record.ts';
import { epochStateCodec } from 'fanal/chain/epoch-state.ts';
import { paramsCodec } from 'fanal/chain/params.ts';
import { EPOCH_KEY, PARAMETERS_KEY } from 'fanal/chain/state-keys.ts';
import { type ValidatorRecord, validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import type { MapChange } from 'fanal/merkle/map-tree.ts';
import { assert } from 'fanal/primitives/assert.ts';
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import { recordOf, textOf, type VersionRow } from './account-store.ts';
import { nativeMapHasher, nativeSha256 } from './native-hash.ts';
import { keysOf, type Registry } from './registry.ts';
import { StateTree } from './state-tree.ts';
import type { Tables } from './tables.ts';

/** Reads the registry as of the newest block. */
export function loadRegistry({ records }: Tables, set: ValidatorSet): Registry {
  const byName = new Map<string, ValidatorRecord>();
  const keys = new Set<string>();
  for (const { key, value } of records.all()) {
    if (equalBytes(key, PARAMETERS_KEY) || equalBytes(key, EPOCH_KEY)) continue;
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
    set,
    records: byName,
    keys,
  };
}

/** The entry of an address in the state map; a record without history has none. */
export function addressChange(stateKey: Hash, record: AddressRecord): MapChange {
  if (record.historySize === 0n) return { key: stateKey, valueHash: null };
  return { key: stateKey, valueHash: nativeSha256(addressRecordCodec.encode(record)) };
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
  const addresses = versionsById(tables.accounts.versionsFrom(oldest + 1n));
  const records = recordVersions(tables, oldest + 1n);
  const changesByHeight = new Map<bigint, MapChange[]>();
  const changeAt = (height: bigint, change: MapChange) => {
    const changes = changesByHeight.get(height) ?? [];
    changesByHeight.set(height, changes);
    changes.push(change);
  };

  function* leaves(): Generator<MapChange> {
    for (const { id, account } of tables.accounts.all(tables.database.client)) {
      const versions = addresses.get(id);
      if (versions === undefined) {
        yield addressChange(account.stateKey, account.record);
        continue;
      }
      versions.forEach(({ height }, i) => {
        const next = versions[i + 1];
        const record = next === undefined ? account.record : recordOf(next);
        changeAt(height, addressChange(account.stateKey, record));
      });
      yield addressChange(account.stateKey, recordOf(versions[0] as VersionRow));
    }
    for (const { key, value } of tables.records.all()) {
      const versions = records.get(textOf(key)) ?? [];
      versions.forEach(({ height }, i) => {
        const next = versions[i + 1];
        changeAt(height, recordChange(key, next === undefined ? value : next.value));
      });
      const first = versions[0];
      yield recordChange(key, first === undefined ? value : first.value);
    }
  }

  const tree = new StateTree(oldest, leaves(), nativeMapHasher);
  for (let height = oldest + 1n; height <= newest; height++) {
    tree.append(height, changesByHeight.get(height) ?? []);
  }
  return tree;
}

/** What each address was before the blocks that changed it, oldest first. */
function versionsById(rows: readonly VersionRow[]): Map<number, VersionRow[]> {
  const byId = new Map<number, VersionRow[]>();
  for (const row of rows) {
    const versions = byId.get(row.addressId);
    if (versions === undefined) byId.set(row.addressId, [row]);
    else versions.push(row);
  }
  return byId;
}

function recordVersions({ records }: Tables, from: bigint) {
  const byKey = new Map<string, { height: bigint; value: Bytes | null }[]>();
  for (const { height, key, value } of records.versionsFrom(from)) {
    const versions = byKey.get(textOf(key));
    if (versions === undefined) byKey.set(textOf(key), [{ height, value }]);
    else versions.push({ height, value });
  }
  return byKey;
}
