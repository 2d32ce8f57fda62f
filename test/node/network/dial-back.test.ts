import { createServer, type Server } from 'node:net';
import { dialBack } from 'fanal-node/network/dial-back.ts';
import { findReach } from 'fanal-node/runtime/reach.ts';
import { afterAll, afterEach, expect, it } from 'vitest';
import { dialAnswerCodec, exchangeRequestCodec } from '../../../node/runtime/exchange.ts';
import { startPeer, stopPeers } from '../../support/peers.ts';

const SEEN = '/ip4/127.0.0.1/tcp/50000';
let server: Server | null = null;
afterEach(() => server?.close());
afterAll(stopPeers);

it('reaches a node that listens', async () => {
  const { port } = await startPeer();
  expect(await dialBack(`/ip4/127.0.0.1/tcp/${port}`, SEEN)).toBe('reached');
  expect(await dialBack(`/dns4/localhost/tcp/${port}`, SEEN)).toBe('reached');
  await stopPeers();
  expect(await dialBack(`/ip4/127.0.0.1/tcp/${port}`, SEEN)).toBe('closed');
});

it('does not take another service for a node', async () => {
  server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as { port: number };
  expect(await dialBack(`/ip4/127.0.0.1/tcp/${port}`, SEEN)).toBe('closed');
});

it('connects to nobody but the one who asks', async () => {
  let connections = 0;
  server = createServer(() => connections++);
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as { port: number };
  const here = `/ip4/127.0.0.1/tcp/${port}`;
  expect(await dialBack(here, '/ip4/192.0.2.7/tcp/4000')).toBe('elsewhere');
  expect(await dialBack('/ip4/192.0.2.7/tcp/4000', SEEN)).toBe('elsewhere');
  expect(await dialBack('no address', SEEN)).toBe('elsewhere');
  expect(await dialBack(here, '')).toBe('elsewhere');
  expect(connections).toBe(0);
});

it('counts what several peers say, the silent ones too', async () => {
  const asked: string[] = [];
  const [reach] = await findReach([SEEN], ['a', 'b', 'c', 'd'], async function* (peer, request) {
    const decoded = exchangeRequestCodec.decode(request);
    asked.push(`${peer} ${decoded.kind === 'dial' ? decoded.address : ''}`);
    if (peer === 'c') throw new Error('unknown request');
    yield dialAnswerCodec.encode(peer === 'a' ? 'reached' : 'closed');
  });
  expect(asked).toEqual(['a', 'b', 'c'].map((peer) => `${peer} ${SEEN}`));
  expect(reach).toEqual({ address: SEEN, reached: 1, closed: 1, elsewhere: 0, unknown: 1 });
});
