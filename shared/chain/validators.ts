/**
 * The validators of an epoch: who may sign, and with how much stake (docs/protocol.md §2.5).
 *
 * A set is ordered by name, and a validator's place in it is its index wherever the epoch's
 * messages name an author or a cosigner. The set's hash stands in every header it signs.
 */
import type { AddressBytes } from '../crypto/address.ts';
import { equalBytes, toHex } from '../primitives/bytes.ts';
import { type Codec, codec, Writer } from '../primitives/codec.ts';
import { DecodeError } from '../primitives/errors.ts';
import { type Hash, taggedHash } from '../primitives/hash.ts';
import { type Field, listOf, struct, u64 } from '../primitives/struct.ts';
import { addressField } from './address-codec.ts';
import { MAX_SUPPLY, MAX_VALIDATORS } from './limits.ts';
import { keyFields, type ValidatorKeys } from './registration.ts';
import { isValidatorName, nameField } from './text.ts';

export interface Validator extends ValidatorKeys {
  readonly name: string;
  /** Units, at least 1. */
  readonly stake: bigint;
  readonly owner: AddressBytes;
}

export interface ValidatorSet {
  /** Ascending by name; the index of a validator is its place here. */
  readonly validators: readonly Validator[];
  readonly totalStake: bigint;
  /** H(validator-set, encoded set). */
  readonly hash: Hash;
}

const MIN_ENTRY_BYTES = 2 + 1 + 8 + 96 + 33;
const MAX_SET_BYTES = 2 + MAX_VALIDATORS * (2 + 32 + 8 + 96 + 33);

const validatorCodec: Codec<Validator> = /* @__PURE__ */ struct('validator', 256, {
  name: nameField,
  stake: u64,
  ...keyFields,
  owner: addressField,
});

const entriesField: Field<readonly Validator[]> = /* @__PURE__ */ listOf(
  MAX_VALIDATORS,
  MIN_ENTRY_BYTES,
  validatorCodec,
);

/**
 * Makes a set of its validators, in whatever order they come.
 *
 * @throws {DecodeError} `validators/empty`, `/name`, `/stake`, `/keys` when they cannot form one
 */
export function validatorSet(validators: readonly Validator[]): ValidatorSet {
  return checked(validators.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)));
}

export const validatorSetCodec: Codec<ValidatorSet> = /* @__PURE__ */ codec(
  'validator set',
  MAX_SET_BYTES,
  (writer, set) => entriesField.write(writer, set.validators),
  (reader) => checked(entriesField.read(reader)),
);

/** The index of the validator with this name, or −1. */
export function validatorIndex(set: ValidatorSet, name: string): number {
  return set.validators.findIndex((validator) => validator.name === name);
}

/** Says whether two sets are the same. */
export function sameSet(a: ValidatorSet, b: ValidatorSet): boolean {
  return equalBytes(a.hash, b.hash);
}

/** Requires ascending names, positive stakes, and 3n distinct keys. */
function checked(validators: readonly Validator[]): ValidatorSet {
  if (validators.length === 0 || validators.length > MAX_VALIDATORS) {
    throw new DecodeError(
      'validators/count',
      `expected 1 to ${MAX_VALIDATORS} validators, found ${validators.length}`,
    );
  }
  let totalStake = 0n;
  let previous = '';
  const keys = new Set<string>();
  for (const validator of validators) {
    const { name, stake } = validator;
    if (!isValidatorName(name) || name <= previous) {
      throw new DecodeError(
        'validators/name',
        `expected ascending distinct names, found ${JSON.stringify(name)}`,
      );
    }
    if (stake < 1n || stake > MAX_SUPPLY) {
      throw new DecodeError('validators/stake', `${name}: stake ${stake} is out of range`);
    }
    for (const key of [validator.vertexKey, validator.checkpointKey, validator.networkKey]) {
      const text = toHex(key);
      if (keys.has(text)) throw new DecodeError('validators/keys', `${name}: a key is used twice`);
      keys.add(text);
    }
    previous = name;
    totalStake += stake;
  }
  if (totalStake > MAX_SUPPLY) {
    throw new DecodeError('validators/stake', `the stakes sum to ${totalStake}`);
  }
  const writer = new Writer();
  entriesField.write(writer, validators);
  const hash = taggedHash('fanal/validator-set/v1', writer.finish());
  return { validators, totalStake, hash };
}
