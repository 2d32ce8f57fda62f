import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { Connection, MultiaddrConnection } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { createLibp2p, type Libp2p } from 'libp2p';
import { afterEach, describe, expect, test } from 'vitest';
import { makeMembers, startPeer, stopPeers, type TestPeer, until } from '../../support/peers.ts';

const strangers: Libp2p[] = [];
afterEach(async () => {
  await stopPeers();
  await Promise.all(strangers.splice(0).map((node) => node.stop()));
});

/** A libp2p node with nothing of ours in it, which dials from an address of its own. */
async function stranger(): Promise<Libp2p> {
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  });
  strangers.push(node);
  return node;
}

/** Puts bytes on the wire below the muxer, encrypted as they should be. */
function sendRaw(connection: Connection, ...parts: Uint8Array[]): void {
  const { muxer } = connection as unknown as { muxer: { maConn: MultiaddrConnection } };
  for (const part of parts) muxer.maConn.send(part);
}

function muxerHeader(type: number, flag: number, stream: number, length: number): Uint8Array {
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  header[1] = type;
  view.setUint16(2, flag);
  view.setUint32(4, stream);
  view.setUint32(8, length);
  return header;
}

async function members(): Promise<[TestPeer, TestPeer]> {
  const [a, b] = await Promise.all([startPeer(), startPeer()]);
  makeMembers([a, b]);
  await until('the link is up', () => a.network.isUp(b.identity.peer));
  return [a, b];
}

const address = ({ port, identity }: TestPeer) => `/ip4/127.0.0.1/tcp/${port}/p2p/${identity.peer}`;

async function dial(node: Libp2p, peer: TestPeer) {
  const { multiaddr } = await import('@multiformats/multiaddr');
  return node.dial(multiaddr(address(peer)));
}

describe('a hostile stranger', () => {
  test('that announces a muxer frame of four gigabytes is cut off at its header', async () => {
    const a = await startPeer();
    const node = await stranger();
    const connection = await dial(node, a);
    sendRaw(connection, muxerHeader(0, 1, 1, 0xffff_ffff));
    await until('the connection is closed', () => connection.status !== 'open');
    expect(a.network.connected()).toEqual([]);
  });

  test('that sends more than its window is cut off', async () => {
    const a = await startPeer();
    const node = await stranger();
    const connection = await dial(node, a);
    const length = 900_000;
    sendRaw(connection, muxerHeader(0, 1, 1, length), new Uint8Array(length));
    await until('the connection is closed', () => connection.status !== 'open');
  });

  test('that floods with tiny frames does not slow the members down', async () => {
    const [a, b] = await members();
    const rtt = async () => {
      const start = performance.now();
      const before = b.messages.length;
      a.network.send(b.identity.peer, 'vertex', new Uint8Array(300));
      await until('it arrives', () => b.messages.length > before);
      return performance.now() - start;
    };
    await rtt();
    // Another process floods: in this one it would slow itself down, too.
    const { Worker } = await import('node:worker_threads');
    const worker = new Worker(new URL('../../support/flooder.ts', import.meta.url), {
      workerData: { address: address(a) },
    });
    const used = a.network.strangerMillis;
    await new Promise((resolve) => worker.once('message', resolve));
    const start = performance.now();
    const times: number[] = [];
    while (performance.now() - start < 3_000) times.push(await rtt());
    const seconds = (performance.now() - start) / 1_000;
    await worker.terminate();
    times.sort((x, y) => x - y);
    expect(times[times.length >> 1]).toBeLessThan(60);
    expect(a.network.strangerMillis - used).toBeGreaterThan(50);
    expect(a.network.strangerMillis - used).toBeLessThan(200 + 100 * (seconds + 2) * 1.5);
    expect(a.network.isUp(b.identity.peer)).toBe(true);
  });

  test('that opens stream after stream gets four of a kind', async () => {
    const a = await startPeer();
    const node = await stranger();
    const connection = await dial(node, a);
    const protocol = `/fanal/${'07'.repeat(8)}/request/1`;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, async () => {
        const stream = await connection.newStream(protocol, { maxOutboundStreams: 100 });
        await new Promise((resolve) => setTimeout(resolve, 200));
        if (stream.status !== 'open') throw new Error(stream.status);
      }),
    );
    const open = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(open).toBeLessThanOrEqual(4);
  });
});
