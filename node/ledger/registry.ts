/**
 * The registry: the validators and the running epoch's accounts, and what the actions of
 * transactions do to them (docs/protocol.md §3.6).
 *
 * A draft holds the changes of a block, or of one transaction, over what was before. Dropping it
 * undoes them.
 */
import type { EpochState } from 'fanal/chain/epoch-state.ts';
import type { Params } from 'fanal/chain/params.ts';
import type { Readiness } from 'fanal/chain/readiness.ts';
import type { ValidatorRecord } from 'fanal/chain/validator-record.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import { assert } from 'fanal/primitives/assert.ts';
import { type Bytes, toHex } from 'fanal/primitives/bytes.ts';

/** The registry after some block. */
export interface Registry {
  readonly params: Params;
  readonly epoch: EpochState;
  /** What validators said that they are ready for; null while none did. */
  readonly readiness: Readiness | null;
  /** The set of the running epoch. */
  readonly set: ValidatorSet;
  /** Every validator that ever registered, by name. */
  readonly records: ReadonlyMap<string, ValidatorRecord>;
  /** Every key of theirs, in hex. */
  readonly keys: ReadonlySet<string>;
}

/** What a draft builds on: a registry, or another draft. */
interface Base {
  record(name: string): ValidatorRecord | undefined;
  hasKey(key: string): boolean;
  readonly epoch: EpochState;
  readonly readiness: Readiness | null;
}

export class RegistryDraft implements Base {
  params: Params;
  readonly set: ValidatorSet;
  epoch: EpochState;
  readiness: Readiness | null;
  readonly #base: Base;
  readonly #changed = new Map<string, ValidatorRecord>();
  readonly #keys = new Set<string>();

  constructor(params: Params, set: ValidatorSet, base: Base) {
    this.params = params;
    this.set = set;
    this.#base = base;
    this.epoch = base.epoch;
    this.readiness = base.readiness;
  }

  static of(registry: Registry): RegistryDraft {
    return new RegistryDraft(registry.params, registry.set, {
      record: (name) => registry.records.get(name),
      hasKey: (key) => registry.keys.has(key),
      epoch: registry.epoch,
      readiness: registry.readiness,
    });
  }

  /** A draft over this one, for the actions of one transaction. */
  fork(): RegistryDraft {
    return new RegistryDraft(this.params, this.set, this);
  }

  /** Takes over what a fork changed. */
  join(fork: RegistryDraft): void {
    for (const record of fork.changed()) this.put(record);
    this.epoch = fork.epoch;
    this.readiness = fork.readiness;
  }

  record(name: string): ValidatorRecord | undefined {
    return this.#changed.get(name) ?? this.#base.record(name);
  }

  hasKey(key: string): boolean {
    return this.#keys.has(key) || this.#base.hasKey(key);
  }

  put(record: ValidatorRecord): void {
    this.#changed.set(record.name, record);
    for (const key of keysOf(record)) this.#keys.add(key);
  }

  /** Changes some fields of a record that exists. */
  change(name: string, fields: Partial<ValidatorRecord>): void {
    const record = this.record(name);
    assert(record !== undefined, `validator ${name} is registered`);
    this.put({ ...record, ...fields });
  }

  /** Records that differ from the base, each once, in the order of their first change. */
  changed(): Iterable<ValidatorRecord> {
    return this.#changed.values();
  }
}

/** The three keys of a validator in hex. */
export function keysOf({
  vertexKey,
  checkpointKey,
  networkKey,
}: Pick<ValidatorRecord, 'vertexKey' | 'checkpointKey' | 'networkKey'>): string[] {
  return [vertexKey, checkpointKey, networkKey].map((key: Bytes) => toHex(key));
}

/** The registry with a draft's changes. */
export function applyDraft(registry: Registry, draft: RegistryDraft, set: ValidatorSet): Registry {
  const changed = [...draft.changed()];
  const records = changed.length === 0 ? registry.records : new Map(registry.records);
  const keys = changed.length === 0 ? registry.keys : new Set(registry.keys);
  for (const record of changed) {
    (records as Map<string, ValidatorRecord>).set(record.name, record);
    for (const key of keysOf(record)) (keys as Set<string>).add(key);
  }
  const { params, epoch, readiness } = draft;
  return { params, epoch, readiness, set, records, keys };
}

/** The lesser of two amounts. */
export function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** The greater of two amounts. */
export function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
