/**
 * People and validators for tests: keys that follow from a name, so every run has the same ones.
 */
import {
  genesisContext,
  type PossessionClaim,
  possessionMessage,
  type Registration,
} from 'fanal/chain/registration.ts';
import type { Validator } from 'fanal/chain/validators.ts';
import { type AddressBytes, addressFromKey } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed, sign as signInJavaScript } from 'fanal/crypto/ed25519.ts';
import { type Bytes, type Bytes32, utf8 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';

export type Sign = (message: Bytes, seed: Bytes) => Bytes;

export interface TestAccount {
  readonly name: string;
  readonly seed: Bytes;
  readonly publicKey: Bytes;
  readonly address: AddressBytes;
}

export interface TestValidator {
  readonly validator: Validator;
  readonly registration: Registration;
  readonly seeds: { readonly vertex: Bytes; readonly checkpoint: Bytes; readonly network: Bytes };
  readonly owner: TestAccount;
}

/** A 32-byte seed that follows from a name. */
export function seedOf(name: string): Bytes32 {
  return sha256(utf8(`fanal test seed ${name}`));
}

/** Somebody with one key. */
export function account(name: string): TestAccount {
  const seed = seedOf(name);
  const publicKey = publicKeyFromSeed(seed);
  return { name, seed, publicKey, address: addressFromKey(publicKey) };
}

/**
 * A validator with its keys, its owner, and its proofs of possession for a genesis or, later, a
 * register action.
 *
 * @param context the genesis id, or `genesisContext` of the network
 */
export function testValidator(
  name: string,
  stake: bigint,
  context: Bytes32 = genesisContext('test.fanal.example', 'unit'),
  sign: Sign = signInJavaScript,
): TestValidator {
  const seeds = {
    vertex: seedOf(`${name} vertex`),
    checkpoint: seedOf(`${name} checkpoint`),
    network: seedOf(`${name} network`),
  };
  const owner = account(`${name} owner`);
  const claim: PossessionClaim = {
    name,
    vertexKey: publicKeyFromSeed(seeds.vertex) as Bytes32,
    checkpointKey: publicKeyFromSeed(seeds.checkpoint) as Bytes32,
    networkKey: publicKeyFromSeed(seeds.network) as Bytes32,
    owner: owner.address,
  };
  const registration: Registration = {
    ...claim,
    addresses: ['/ip4/127.0.0.1/tcp/26700'],
    proofs: [
      sign(possessionMessage(claim, 0, context), seeds.vertex),
      sign(possessionMessage(claim, 1, context), seeds.checkpoint),
      sign(possessionMessage(claim, 2, context), seeds.network),
    ],
  };
  return { validator: { ...claim, stake }, registration, seeds, owner };
}
