/**
 * The gateway in one Node process: the same app over a SQLite file, a directory of objects, and
 * this process's memory. One process is the one writer.
 *
 *     const gateway = await startGateway({ trust, upstreams: ['https://node.example.org'], port: 8787 });
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { MAX_REQUEST_HEADER_BYTES, REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import { sealed } from '../chain/blob.ts';
import { fetchAnything, nodesThrough } from '../chain/nodes.ts';
import { now, openPool, verify } from '../chain/world.ts';
import { type Config, readConfig, type Settings } from '../config.ts';
import { createGateway, type Gateway } from '../gateway/app.ts';
import { assetAnswer } from '../gateway/assets.ts';
import { HealthWindow } from '../gateway/health.ts';
import { objectsThrough } from '../gateway/immutable.ts';
import { MetricsRegistry } from '../gateway/metrics.ts';
import type { Call } from '../gateway/ports.ts';
import {
  ApiKeys,
  grantTokens,
  LeasedQuota,
  NOTHING_USED,
  type QuotaCount,
} from '../gateway/quota.ts';
import { MemoryLimiter } from '../gateway/rate-limit.ts';
import { directoryBlob, readFileBelow } from './directory-blob.ts';
import { LocalChain } from './local-chain.ts';
import { LocalRoom } from './local-room.ts';
import { readPlans } from './plan-file.ts';
import { countProcess } from './process-metrics.ts';

export interface GatewayOptions {
  /** The text of a trust file. */
  readonly trust: string;
  readonly upstreams: readonly string[];
  /** 0 takes a free one. */
  readonly port: number;
  readonly host?: string;
  /** The built page, if it is to be served. */
  readonly assets?: string;
  /** Where state is kept; a temporary directory that goes with the gateway by default. */
  readonly directory?: string;
  /** A JSON file of API keys' plans, by the SHA-256 of the key. */
  readonly plans?: string;
  readonly settings?: Settings;
  readonly onLog?: (line: string) => void;
}

export interface RunningGateway {
  readonly url: string;
  readonly pid: number;
  /** Resolves when it has been stopped. */
  readonly exited: Promise<number | null>;
  /** Lets running requests finish within a few seconds, and stops. */
  stop(): Promise<void>;
}

/** Connections at once; more wait in the kernel's queue. */
const MAX_CONNECTIONS = 8_192;
const CLOSE_GRACE_MILLIS = 3_000;

/**
 * Starts a gateway in this process.
 *
 * @throws {DecodeError} `config/…` for settings that are wrong
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { host = '127.0.0.1', port, onLog = () => undefined } = options;
  const config = readConfig({
    // The nodes are the operator's own, as under workerd.
    INSECURE_UPSTREAMS: 'true',
    ...options.settings,
    TRUST: options.trust,
    UPSTREAMS: options.upstreams.join(' '),
  });
  const own = options.directory === undefined;
  const directory = resolve(options.directory ?? mkdtempSync(join(tmpdir(), 'fanal-gateway-')));
  mkdirSync(directory, { recursive: true, mode: 0o700 });

  const metrics = new MetricsRegistry();
  const blob = sealed(directoryBlob(join(directory, 'objects')));
  const pool = openPool(config, metrics, fetchAnything);
  const onError = (error: unknown) =>
    onLog(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const room = new LocalRoom(config);
  const chain = new LocalChain({
    config,
    file: join(directory, 'chain.sqlite'),
    blob,
    pool,
    metrics,
    room,
    onLog,
  });
  const app = openApp({ config, options, metrics, chain, room, blob, pool, onError });
  const assets = options.assets === undefined ? null : resolve(options.assets);
  // The socket says who the client is, unless a proxy in front does and its header is named.
  const clientHeader = options.settings?.CLIENT_HEADER === undefined ? null : config.clientHeader;
  const callOf = (incoming: IncomingMessage): Call => ({
    client:
      clientHeader === null
        ? (incoming.socket.remoteAddress ?? null)
        : headerOf(incoming, clientHeader),
    defer: (work) => void work.catch(onError),
    target: incoming.url ?? '/',
    immutable: null,
  });
  const listener = getRequestListener(async (request, { incoming }) => {
    const call = callOf(incoming as IncomingMessage);
    const page =
      assets === null
        ? null
        : await assetAnswer(request, call.target, (path) => readFileBelow(assets, path));
    return page ?? app.fetch(request, { call });
  });
  const server = createServer(
    {
      maxHeaderSize: 2 * MAX_REQUEST_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MILLIS,
      requestTimeout: REQUEST_TIMEOUT_MILLIS,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 1_000,
    },
    listener,
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    void upgrade(app, room, callOf(incoming), incoming, socket, head).catch((error) => {
      onError(error);
      socket.destroy();
    });
  });
  await listen(server, host, port);
  chain.start();
  const { promise: exited, resolve: leave } = Promise.withResolvers<number | null>();
  return {
    url: urlOf(server),
    pid: process.pid,
    exited,
    async stop() {
      room.close();
      await Promise.all([chain.stop(), stopServer(server)]);
      chain.close();
      if (own) rmSync(directory, { recursive: true, force: true });
      leave(0);
    },
  };
}

interface Parts {
  readonly config: Config;
  readonly options: GatewayOptions;
  readonly metrics: MetricsRegistry;
  readonly chain: LocalChain;
  readonly room: LocalRoom;
  readonly blob: ReturnType<typeof sealed>;
  readonly pool: ReturnType<typeof openPool>;
  readonly onError: (error: unknown) => void;
}

/** The app over what one process has. Counts are in one place here, so handing on is a merge. */
function openApp({ config, options, metrics, chain, room, blob, pool, onError }: Parts): Gateway {
  const { anchor, version, commit, basePath, allowance } = config;
  const { metricsToken, operatorToken, faucet } = config;
  const exposed = new MetricsRegistry();
  const health = new HealthWindow();
  const counts = new Map<string, QuotaCount>();
  const countOf = (keyHash: string) => counts.get(keyHash) ?? NOTHING_USED;
  return createGateway({
    chain: {
      read: async (size) => chain.reading(size),
      evidence: async () => chain.evidence(),
    },
    objects: objectsThrough({
      originHash: chain.originHash,
      blob,
      nodes: (target, call) => chain.load(target, call.defer),
    }),
    nodes: nodesThrough(pool, metrics),
    push: { open: (request, interest, call) => room.open(request, interest, call) },
    limits: {
      anonymous: new MemoryLimiter(allowance, now),
      allowance,
      keys: options.plans === undefined ? null : new ApiKeys(readPlans(options.plans)),
      quota: new LeasedQuota(async (keyHash, tokensPerDay, wanted) => {
        const { count, lease } = grantTokens(countOf(keyHash), tokensPerDay, wanted, now());
        counts.set(keyHash, count);
        return lease;
      }, now),
      revoke: async (keyHash, isRevoked) => {
        counts.set(keyHash, { ...countOf(keyHash), revoked: isRevoked });
      },
      ofPlan: (_, planAllowance) => new MemoryLimiter(planAllowance, now),
    },
    metrics,
    pulse: {
      report: async (delta, buckets) => {
        exposed.merge(delta);
        health.merge(buckets);
      },
      health: async () => health.read(now()),
      metricsText: async () => {
        exposed.set('build_info', 1, { version, commit, node: process.version });
        for (const [kind, count] of room.counts()) exposed.set('http_streams', count, { kind });
        return exposed.text(anchor.origin) + countProcess(anchor.origin);
      },
    },
    now,
    verify,
    // The listener's own responses, made for speed, keep what they are given.
    copiesHeaders: false,
    identity: { anchor, version, commit, basePath, metricsToken, operatorToken, faucet },
    onError,
  });
}

/** A socket asks the app like any request; the room takes over what the app lets in. */
async function upgrade(
  app: Gateway,
  room: LocalRoom,
  call: Call,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (typeof value === 'string') headers.set(name, value);
  }
  const request = new Request(`http://gateway${call.target}`, { headers });
  const response = await app.fetch(request, { call });
  const ticket = response.headers.get('x-fanal-ticket');
  if (ticket === null) {
    await response.body?.cancel();
    const wait = response.headers.get('retry-after') ?? '10';
    socket.end(
      `HTTP/1.1 ${response.status} Refused\r\nRetry-After: ${wait}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
    return;
  }
  room.upgrade(ticket, incoming, socket, head);
}

function headerOf(incoming: IncomingMessage, name: string): string | null {
  const value = incoming.headers[name];
  return typeof value === 'string' ? value : null;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      done();
    });
  });
}

function stopServer(server: Server): Promise<void> {
  return new Promise((done) => {
    const force = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MILLIS);
    server.close(() => {
      clearTimeout(force);
      done();
    });
    server.closeIdleConnections();
  });
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
