/**
 * The first words on a validator stream: which network, which running instance, what time it is.
 *
 * Every start of a node draws a random instance number and signs it with the network key. Whoever
 * meets a second instance of one key asks the first to sign the newcomer's number. Shown to the
 * newcomer, that is proof that another copy runs right now, which no third party can make up or
 * play again.
 */
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import {
  asciiText,
  type Bytes,
  type Bytes32,
  concat,
  equalBytes,
  utf8,
} from 'fanal/primitives/bytes.ts';
import { codec, type Reader, type Writer } from 'fanal/primitives/codec.ts';
import { keyOfPeer, type NetworkIdentity, type PeerName } from './identity.ts';

export interface Hello {
  readonly genesisId: Bytes32;
  /** 16 random bytes, drawn at each start. */
  readonly instance: Bytes;
  /** The newcomer's instance that this answers; zero when nobody asked. */
  readonly challenge: Bytes;
  /** Milliseconds since 1970 by the sender's clock. */
  readonly time: bigint;
  readonly epoch: number;
  readonly software: string;
  readonly signature: Bytes;
}

export type Verdict = 'welcome' | 'other-instance' | 'not-a-member' | 'wrong-network';
const VERDICTS: readonly Verdict[] = ['welcome', 'other-instance', 'not-a-member', 'wrong-network'];

/** The answer to a hello. */
export interface Welcome {
  readonly verdict: Verdict;
  readonly instance: Bytes;
  readonly time: bigint;
  readonly epoch: number;
  readonly software: string;
  /** With `other-instance`: the hello by which the one that is here answered for itself. */
  readonly other: Hello | null;
}

export const INSTANCE_BYTES = 16;
export const NO_CHALLENGE: Bytes = new Uint8Array(INSTANCE_BYTES);
const SOFTWARE_BYTES = 64;
const PREFIX = utf8('fanal/instance/v1\n');

export const helloCodec = codec<Hello>('hello', 512, writeHello, readHello);

export const welcomeCodec = codec<Welcome>(
  'welcome',
  1_024,
  (writer, value) => {
    writer.u8(VERDICTS.indexOf(value.verdict)).bytes(value.instance, INSTANCE_BYTES);
    writer.u64(value.time).u32(value.epoch).shortBytes(utf8(value.software));
    writer.option(value.other, writeHello);
  },
  (reader) => {
    const verdict = VERDICTS[reader.u8()];
    if (verdict === undefined) throw reader.error('kind', 'unknown verdict');
    return {
      verdict,
      instance: reader.bytes(INSTANCE_BYTES),
      time: reader.u64(),
      epoch: reader.u32(),
      software: asciiText(reader.shortBytes(SOFTWARE_BYTES)),
      other: reader.option(readHello),
    };
  },
);

/** Signs who we are with the network key. */
export async function signHello(
  identity: NetworkIdentity,
  hello: Omit<Hello, 'signature'>,
): Promise<Hello> {
  const signature = await identity.privateKey.sign(signedBytes(identity.publicKey, hello));
  return { ...hello, signature };
}

/** Says whether `peer` itself signed this hello, for this network. */
export async function isHelloOf(peer: PeerName, hello: Hello, genesisId: Bytes): Promise<boolean> {
  if (!equalBytes(hello.genesisId, genesisId)) return false;
  const key = keyOfPeer(peer);
  return publicKeyFromRaw(key).verify(signedBytes(key, hello), hello.signature);
}

function signedBytes(publicKey: Bytes, hello: Omit<Hello, 'signature'>): Bytes {
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, hello.time);
  return concat(PREFIX, hello.genesisId, publicKey, hello.instance, hello.challenge, time);
}

function writeHello(writer: Writer, value: Hello): void {
  writer.bytes(value.genesisId, 32).bytes(value.instance, INSTANCE_BYTES);
  writer.bytes(value.challenge, INSTANCE_BYTES).u64(value.time);
  writer.u32(value.epoch).shortBytes(utf8(value.software)).bytes(value.signature, 64);
}

function readHello(reader: Reader): Hello {
  return {
    genesisId: reader.bytes32(),
    instance: reader.bytes(INSTANCE_BYTES),
    challenge: reader.bytes(INSTANCE_BYTES),
    time: reader.u64(),
    epoch: reader.u32(),
    software: asciiText(reader.shortBytes(SOFTWARE_BYTES)),
    signature: reader.bytes(64),
  };
}
