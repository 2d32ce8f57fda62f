/**
 * A stranger that means harm, as a process of its own: `node attacker.ts` with a task in
 * `FANAL_ATTACK`. It comes from many addresses of the loopback network, none of them a member's,
 * tells its parent each second how much harm it has done, and ends when it is killed.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { Connection, MultiaddrConnection } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { fromHex, toHex } from 'fanal/primitives/bytes.ts';
import { frame } from 'fanal-node/network/frame.ts';
import { helloCodec, signHello } from 'fanal-node/network/hello.ts';
import { networkIdentity } from 'fanal-node/network/identity.ts';
import { exchangeRequestCodec } from 'fanal-node/runtime/exchange.ts';
import { createLibp2p, type Libp2p } from 'libp2p';
import { between, pause, pick } from './scenario.ts';

export interface AttackTask {
  readonly attack: AttackName;
  /** Multiaddrs that name their peers. */
  readonly targets: readonly string[];
  readonly genesisId: string;
}

const ATTACKS = { connections, drips, lengths, garbage };
export type AttackName = keyof typeof ATTACKS;

const OPEN_SOCKETS = 4_000;
/** Sockets opened before others have a turn. */
const SOCKETS_AT_ONCE = 50;
const DRIPPING = 1_000;
const DRIP_MILLIS = 100;
const STRANGERS = 16;
/** What one stranger does on one connection, all without waiting for an answer. */
const HARMS_AT_ONCE = 8;
const REPORT_MILLIS = 1_000;
const MULTISTREAM = Buffer.from('\x13/multistream/1.0.0\n');

const { attack, targets, genesisId } = JSON.parse(process.env.FANAL_ATTACK ?? '') as AttackTask;
const random = Math.random;
/** Connections, handshakes, frames or messages so far. */
let harms = 0;

const address = () =>
  `127.${between(1, 254, random)}.${between(0, 255, random)}.${between(1, 254, random)}`;

function open(): Socket {
  const [, , host = '', , port = ''] = pick(targets, random).split('/');
  const socket = connect({ host, port: Number(port), localAddress: address() });
  socket.on('error', () => {});
  return socket;
}

/** As many connections as the node takes, with nothing on them. */
async function connections(): Promise<void> {
  const sockets = new Set<Socket>();
  for (;;) {
    for (let i = 0; i < SOCKETS_AT_ONCE && sockets.size < OPEN_SOCKETS; i++) {
      const socket = open();
      sockets.add(socket);
      socket.on('connect', () => harms++);
      socket.on('close', () => sockets.delete(socket));
    }
    await pause(1);
  }
}

/** Handshakes that come one byte at a time. */
async function drips(): Promise<void> {
  await Promise.all(
    Array.from({ length: DRIPPING }, async (_, i) => {
      await pause(i);
      for (;;) {
        const socket = open();
        harms++;
        for (const byte of MULTISTREAM) {
          await pause(DRIP_MILLIS);
          if (socket.destroyed) break;
          socket.write(Uint8Array.of(byte));
        }
        socket.destroy();
      }
    }),
  );
}

/** Frames that announce gigabytes, on the muxer and on every protocol. */
async function lengths(): Promise<void> {
  await asStrangers(async (connection) => {
    if (random() < 0.3) {
      const { muxer } = connection as unknown as { muxer: { maConn: MultiaddrConnection } };
      const header = Buffer.from('000000010000000bffffffff', 'hex');
      muxer.maConn.send(header);
      return;
    }
    const stream = await connection.newStream(pick(PROTOCOLS, random));
    stream.send(Buffer.concat([Buffer.from('ffffffff', 'hex'), randomBytes(60_000)]));
  });
}

/** What looks right at first: requests, greetings, transactions, and noise in their place. */
async function garbage(): Promise<void> {
  const identity = await networkIdentity(randomBytes(32));
  const greeting = async () =>
    helloCodec.encode(
      await signHello(identity, {
        genesisId: fromHex(genesisId, 32) as never,
        instance: randomBytes(16),
        challenge: new Uint8Array(16),
        time: BigInt(Date.now()),
        epoch: between(0, 9, random),
        software: 'fanal/0',
      }),
    );
  await asStrangers(async (connection) => {
    const protocol = pick(PROTOCOLS, random);
    const stream = await connection.newStream(protocol);
    const body = protocol.includes('request')
      ? pick([question, question, question, noiseBytes], random)()
      : random() < 0.7
        ? Buffer.concat([Uint8Array.of(between(0, 6, random)), await greeting()])
        : noiseBytes();
    stream.send(frame(body));
    if (random() < 0.5) stream.abort(new Error('enough'));
  });
}

const PREFIX = `/fanal/${toHex(fromHex(genesisId, 32).subarray(0, 8))}`;
const PROTOCOLS = [
  ...['urgent', 'bulk', 'request', 'tips'].map((name) => `${PREFIX}/${name}/1`),
  '/ipfs/ping/1.0.0',
];

const noiseBytes = () => randomBytes(between(1, 4_000, random));

function question(): Uint8Array {
  const far = BigInt(between(0, 1_000_000, random));
  return exchangeRequestCodec.encode(
    pick(
      [
        { kind: 'tip' as const },
        { kind: 'handover' as const, epoch: between(0, 100, random) },
        { kind: 'blocks' as const, first: 1n, count: 65_535, at: far },
        { kind: 'blocks' as const, first: far, count: 64, at: far + 64n },
        { kind: 'submit' as const, transactions: Array.from({ length: 40 }, noiseBytes) },
        { kind: 'peers' as const },
        { kind: 'snapshots' as const },
        { kind: 'chunk' as const, height: far, index: between(0, 1_000, random) },
      ],
      random,
    ),
  );
}

/** Does something again and again, under many names and addresses. */
async function asStrangers(harm: (connection: Connection) => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: STRANGERS }, async () => {
      for (;;) {
        const node = await stranger();
        try {
          const connection = await node.dial(multiaddr(pick(targets, random)));
          while (connection.status === 'open') {
            const some = Array.from({ length: HARMS_AT_ONCE }, () => harm(connection));
            for (const { status } of await Promise.allSettled(some)) {
              if (status === 'fulfilled') harms++;
            }
            await pause(0);
          }
        } catch {
          await pause(20);
        } finally {
          await node.stop();
        }
      }
    }),
  );
}

function stranger(): Promise<Libp2p> {
  return createLibp2p({
    transports: [tcp({ dialOpts: { localAddress: address() } as object })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  });
}

// What the attacked do to us is none of our concern.
process.on('unhandledRejection', () => {});
process.on('uncaughtException', () => {});
// The machine is shared with those who are attacked, who would have theirs to themselves.
setPriority(constants.priority.PRIORITY_LOW);
process.on('disconnect', () => process.exit());
setInterval(() => process.send?.(harms), REPORT_MILLIS);
process.send?.(harms);
await ATTACKS[attack]();
