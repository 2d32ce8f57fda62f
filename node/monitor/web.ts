/**
 * The board as a web page for a network: one sampler asks the node each second, and everyone who
 * looks is handed the newest sample, so a crowd costs the node nothing.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MonitorSample } from './sample.ts';
import { LatencyHistory } from './terminal.ts';

export interface WebBoardOptions {
  /** Asks the node; must answer with an `unreachable` sample rather than throw. */
  readonly sample: () => Promise<MonitorSample>;
  readonly intervalMillis: number;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

export interface WebBoard {
  readonly url: string;
  close(): Promise<void>;
}

/** Connections at once; more wait in the kernel's queue. */
const MAX_CONNECTIONS = 256;
/** A page asks each second, in a request of a few hundred bytes. */
const REQUEST_MILLIS = 5_000;

const file = (name: string) => readFileSync(new URL(`./page/${name}`, import.meta.url));

/** Nothing but the page's own files, and nobody may frame it. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** Starts the page and its sampler. Fails with the system's error when the port is taken. */
export async function serveBoard(options: WebBoardOptions): Promise<WebBoard> {
  const pages = new Map<string, readonly [type: string, body: Buffer]>([
    ['/', ['text/html; charset=utf-8', file('board.html')]],
    ['/board.css', ['text/css; charset=utf-8', file('board.css')]],
    ['/board.js', ['text/javascript; charset=utf-8', file('board.js')]],
  ]);
  const history = new LatencyHistory();
  let newest = '';
  const look = async () => {
    const sample = await options.sample();
    history.add(sample);
    newest = JSON.stringify({ sample, latencies: history.values }, (_, value) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
  };
  await look();
  const server = createServer((request, response) => {
    const found =
      request.url === '/sample.json'
        ? (['application/json', Buffer.from(newest)] as const)
        : pages.get(request.url ?? '');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...HEADERS, allow: 'GET, HEAD' }).end();
      return;
    }
    if (found === undefined) {
      response.writeHead(404, HEADERS).end();
      return;
    }
    const [type, body] = found;
    response.writeHead(200, { ...HEADERS, 'content-type': type });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = REQUEST_MILLIS;
  server.requestTimeout = REQUEST_MILLIS;
  await listen(server, options.host, options.port);
  let asking = false;
  const timer = setInterval(async () => {
    if (asking) return;
    asking = true;
    await look().finally(() => {
      asking = false;
    });
  }, options.intervalMillis);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    close: () => {
      clearInterval(timer);
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
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
