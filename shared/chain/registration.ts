/**
 * How a validator presents itself: its name, its three keys with a proof of possession each, who
 * owns its stake, and where it can be reached (docs/protocol.md §2.4).
 *
 * A name is taken for good: it is part of every cosignature line, so a validator that wants new
 * keys retires and comes back under another name.
 */
import type { AddressBytes } from '../crypto/address.ts';
import { SIGNATURE_BYTES, type SignedItem } from '../crypto/filter.ts';
import { type Bytes, type Bytes32, compareBytes, utf8 } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { sha256, taggedHash } from '../primitives/hash.ts';
import { bytes32, type Field, type Fields, listOf, struct } from '../primitives/struct.ts';
import { addressField } from './address-codec.ts';
import { MAX_VALIDATOR_ADDRESSES } from './limits.ts';
import { nameField, networkAddressField } from './text.ts';

/** The three keys of a validator. None is used for two things. */
export interface ValidatorKeys {
  /** Signs the vertices of the DAG. */
  readonly vertexKey: Bytes32;
  /** Cosigns checkpoints. */
  readonly checkpointKey: Bytes32;
  /** Is the identity of its network peer. */
  readonly networkKey: Bytes32;
}

export interface Registration extends ValidatorKeys {
  readonly name: string;
  /** Where stake and rewards go, and whose coins must come along to bond or unbond. */
  readonly owner: AddressBytes;
  /** Multiaddrs, at most four. */
  readonly addresses: readonly string[];
  /** Signatures of the possession message, by the vertex, checkpoint and network key. */
  readonly proofs: readonly [vertex: Bytes, checkpoint: Bytes, network: Bytes];
}

/** What a validator says of itself when it shows that it has a key. */
export type PossessionClaim = Pick<Registration, 'name' | 'owner' | keyof ValidatorKeys>;

/** The three roles, in the order of their proofs. */
export type KeyRole = 0 | 1 | 2;
export const KEY_ROLES = ['vertexKey', 'checkpointKey', 'networkKey'] as const;

/** The three keys inside a larger record. */
export const keyFields: Fields<ValidatorKeys> = {
  vertexKey: bytes32,
  checkpointKey: bytes32,
  networkKey: bytes32,
};

/** Network addresses inside a larger record. */
export const networkAddressesField: Field<readonly string[]> = /* @__PURE__ */ listOf(
  MAX_VALIDATOR_ADDRESSES,
  3,
  networkAddressField,
);

const proofsField: Field<Registration['proofs']> = {
  write: (writer, proofs) => {
    for (const proof of proofs) writer.bytes(proof, SIGNATURE_BYTES);
  },
  read: (reader) => [
    reader.bytes(SIGNATURE_BYTES),
    reader.bytes(SIGNATURE_BYTES),
    reader.bytes(SIGNATURE_BYTES),
  ],
};

export const registrationCodec: Codec<Registration> = /* @__PURE__ */ struct(
  'registration',
  1_024,
  {
    name: nameField,
    ...keyFields,
    owner: addressField,
    addresses: networkAddressesField,
    proofs: proofsField,
  },
);

/** What a possession proof covers besides its context and role. */
const claimCodec: Codec<PossessionClaim> = /* @__PURE__ */ struct('possession claim', 256, {
  name: nameField,
  ...keyFields,
  owner: addressField,
});

/**
 * What each key signs to show that its owner has it: H(possession, context ‖ role ‖ name ‖ keys ‖
 * owner).
 *
 * @param context the genesis id; at genesis, `genesisContext` of the network's name
 */
export function possessionMessage(
  claim: PossessionClaim,
  role: KeyRole,
  context: Bytes32,
): Bytes32 {
  return taggedHash('fanal/possession/v1', context, Uint8Array.of(role), claimCodec.encode(claim));
}

/** The context of possession proofs before there is a genesis id. */
export function genesisContext(domain: string, network: string): Bytes32 {
  return sha256(utf8(`${domain}/${network}`));
}

/** The three signatures of a registration, ready to be checked. */
export function possessionItems(registration: Registration, context: Bytes32): SignedItem[] {
  return KEY_ROLES.map((key, role) => ({
    message: possessionMessage(registration, role as KeyRole, context),
    signature: registration.proofs[role as KeyRole],
    publicKey: registration[key],
  }));
}

/** Says whether the three keys differ from one another. */
export function hasDistinctKeys({ vertexKey, checkpointKey, networkKey }: ValidatorKeys): boolean {
  return (
    compareBytes(vertexKey, checkpointKey) !== 0 &&
    compareBytes(vertexKey, networkKey) !== 0 &&
    compareBytes(checkpointKey, networkKey) !== 0
  );
}
