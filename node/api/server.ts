/**
 * Listens: the public surface on one port, metrics and health on another that only this machine
 * reaches unless the operator says otherwise.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { matchRoute } from 'fanal/api/match.ts';
import { Problem } from 'fanal/api/problem.ts';
import { MAX_REQUEST_HEADER_BYTES, REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import { type ApiOptions, createApi } from './app.ts';
import { interestOf } from './event-routes.ts';
import { statusReport } from './operation-routes.ts';
import type { ApiPorts } from './ports.ts';
import { addressOf } from './rates.ts';
import { EventSockets, refuseUpgrade } from './socket.ts';

export interface ServeOptions extends ApiOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly operationsHost: string;
  readonly operationsPort: number;
  /** Whether a proxy on this machine says who its clients are. */
  readonly trustForwarded?: boolean;
  /** Whom the node is connected to, for its operator. */
  readonly peers?: () => readonly unknown[];
}

export interface RunningApi {
  readonly url: string;
  readonly operationsUrl: string;
  /** Ends the streams, lets running requests finish within a few seconds, and stops listening. */
  close(): Promise<void>;
}

/** Connections at once; more wait in the kernel's queue. */
const MAX_CONNECTIONS = 4_096;
/** How long running requests may take to finish when the node stops. */
const CLOSE_GRACE_MILLIS = 3_000;

/** Starts listening. Fails with the system's error when a port is taken. */
export async function serveApi(ports: ApiPorts, options: ServeOptions): Promise<RunningApi> {
  const api = createApi(ports, options);
  const { prefix } = ports.identity;
  const { trustForwarded = false } = options;
  const sockets = new EventSockets({
    hub: api.hub,
    prefix,
    tip: api.tip,
    now: ports.now,
    onCount: (change) => api.onStream('websocket', change),
  });
  const listener = getRequestListener((request, { incoming }) =>
    api.fetch(request, {
      address: addressOf(incoming as IncomingMessage, trustForwarded),
      target: incoming.url ?? '/',
    }),
  );
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
  server.maxRequestsPerSocket = 10_000;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    try {
      const match = matchRoute(request.method ?? '', request.url ?? '');
      if (match.name !== 'events') throw new Problem('not-found');
      const address = addressOf(request, trustForwarded) ?? '';
      sockets.upgrade(request, socket, head, interestOf(match.parameters, prefix), address);
    } catch (error) {
      refuseUpgrade(socket, error instanceof Problem ? `${error.status} Refused` : '400 Refused');
    }
  });
  const operations = createServer(async (request, response) => {
    response.setHeader('cache-control', 'no-store');
    try {
      const { status, type, body } = await operationsAnswer(request.url ?? '/');
      response.writeHead(status, { 'content-type': type }).end(body);
    } catch (error) {
      options.onError(error);
      response.writeHead(500, { 'content-type': 'text/plain' }).end('internal\n');
    }
  });
  operations.maxConnections = 64;

  const operationsAnswer = async (target: string) => {
    const plain = 'text/plain; charset=utf-8';
    if (target === '/metrics') {
      const { metrics } = options;
      return { status: 200, type: metrics.contentType, body: await metrics.text() };
    }
    if (target === '/peers') {
      const body = JSON.stringify({ peers: options.peers?.() ?? [] });
      return { status: 200, type: 'application/json', body };
    }
    if (!['/livez', '/readyz', '/status'].includes(target)) {
      return { status: 404, type: plain, body: 'not found\n' };
    }
    const response = await api.fetch(new Request(`http://operations${target}`), {
      address: null,
      target,
    });
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? plain,
      body: await response.text(),
    };
  };

  options.metrics.beforeScrape(async () => {
    const report = await statusReport({
      ...ports,
      health: api.health,
      tip: api.tip,
      facts: api.facts,
    });
    options.metrics.set('chain_height', Number(report.height));
    options.metrics.set('chain_certified_height', Number(report.certifiedHeight));
    options.metrics.set('mempool_transactions', report.mempool.transactions);
    options.metrics.set('mempool_bytes', report.mempool.bytes);
    options.metrics.set('mempool_limit_bytes', report.mempool.limitBytes);
  });

  try {
    await listen(server, options.host, options.port);
    await listen(operations, options.operationsHost, options.operationsPort);
  } catch (error) {
    api.close();
    await Promise.all([stop(server), stop(operations)]);
    throw error;
  }
  return {
    url: urlOf(server),
    operationsUrl: urlOf(operations),
    async close() {
      api.close();
      sockets.close();
      await Promise.all([stop(server), stop(operations)]);
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MILLIS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
