/**
 * yamux, with a bound on what it buffers before anyone looks at it, and with fewer words about
 * windows.
 *
 * The muxer puts a data frame together before it compares its length with the window that the peer
 * was given (libp2p-yamux 8.0.1), so one header could make it hold 4 GiB. Here the header is
 * looked at as soon as it is there. It also answers every data frame with a new window, which
 * doubles the messages between validators; here it does so when half of the window is used, as
 * yamux does elsewhere.
 */
import { yamux } from '@chainsafe/libp2p-yamux';
import type { StreamMuxer, StreamMuxerFactory } from '@libp2p/interface';
import { assert } from 'fanal/primitives/assert.ts';
import { FanalError } from 'fanal/primitives/errors.ts';

/** The inside of the muxer that the bound is put around. */
interface Decoder {
  readonly buffer: { readonly byteLength: number; subarray(from: number, to: number): Uint8Array };
  readFrame(): unknown;
}

/** The inside of a stream of the muxer: how much of its window the peer may still use. */
interface WindowedStream {
  readonly state: number;
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate(): void;
}

const HEADER_BYTES = 12;
const TYPE_DATA = 0;
/** The state of a stream that has nothing to say but its window: both sides know of it. */
const STATE_ESTABLISHED = 3;

/** Makes yamux muxers that close the connection at a data frame longer than `maxFrameBytes`. */
export function boundedYamux(
  options: Parameters<typeof yamux>[0],
  maxFrameBytes: number,
): () => StreamMuxerFactory {
  const create = yamux(options);
  return () => {
    const factory = create();
    return {
      protocol: factory.protocol,
      createStreamMuxer(connection) {
        const muxer = factory.createStreamMuxer(connection);
        bound(muxer, maxFrameBytes);
        saveWindowUpdates(muxer);
        return muxer;
      },
    };
  };
}

function bound(muxer: StreamMuxer, maxFrameBytes: number): void {
  const { decoder } = muxer as unknown as { decoder?: Decoder };
  // An update of the muxer that moves this must be noticed at once, not lose the bound.
  assert(typeof decoder?.readFrame === 'function', 'the muxer has a decoder that reads frames');
  const readFrame = decoder.readFrame.bind(decoder);
  decoder.readFrame = () => {
    if (decoder.buffer.byteLength >= HEADER_BYTES) {
      const header = decoder.buffer.subarray(0, HEADER_BYTES);
      const length = new DataView(header.buffer, header.byteOffset).getUint32(8);
      if (header[1] === TYPE_DATA && length > maxFrameBytes) {
        throw new FanalError(
          'network/muxer-frame',
          `expected a muxer frame of at most ${maxFrameBytes} bytes, found ${length}`,
        );
      }
    }
    return readFrame();
  };
}

function saveWindowUpdates(muxer: StreamMuxer): void {
  const inside = muxer as unknown as { _newStream?: (...args: unknown[]) => WindowedStream };
  const make = inside._newStream?.bind(muxer);
  assert(make !== undefined, 'the muxer makes its streams in one place');
  inside._newStream = (...args) => {
    const stream = make(...args);
    const update = stream.sendWindowUpdate.bind(stream);
    stream.sendWindowUpdate = () => {
      const isAmple = stream.recvWindowCapacity * 2 > stream.recvWindow;
      if (!isAmple || stream.state !== STATE_ESTABLISHED) update();
    };
    return stream;
  };
}
