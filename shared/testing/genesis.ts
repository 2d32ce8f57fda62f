/**
 * A network for tests: validators with keys that anyone can derive, and funded addresses.
 *
 * Never use these keys for anything of value: they follow from their names.
 */
import { checkGenesis, type Genesis, type GenesisBalance, sortGenesis } from '../chain/genesis.ts';
import type { Params } from '../chain/params.ts';
import { LOCAL_PARAMS } from '../chain/params-presets.ts';
import {
  genesisContext,
  KEY_ROLES,
  type KeyRole,
  possessionMessage,
  type Registration,
} from '../chain/registration.ts';
import { addressFromKey } from '../crypto/address.ts';
import { publicKeyFromSeed, sign } from '../crypto/ed25519.ts';
import type { KeyPair } from '../crypto/keys.ts';
import { type Bytes, type Bytes32, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { UNITS_PER_COIN } from '../primitives/units.ts';

/** A validator with the keys that tests sign with. */
export interface TestValidator {
  readonly name: string;
  readonly vertexKey: KeyPair;
  readonly checkpointKey: KeyPair;
  readonly networkKey: KeyPair;
  readonly owner: KeyPair;
}

export interface TestGenesisOptions {
  readonly validators?: readonly TestValidator[];
  /** Units of each validator's stake, in the order of the validators. */
  readonly stakes?: readonly bigint[];
  readonly balances?: readonly GenesisBalance[];
  readonly params?: Partial<Params>;
  /** Milliseconds since 1970. */
  readonly time?: bigint;
}

const DOMAIN = 'example.org';
const NETWORK = 'testing';

/** The key that a name stands for. */
export function testKey(name: string): KeyPair {
  const seed: Bytes = sha256(utf8(`fanal test key ${name}`));
  return { seed, publicKey: publicKeyFromSeed(seed) };
}

/** Validators `val-00`, `val-01`, … */
export function testValidators(count: number): TestValidator[] {
  return Array.from({ length: count }, (_, i) => {
    const name = `val-${i.toString().padStart(2, '0')}`;
    return {
      name,
      vertexKey: testKey(`${name} vertex`),
      checkpointKey: testKey(`${name} checkpoint`),
      networkKey: testKey(`${name} network`),
      owner: testKey(`${name} owner`),
    };
  });
}

/** A genesis with these validators and balances, checked like any other. */
export function testGenesis({
  validators = testValidators(4),
  stakes = [],
  balances = [],
  params = {},
  time = 1_700_000_000_000n,
}: TestGenesisOptions = {}): Genesis {
  const genesis = sortGenesis({
    domain: DOMAIN,
    network: NETWORK,
    prefix: 'dfan',
    time,
    params: { ...LOCAL_PARAMS, ...params },
    validators: validators.map((validator, i) => ({
      registration: registrationOf(validator),
      stake: stakes[i] ?? 1_000n * UNITS_PER_COIN,
    })),
    balances,
  });
  checkGenesis(genesis);
  return genesis;
}

function registrationOf(validator: TestValidator): Registration {
  const unproved = {
    name: validator.name,
    vertexKey: validator.vertexKey.publicKey as Bytes32,
    checkpointKey: validator.checkpointKey.publicKey as Bytes32,
    networkKey: validator.networkKey.publicKey as Bytes32,
    owner: addressFromKey(validator.owner.publicKey),
  };
  const context = genesisContext(DOMAIN, NETWORK);
  const [vertex, checkpoint, network] = KEY_ROLES.map((role, i) =>
    sign(possessionMessage(unproved, i as KeyRole, context), validator[role].seed),
  );
  return {
    ...unproved,
    addresses: [],
    proofs: [vertex as Bytes, checkpoint as Bytes, network as Bytes],
  };
}
