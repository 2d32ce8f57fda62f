/**
 * A chain in memory of now, behind gateways on real ports: what an example meets in the world.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestChain, type TestGateway, testGateway, testKey } from 'fanal/testing';
import { accountFromMnemonic, addressFromKey, UNITS_PER_COIN } from 'fanal/wallet';

export const words = `${'abandon '.repeat(11)}about`;

export interface ServedChain {
  readonly chain: TestChain;
  readonly gateways: readonly TestGateway[];
  readonly urls: readonly string[];
  /** Cuts a block of now. */
  block(): void;
  /** Cuts blocks by itself, a few each second. */
  run(): void;
  close(): Promise<void>;
}

/** A chain where the wallet of `words` has 1,000 coins, and as many gateways as asked for. */
export async function servedChain(count = 2): Promise<ServedChain> {
  const address = accountFromMnemonic(words, { prefix: 'dfan' }).address(0);
  if (address === null) throw new Error('an account of words has no end');
  const chain = new TestChain({
    time: BigInt(Date.now()) - 10_000n,
    balances: [
      { address, amount: 1_000n * UNITS_PER_COIN },
      { address: addressFromKey(testKey('other').publicKey), amount: UNITS_PER_COIN },
    ],
  });
  const block = () => {
    chain.addBlock({ time: BigInt(Date.now()) });
  };
  block();
  const gateways = Array.from({ length: count }, () => testGateway(chain));
  const servers = await Promise.all(gateways.map(serve));
  let timer: NodeJS.Timeout | undefined;
  return {
    ...{ chain, gateways, block },
    urls: servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    run() {
      timer = setInterval(block, 200);
    },
    async close() {
      clearInterval(timer);
      await Promise.all(
        servers.map(
          (server) =>
            new Promise((done) => {
              server.closeAllConnections();
              server.close(done);
            }),
        ),
      );
    },
  };
}

async function serve(gateway: TestGateway): Promise<Server> {
  const server = createServer(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', '*');
    if (request.method === 'OPTIONS') return void response.end();
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = new Uint8Array(Buffer.concat(parts));
    try {
      const answer = await gateway.fetch(gateway.url + request.url, {
        method: request.method ?? 'GET',
        headers: {},
        ...(body.length === 0 ? {} : { body }),
        signal: new AbortController().signal,
        redirect: 'manual',
      });
      response.statusCode = answer.status;
      response.setHeader('content-type', answer.headers.get('content-type') ?? 'text/plain');
      response.end(new Uint8Array(await answer.arrayBuffer()));
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}
