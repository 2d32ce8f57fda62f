/**
 * The built page over a real in-memory chain, on loopback: what a browser test opens when it needs
 * a gateway that lies on request.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, resolve } from 'node:path';
import type { TestGateway } from 'fanal/testing/gateway.ts';

const PAGE = resolve(import.meta.dirname, '../../workers/web/dist');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** As strict as the gateway's own. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Serves the page and the gateway under one origin. */
export async function servePage(
  gateway: TestGateway,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    void answer(gateway, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

async function answer(
  gateway: TestGateway,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = request.url ?? '/';
  if (target === '/' || target.startsWith('/assets/')) return asset(target, response);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const answered = await gateway.fetch(gateway.url + target, {
    method: request.method === 'POST' ? 'POST' : 'GET',
    headers: {},
    ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
    signal: new AbortController().signal,
    redirect: 'manual',
  });
  response.statusCode = answered.status;
  for (const name of ['content-type', 'retry-after']) {
    const value = answered.headers.get(name);
    if (value !== null) response.setHeader(name, value);
  }
  response.end(new Uint8Array(await answered.arrayBuffer()));
}

function asset(target: string, response: ServerResponse): void {
  const path = normalize(target === '/' ? '/index.html' : target);
  try {
    const content = readFileSync(join(PAGE, path));
    response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
    response.setHeader('content-security-policy', POLICY);
    response.end(content);
  } catch {
    response.statusCode = 404;
    response.end();
  }
}
