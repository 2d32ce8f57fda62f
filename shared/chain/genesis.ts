/**
 * Where a chain begins: its name, its parameters, its first validators and its first coins
 * (docs/protocol.md §6.5).
 *
 * The genesis file is sealed once. Its hash stands in header 0, and the id of header 0 is the
 * genesis id, which every transaction, vertex and origin of the chain carries.
 */
import type { AddressBytes, AddressPrefix } from '../crypto/address.ts';
import { compareBytes } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { FanalError } from '../primitives/errors.ts';
import { type Hash, taggedHash } from '../primitives/hash.ts';
import { listOf, struct, u64 } from '../primitives/struct.ts';
import { addressField, prefixField } from './address-codec.ts';
import {
  MAX_DOMAIN_BYTES,
  MAX_GENESIS_BALANCES,
  MAX_GENESIS_BYTES,
  MAX_NETWORK_BYTES,
  MAX_SUPPLY,
  MAX_VALIDATORS,
} from './limits.ts';
import { isDomain, isNetwork } from './origin.ts';
import { type Params, paramsCodec } from './params.ts';
import { checkParams } from './params-check.ts';
import { type Registration, registrationCodec } from './registration.ts';
import { text } from './text.ts';
import { type ValidatorSet, validatorSet } from './validators.ts';

/** A validator of epoch 0, with the stake it begins with. */
export interface GenesisValidator {
  readonly registration: Registration;
  /** Units. */
  readonly stake: bigint;
}

export interface GenesisBalance {
  readonly address: AddressBytes;
  /** Units: one coin. */
  readonly amount: bigint;
}

export interface Genesis {
  /** The first part of the origin: a domain that the network's makers hold. */
  readonly domain: string;
  /** The second part: which of their networks this is. */
  readonly network: string;
  /** What addresses begin with in text. */
  readonly prefix: AddressPrefix;
  /** Milliseconds since 1970: the time of header 0. */
  readonly time: bigint;
  readonly params: Params;
  /** Ascending by name. */
  readonly validators: readonly GenesisValidator[];
  /** Ascending by address, each address once. */
  readonly balances: readonly GenesisBalance[];
}

export const GENESIS_VERSION = 1;

const genesisValidatorCodec: Codec<GenesisValidator> = /* @__PURE__ */ struct(
  'genesis validator',
  2_048,
  { registration: registrationCodec, stake: u64 },
);

const genesisBalanceCodec: Codec<GenesisBalance> = /* @__PURE__ */ struct('genesis balance', 41, {
  address: addressField,
  amount: u64,
});

export const genesisCodec: Codec<Genesis> = /* @__PURE__ */ struct(
  'genesis',
  MAX_GENESIS_BYTES,
  {
    domain: /* @__PURE__ */ text(MAX_DOMAIN_BYTES, 'a domain', isDomain),
    network: /* @__PURE__ */ text(MAX_NETWORK_BYTES, 'a network name', isNetwork),
    prefix: prefixField,
    time: u64,
    params: paramsCodec,
    validators: /* @__PURE__ */ listOf(MAX_VALIDATORS, 320, genesisValidatorCodec),
    balances: /* @__PURE__ */ listOf(MAX_GENESIS_BALANCES, 41, genesisBalanceCodec),
  },
  GENESIS_VERSION,
);

/** H(genesis, genesis): stands in header 0, and names the transaction that made the first coins. */
export function genesisDigest(genesis: Genesis): Hash {
  return taggedHash('fanal/genesis/v1', genesisCodec.encode(genesis));
}

/** The validator set of epoch 0. */
export function genesisValidatorSet(genesis: Genesis): ValidatorSet {
  return validatorSet(
    genesis.validators.map(({ registration, stake }) => ({
      name: registration.name,
      stake,
      vertexKey: registration.vertexKey,
      checkpointKey: registration.checkpointKey,
      networkKey: registration.networkKey,
      owner: registration.owner,
    })),
  );
}

/** All units of a genesis: balances and stakes. */
export function genesisSupply(genesis: Genesis): bigint {
  const stakes = genesis.validators.reduce((sum, { stake }) => sum + stake, 0n);
  return genesis.balances.reduce((sum, { amount }) => sum + amount, stakes);
}

/** Puts validators and balances into the order that the file must have. */
export function sortGenesis(genesis: Genesis): Genesis {
  return {
    ...genesis,
    validators: genesis.validators.toSorted((a, b) =>
      a.registration.name < b.registration.name ? -1 : 1,
    ),
    balances: genesis.balances.toSorted((a, b) => compareBytes(a.address, b.address)),
  };
}

/**
 * Checks everything about a genesis that needs no signature: order, bounds, sums, the set.
 *
 * @throws {FanalError} `genesis/…` or `validators/…` with what is wrong first
 */
export function checkGenesis(genesis: Genesis): void {
  checkParams(genesis.params);
  const { dust, maxValidators, minStake } = genesis.params;
  if (!isDomain(genesis.domain) || !isNetwork(genesis.network)) {
    throw new FanalError('genesis/name', `not a name: ${genesis.domain}/${genesis.network}`, {
      hint: 'Use lower-case letters, digits, dots and hyphens, as in example.org/main.',
    });
  }
  if (genesis.validators.length > maxValidators) {
    throw new FanalError(
      'genesis/validators',
      `expected at most ${maxValidators} validators, found ${genesis.validators.length}`,
    );
  }
  genesis.validators.forEach(({ registration, stake }, i) => {
    const previous = genesis.validators[i - 1]?.registration.name;
    if (previous !== undefined && previous >= registration.name) {
      throw new FanalError('genesis/order', `${registration.name} comes after ${previous}`);
    }
    if (stake < minStake) {
      throw new FanalError(
        'genesis/stake',
        `${registration.name}: expected at least ${minStake} units, found ${stake}`,
      );
    }
  });
  genesis.balances.forEach(({ address, amount }, i) => {
    const previous = genesis.balances[i - 1]?.address;
    if (previous !== undefined && compareBytes(previous, address) >= 0) {
      throw new FanalError('genesis/order', `balance ${i} is out of order or given twice`);
    }
    if (amount < dust) {
      throw new FanalError(
        'genesis/balance',
        `balance ${i}: expected at least ${dust} units, found ${amount}`,
      );
    }
  });
  const supply = genesisSupply(genesis);
  if (supply > MAX_SUPPLY) {
    throw new FanalError(
      'genesis/supply',
      `expected at most ${MAX_SUPPLY} units in all, found ${supply}`,
    );
  }
  genesisValidatorSet(genesis);
}
