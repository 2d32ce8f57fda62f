import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { networkIdentity } from 'fanal-node/network/identity.ts';
import { startTransport } from 'fanal-node/network/transport.ts';
import { createLibp2p } from 'libp2p';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../support/peers.ts';

const PROTOCOL = '/test/1';
const started: Libp2p[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

async function ours(seed: number): Promise<Libp2p> {
  const node = await startTransport({
    identity: await networkIdentity(new Uint8Array(32).fill(seed)),
    listen: ['127.0.0.1:0'],
    gate: {},
    maxConnections: 8,
  });
  started.push(node);
  return node;
}

/** libp2p as it comes, with nothing of ours in it. */
async function plain(): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
  });
  started.push(node);
  return node;
}

/** Everything that `node` receives on streams of the protocol, joined. */
async function received(node: Libp2p): Promise<{ bytes: Uint8Array; stream: Stream | null }> {
  const all = { bytes: new Uint8Array(0), stream: null as Stream | null };
  await node.handle(PROTOCOL, (stream) => {
    all.stream = stream;
    stream.addEventListener('message', ({ data }) => {
      all.bytes = new Uint8Array(Buffer.concat([all.bytes, data.subarray()]));
    });
  });
  return all;
}

async function open(from: Libp2p, to: Libp2p): Promise<[Connection, Stream]> {
  const connection = await from.dial(to.getMultiaddrs());
  return [connection, await connection.newStream(PROTOCOL)];
}

const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);

async function sendAll(stream: Stream, messages: readonly Uint8Array[]): Promise<void> {
  for (const message of messages) {
    if (!stream.send(message) && stream.writeBufferLength > 0) {
      await new Promise((resolve) => stream.addEventListener('idle', resolve, { once: true }));
    }
  }
}

/** Around every limit on the way: of a block cipher, a noise message, a window. */
const SIZES = [1, 15, 16, 17, 1_199, 1_200, 65_518, 65_519, 65_520, 300_000];

describe('the transport', () => {
  test.each([
    { name: 'ours to libp2p’s', make: async () => [await ours(1), await plain()] as const },
    { name: 'libp2p’s to ours', make: async () => [await plain(), await ours(2)] as const },
    { name: 'ours to ours', make: async () => [await ours(1), await ours(2)] as const },
  ])('carries messages of any size whole, $name', async ({ make }) => {
    const [from, to] = await make();
    const all = await received(to);
    const [, stream] = await open(from, to);
    const messages = SIZES.map(pattern);
    await sendAll(stream, messages);
    const sent = new Uint8Array(Buffer.concat(messages));
    await until('all has come', () => all.bytes.length === sent.length);
    expect(Buffer.compare(all.bytes, sent)).toBe(0);
  });

  test('says little about windows', async () => {
    const [a, b] = [await ours(1), await ours(2)];
    const all = await received(b);
    const [, stream] = await open(a, b);
    const answers = heardBy(stream);
    const message = pattern(1_000);
    for (let i = 1; i <= 100; i++) {
      stream.send(message);
      await until('it has come', () => all.bytes.length === i * message.length);
    }
    expect(answers()).toBeLessThanOrEqual(1);
  });

  test('gives a window back before it is used up', async () => {
    const [a, b] = [await ours(1), await ours(2)];
    const all = await received(b);
    const [, stream] = await open(a, b);
    const messages = Array.from({ length: 64 }, () => pattern(50_000));
    await sendAll(stream, messages);
    await until('all has come', () => all.bytes.length === 64 * 50_000);
  });

  test('goes on after a pause of the reader', async () => {
    const [a, b] = [await ours(1), await ours(2)];
    const all = await received(b);
    const [, stream] = await open(a, b);
    stream.send(pattern(10));
    await until('the stream is there', () => all.stream !== null);
    all.stream?.pause();
    const rest = sendAll(
      stream,
      Array.from({ length: 40 }, () => pattern(50_000)),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(all.bytes.length).toBeLessThan(2_000_000);
    all.stream?.resume();
    await rest;
    await until('all has come', () => all.bytes.length === 2_000_010);
  });

  test('closes a connection that a changed message came on', async () => {
    const [a, b] = [await ours(1), await ours(2)];
    await received(b);
    const [connection] = await open(a, b);
    const { muxer } = connection as unknown as { muxer: { maConn: { stream: RawConnection } } };
    // A whole message as its length says, sealed with nobody's key.
    muxer.maConn.stream.send(Uint8Array.of(0, 20, ...pattern(20)));
    await until('it is closed', () => connection.status !== 'open');
  });
});

interface RawConnection {
  send(data: Uint8Array): boolean;
}

/** Counts the window updates that come for a stream from now on. */
function heardBy(stream: Stream): () => number {
  let count = 0;
  const inside = stream as unknown as { handleWindowUpdate(frame: unknown): void };
  const handle = inside.handleWindowUpdate.bind(stream);
  inside.handleWindowUpdate = (frame) => {
    count++;
    handle(frame);
  };
  return () => count;
}
