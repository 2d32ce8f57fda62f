/**
 * How a validator presents itself: its name, its three keys with a proof of possession each, who
 * owns its stake, and where it can be reached (docs/protocol.md §6.2).
 *
 * A name is taken for good: it is part of every cosignature line, so a validator that wants new
 * keys retires and comes back under another name.
 */
import type { AddressBytes } from '../crypto/address.ts';
import { SIGNATURE_BYTES, type SignedItem } from '../crypto/filter.ts';
import { type Bytes, type Bytes32, compareBytes, utf8 } from '../primitives/bytes.ts';
import { type Codec, codec, type Reader, Writer } from '../primitives/codec.ts';
import { sha256, taggedHash } from '../primitives/hash.ts';
import { readAddress, writeAddress } from './address-codec.ts';
import { MAX_VALIDATOR_ADDRESS_BYTES, MAX_VALIDATOR_ADDRESSES } from './limits.ts';
import { isNetworkAddress, readName, readText, writeText } from './text.ts';

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

/** The three roles, in the order of their proofs. */
export type KeyRole = 0 | 1 | 2;
export const KEY_ROLES = ['vertexKey', 'checkpointKey', 'networkKey'] as const;

export const registrationCodec: Codec<Registration> = codec(
  'registration',
  1_024,
  (writer, registration) => {
    writeText(writer, registration.name);
    writeKeys(writer, registration);
    writeAddress(writer, registration.owner);
    writeNetworkAddresses(writer, registration.addresses);
    for (const proof of registration.proofs) writer.bytes(proof, SIGNATURE_BYTES);
  },
  (reader) => ({
    name: readName(reader),
    ...readKeys(reader),
    owner: readAddress(reader),
    addresses: readNetworkAddresses(reader),
    proofs: [
      reader.bytes(SIGNATURE_BYTES),
      reader.bytes(SIGNATURE_BYTES),
      reader.bytes(SIGNATURE_BYTES),
    ],
  }),
);

/**
 * What each key signs to show that its owner has it: H(possession, context ‖ role ‖ name ‖ keys ‖
 * owner).
 *
 * @param context the genesis id; at genesis, `genesisContext` of the network's name
 */
export function possessionMessage(
  registration: Omit<Registration, 'proofs' | 'addresses'>,
  role: KeyRole,
  context: Bytes32,
): Bytes32 {
  const writer = new Writer().bytes(context, 32).u8(role);
  writeText(writer, registration.name);
  writeKeys(writer, registration);
  writeAddress(writer, registration.owner);
  return taggedHash('fanal/possession/v1', writer.finish());
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

export function writeKeys(writer: Writer, keys: ValidatorKeys): void {
  writer.bytes(keys.vertexKey, 32).bytes(keys.checkpointKey, 32).bytes(keys.networkKey, 32);
}

export function readKeys(reader: Reader): ValidatorKeys {
  return {
    vertexKey: reader.bytes32(),
    checkpointKey: reader.bytes32(),
    networkKey: reader.bytes32(),
  };
}

export function writeNetworkAddresses(writer: Writer, addresses: readonly string[]): void {
  writer.list(addresses, MAX_VALIDATOR_ADDRESSES, writeText);
}

export function readNetworkAddresses(reader: Reader): string[] {
  return reader.list(MAX_VALIDATOR_ADDRESSES, 3, (item) =>
    readText(item, MAX_VALIDATOR_ADDRESS_BYTES, 'a multiaddr', isNetworkAddress),
  );
}
