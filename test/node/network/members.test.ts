import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { frame } from 'fanal-node/network/frame.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { makeMembers, startPeer, stopPeers, type TestPeer, until } from '../../support/peers.ts';

afterEach(stopPeers);

const text = (value: string) => new TextEncoder().encode(value);
const read = ({ messages }: TestPeer) => messages.map(({ body }) => new TextDecoder().decode(body));

/** Bytes in buffers that somebody still holds. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().arrayBuffers;
}

async function startMembers(count: number): Promise<TestPeer[]> {
  const peers = await Promise.all(Array.from({ length: count }, () => startPeer()));
  makeMembers(peers);
  await until('all links are up', () =>
    peers.every((one) =>
      peers.every((other) => one === other || one.network.isUp(other.identity.peer)),
    ),
  );
  return peers;
}

describe('members of the consensus', () => {
  test('find one another, and messages arrive in order and by name', async () => {
    const [a, b, c] = (await startMembers(3)) as [TestPeer, TestPeer, TestPeer];
    for (let i = 0; i < 50; i++) a.network.broadcast('vertex', text(`v${i}`));
    await until('both hear all', () => b.messages.length === 50 && c.messages.length === 50);
    expect(read(b)).toEqual(Array.from({ length: 50 }, (_, i) => `v${i}`));
    expect(b.messages[0]?.peer).toBe(a.identity.peer);
    expect(b.messages[0]?.lane).toBe('urgent');
    expect(a.network.counters.sentBytes.urgent).toBeGreaterThan(300);
  });

  test('a member that restarts is found again within seconds', async () => {
    const [a, b] = (await startMembers(2)) as [TestPeer, TestPeer];
    await b.network.stop();
    await until('the loss is noticed', () => !a.network.isUp(b.identity.peer));
    const again = await startPeer({ identity: b.identity, port: b.port });
    makeMembers([a, again]);
    await until('the link is back', () => a.network.isUp(b.identity.peer), 5_000);
    a.network.send(b.identity.peer, 'vertex', text('hello again'));
    await until('it hears us', () => again.messages.length === 1);
    expect(again.twins).toEqual([]);
  });

  test('a second copy of a member is shown the first one and stays out; the first goes on', async () => {
    const [a, b, c] = (await startMembers(3)) as [TestPeer, TestPeer, TestPeer];
    const copy = await startPeer({ identity: b.identity });
    copy.network.setMembers(
      new Map([a, c].map(({ identity, port }) => [identity.peer, [`127.0.0.1:${port}`]])),
    );
    await until('the copy is refused', () => copy.twins.length > 0, 15_000);
    expect(copy.network.isUp(a.identity.peer)).toBe(false);
    expect(b.twins).toEqual([]);
    expect(a.network.isUp(b.identity.peer)).toBe(true);
    a.network.send(b.identity.peer, 'vertex', text('still here'));
    await until('the first hears us', () => read(b).includes('still here'));
    expect(copy.messages).toEqual([]);
  });

  test('a stranger is not let onto the members’ streams', async () => {
    const [a] = (await startMembers(2)) as [TestPeer, TestPeer];
    const stranger = await startPeer();
    stranger.network.setMembers(new Map([[a.identity.peer, [`127.0.0.1:${a.port}`]]]));
    await until('it has reached the member', () => stranger.network.connected().length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(stranger.network.isUp(a.identity.peer)).toBe(false);
    expect(a.messages).toEqual([]);
  });

  test('a member of another chain is no member', async () => {
    const a = await startPeer();
    const b = await startPeer({ genesisId: new Uint8Array(32).fill(8) as never });
    makeMembers([a, b]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(a.network.isUp(b.identity.peer)).toBe(false);
  });

  test('a member that is no longer one loses its link', async () => {
    const [a, b] = (await startMembers(2)) as [TestPeer, TestPeer];
    a.network.setMembers(new Map());
    await until('the other side notices', () => !b.network.isUp(a.identity.peer));
  });

  test('a member that is not read keeps its messages, and memory stays bounded', async () => {
    const [a, b] = (await startMembers(2)) as [TestPeer, TestPeer];
    b.network.setPaused(a.identity.peer, true);
    const body = new Uint8Array(100_000);
    const before = heldBytes();
    for (let i = 0; i < 2_000; i++) a.network.send(b.identity.peer, 'vertex', body);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // 200 MB were offered; the outbox holds 16 MB, the streams at most a few more.
    expect(heldBytes() - before).toBeLessThan(40_000_000);
    b.network.setPaused(a.identity.peer, false);
    await until('what was kept arrives', () => b.messages.length >= 160);
    expect(b.messages.length).toBeLessThan(400);
  });
});

describe('strangers at the door', () => {
  test('mute connections are closed and do not keep members out', async () => {
    const [a, b] = (await startMembers(2)) as [TestPeer, TestPeer];
    const sockets = Array.from({ length: 60 }, () => {
      const socket = connect({ port: a.port, host: '127.0.0.1', localAddress: '127.0.0.9' });
      socket.on('error', () => {});
      return socket;
    });
    await until(
      'most are turned away at once',
      () => sockets.filter(({ closed, destroyed }) => closed || destroyed).length >= 50,
    );
    const late = await startPeer();
    makeMembers([a, b, late]);
    await until('a new member gets in', () => late.network.isUp(a.identity.peer));
    expect(a.network.counters.refused['handshakes-full']).toBeGreaterThan(0);
    await until('all are closed in the end', () => sockets.every(({ closed }) => closed), 9_000);
  });

  test('bytes that are no handshake close the connection', async () => {
    const [a] = (await startMembers(2)) as [TestPeer, TestPeer];
    const socket = connect({ port: a.port, host: '127.0.0.1', localAddress: '127.0.0.10' });
    socket.on('error', () => {});
    socket.write(frame(new Uint8Array(1_000).fill(0xff)));
    await until('it is closed', () => socket.closed, 9_000);
  });
});
