/**
 * Who a node is on the wire: its network key, and the peer id that libp2p derives from it. A
 * validator's network key is in the registry, so its peer id is known before it is ever met.
 */
import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';

/** A peer's name in text: what libp2p calls its peer id. */
export type PeerName = string;

export interface NetworkIdentity {
  readonly privateKey: Ed25519PrivateKey;
  /** 32 bytes, as in the validator registry. */
  readonly publicKey: Bytes;
  readonly peer: PeerName;
}

/** Makes the identity that belongs to a 32-byte seed. */
export async function networkIdentity(seed: Bytes): Promise<NetworkIdentity> {
  const privateKey = await generateKeyPairFromSeed('Ed25519', seed);
  const publicKey = privateKey.publicKey.raw;
  return { privateKey, publicKey, peer: peerIdFromPublicKey(privateKey.publicKey).toString() };
}

/** The peer id of a network key from the registry. */
export function peerOfKey(publicKey: Bytes): PeerName {
  return peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString();
}

/**
 * The Ed25519 key inside a peer id.
 *
 * @throws {FanalError} `network/peer-id` when it is not a peer id that holds such a key
 */
export function keyOfPeer(peer: PeerName): Bytes {
  try {
    const id = peerIdFromString(peer);
    if (id.type === 'Ed25519') return id.publicKey.raw;
  } catch {
    // Falls through: the text is no peer id at all.
  }
  throw new FanalError(
    'network/peer-id',
    `expected an Ed25519 peer id, found "${peer.slice(0, 80)}"`,
  );
}
