/**
 * noise as libp2p speaks it, with less work for each message: one call of libsodium encrypts it,
 * one write to the socket carries it and all that follows in the same moment, and a message that is
 * not whole yet makes no error to be caught.
 *
 * A message came in five pieces, each a system call here and an event there, and a round has tens
 * of them.
 */
import type { Socket } from 'node:net';
import { type NoiseComponents, type NoiseExtensions, noise } from '@chainsafe/libp2p-noise';
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto';
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface';
import { assert } from 'fanal/primitives/assert.ts';
import sodium from 'sodium-native';

/** Bytes in one piece or in several. */
interface Pieces {
  readonly byteLength: number;
  subarray(): Uint8Array;
}

/** The inside of a TCP connection of libp2p that writes are joined in. */
interface TcpConnection {
  readonly socket?: Socket;
  sendData(data: Pieces): { sentBytes: number; canSendMore: boolean };
}

/** The inside of an encrypted connection that cuts what arrives into messages. */
interface EncryptedConnection {
  readonly decoder?: { lengthDecoder: (data: { get(at: number): number } & Pieces) => number };
}

const TAG_BYTES = 16;
const LENGTH_BYTES = 2;

/** What the decoder takes as "not whole yet"; made once, as its stack would cost more than all else. */
const NOT_WHOLE = new RangeError('the length of a message has two bytes');

export function leanNoise(): (components: NoiseComponents) => ConnectionEncrypter<NoiseExtensions> {
  const create = noise({
    crypto: {
      ...defaultCrypto,
      chaCha20Poly1305Encrypt(plaintext, nonce, associated, key) {
        const sealed = new Uint8Array(plaintext.byteLength + TAG_BYTES);
        const bytes = plaintext.subarray();
        sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
          sealed,
          bytes,
          associated,
          null,
          nonce,
          key,
        );
        return sealed;
      },
      chaCha20Poly1305Decrypt(sealed, nonce, associated, key, place) {
        const plaintext = place ?? new Uint8Array(sealed.byteLength - TAG_BYTES);
        // Throws when the tag is wrong. It may read and write the same place.
        const bytes = sealed.subarray();
        sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
          plaintext,
          null,
          bytes,
          associated,
          nonce,
          key,
        );
        return plaintext;
      },
    },
  });
  return (components) => {
    const encrypter = create(components);
    const inbound = encrypter.secureInbound.bind(encrypter);
    const outbound = encrypter.secureOutbound.bind(encrypter);
    encrypter.secureInbound = async (connection, options) => {
      joinWrites(connection);
      const secured = await inbound(connection, options);
      countQuietly(secured.connection);
      return secured;
    };
    encrypter.secureOutbound = async (connection, options) => {
      joinWrites(connection);
      const secured = await outbound(connection, options);
      countQuietly(secured.connection);
      return secured;
    };
    return encrypter;
  };
}

/** Writes each message in one piece, and those of one moment with one system call. */
function joinWrites(connection: MessageStream): void {
  const inside = connection as unknown as TcpConnection;
  const { socket } = inside;
  if (socket === undefined) return;
  let isHeld = false;
  const release = () => {
    isHeld = false;
    socket.uncork();
  };
  inside.sendData = (data) => {
    if (!isHeld) {
      isHeld = true;
      socket.cork();
      process.nextTick(release);
    }
    return { sentBytes: data.byteLength, canSendMore: socket.write(data.subarray()) };
  };
}

function countQuietly(connection: MessageStream): void {
  const { decoder } = connection as unknown as EncryptedConnection;
  // An update of libp2p that moves this should be noticed, not cost time in silence.
  assert(typeof decoder?.lengthDecoder === 'function', 'an encrypted connection has a decoder');
  decoder.lengthDecoder = (data) => {
    if (data.byteLength < LENGTH_BYTES) throw NOT_WHOLE;
    return (data.get(0) << 8) | data.get(1);
  };
}
