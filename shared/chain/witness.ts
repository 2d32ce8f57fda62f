/**
 * What shows that an input may be spent: one key with its signature, or m signatures of n keys
 * (docs/protocol.md §3.3).
 *
 * Witnesses stand beside the transaction, one for each distinct input address, and no id covers
 * them.
 */
import {
  ADDRESS_VERSION_KEY,
  ADDRESS_VERSION_THRESHOLD,
  type AddressBytes,
  addressFromKey,
  addressFromKeys,
} from '../crypto/address.ts';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type SignedItem } from '../crypto/filter.ts';
import { type Bytes, compareBytes } from '../primitives/bytes.ts';
import { type Codec, codec, type Reader, type Writer } from '../primitives/codec.ts';
import type { Hash, TaggedHash } from '../primitives/hash.ts';
import { MAX_MULTISIG_KEYS } from './limits.ts';

/** Spends from an address of version 0. */
export interface KeyWitness {
  readonly kind: 'key';
  readonly publicKey: Bytes;
  readonly signature: Bytes;
}

/** Spends from an address of version 1: `threshold` signatures by some of `publicKeys`. */
export interface ThresholdWitness {
  readonly kind: 'threshold';
  readonly threshold: number;
  /** Distinct, in ascending order of their bytes. */
  readonly publicKeys: readonly Bytes[];
  /** Which keys signed, ascending; as many as the threshold. */
  readonly signers: readonly number[];
  /** One for each signer, in that order. */
  readonly signatures: readonly Bytes[];
}

export type Witness = KeyWitness | ThresholdWitness;

export const witnessCodec: Codec<Witness> = /* @__PURE__ */ codec('witness', 2_048, write, read);

/** The address that a witness speaks for. */
export function witnessAddress(witness: Witness, hash?: TaggedHash): AddressBytes {
  return witness.kind === 'key'
    ? addressFromKey(witness.publicKey, hash)
    : addressFromKeys(witness.threshold, witness.publicKeys, hash);
}

/** The signatures in a witness over a transaction's sighash, ready to be checked. */
export function witnessItems(witness: Witness, sighash: Hash): SignedItem[] {
  if (witness.kind === 'key') {
    const { publicKey, signature } = witness;
    return [{ message: sighash, signature, publicKey }];
  }
  return witness.signers.map((signer, i) => ({
    message: sighash,
    signature: witness.signatures[i] as Bytes,
    publicKey: witness.publicKeys[signer] as Bytes,
  }));
}

function write(writer: Writer, witness: Witness): void {
  if (witness.kind === 'key') {
    writer
      .u8(ADDRESS_VERSION_KEY)
      .bytes(witness.publicKey, PUBLIC_KEY_BYTES)
      .bytes(witness.signature, SIGNATURE_BYTES);
    return;
  }
  const { threshold, publicKeys, signers, signatures } = witness;
  writer.u8(ADDRESS_VERSION_THRESHOLD).u8(threshold);
  writer.list(publicKeys, MAX_MULTISIG_KEYS, (w, key) => {
    w.bytes(key, PUBLIC_KEY_BYTES);
  });
  const bitmap = new Uint8Array((publicKeys.length + 7) >> 3);
  for (const signer of signers) {
    bitmap[signer >> 3] = (bitmap[signer >> 3] as number) | (0x80 >> (signer & 7));
  }
  writer.bytes(bitmap, bitmap.length);
  for (const signature of signatures) writer.bytes(signature, SIGNATURE_BYTES);
}

function read(reader: Reader): Witness {
  const version = reader.u8();
  if (version === ADDRESS_VERSION_KEY) {
    return {
      kind: 'key',
      publicKey: reader.bytes(PUBLIC_KEY_BYTES),
      signature: reader.bytes(SIGNATURE_BYTES),
    };
  }
  if (version !== ADDRESS_VERSION_THRESHOLD) {
    throw reader.error('kind', `expected a witness of version 0 or 1, found ${version}`);
  }
  const threshold = reader.u8();
  const publicKeys = reader.list(MAX_MULTISIG_KEYS, PUBLIC_KEY_BYTES, (item) =>
    item.bytes(PUBLIC_KEY_BYTES),
  );
  if (threshold < 1 || threshold > publicKeys.length) {
    throw reader.error('threshold', `expected 1 to ${publicKeys.length}, found ${threshold}`);
  }
  for (let i = 1; i < publicKeys.length; i++) {
    if (compareBytes(publicKeys[i - 1] as Bytes, publicKeys[i] as Bytes) >= 0) {
      throw reader.error('order', 'expected distinct keys in ascending order');
    }
  }
  const signers = readBitmap(reader, publicKeys.length);
  if (signers.length !== threshold) {
    throw reader.error('count', `expected ${threshold} signers, found ${signers.length}`);
  }
  const signatures = signers.map(() => reader.bytes(SIGNATURE_BYTES));
  return { kind: 'threshold', threshold, publicKeys, signers, signatures };
}

/** Key i is bit i, counted from the most significant of the first byte; bits past n are zero. */
function readBitmap(reader: Reader, count: number): number[] {
  const bitmap = reader.bytes((count + 7) >> 3);
  const set: number[] = [];
  for (let i = 0; i < bitmap.length * 8; i++) {
    if (((bitmap[i >> 3] as number) & (0x80 >> (i & 7))) === 0) continue;
    if (i >= count) throw reader.error('padding', `bit ${i} is set, there are ${count} keys`);
    set.push(i);
  }
  return set;
}
