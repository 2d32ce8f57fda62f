/**
 * The node's HTTP surface beside a bare Hono route on the same server, in one process with the load.
 */
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { encodeAddress } from 'fanal/crypto/address.ts';
import { Hono } from 'hono';
import { apiWorld } from '../support/api-world.ts';
import type { Benchmark } from './report.ts';

const CONNECTIONS = 32;
const REQUESTS = 3_000;

export const run: Benchmark = async (report) => {
  const world = await apiWorld();
  for (let i = 0; i < 20; i++) world.block();
  const address = encodeAddress(world.chain.person('bob').address, 'dfan');
  const bare = new Hono().get('/', (c) => c.json({ height: '20', ok: true }));
  const server = createServer(getRequestListener(bare.fetch));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const bareUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const load = (url: string) => () => burst(agent, url);
  await report.compare(
    `requests a second, ${CONNECTIONS} connections, load generator in the same process`,
    [
      { name: 'bare Hono, JSON', run: load(bareUrl), peer: true },
      { name: 'checkpoint', run: load(`${world.url}/checkpoint`) },
      { name: 'chain, JSON', run: load(`${world.url}/v1/chain`) },
      {
        name: 'balance proof, bytes',
        run: load(`${world.url}/v1/addresses/${address}?format=bytes`),
      },
      { name: 'balance proof, JSON', run: load(`${world.url}/v1/addresses/${address}`) },
      {
        name: 'update over 20 blocks, bytes',
        run: load(`${world.url}/v1/update?from=1&format=bytes`),
      },
      { name: 'block, bytes', run: load(`${world.url}/v1/blocks/7?format=bytes`) },
    ],
    { rounds: 5 },
  );
  agent.destroy();
  server.close();
  await world.close();
};

async function burst(agent: Agent, url: string): Promise<number> {
  let started = 0;
  const worker = async () => {
    while (started++ < REQUESTS) await get(agent, url);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return REQUESTS;
}

function get(agent: Agent, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
      response.resume();
      response.on('end', resolve);
    });
    asking.on('error', reject);
    asking.end();
  });
}
