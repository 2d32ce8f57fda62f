import { connect } from 'node:net';
import { matchRoute } from 'fanal/api/match.ts';
import { PROBLEMS } from 'fanal/api/problem.ts';
import { ROUTES, type RouteName } from 'fanal/api/routes.ts';
import { encodeAddress } from 'fanal/crypto/address.ts';
import { verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import { verifyReceiptText } from 'fanal/light';
import { trustGenesis } from 'fanal/light/trust-genesis.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import {
  accountFromKeys,
  chainFromGenesis,
  createClient,
  createWallet,
  http,
  type Wallet,
} from 'fanal/wallet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiWorld, apiWorld } from '../../support/api-world.ts';
import { COIN } from '../../support/ledger-chain.ts';

let w: ApiWorld;
let wallet: Wallet;
let txid: string;
const address = () => encodeAddress(w.chain.person('bob').address, 'dfan');
const get = (target: string, init: RequestInit = {}) => fetch(w.url + target, init);

beforeAll(async () => {
  w = await apiWorld({ faucet: true });
  w.block();
  const client = createClient({
    chain: chainFromGenesis(w.chain.genesis),
    transport: http(w.url),
    platform: { now: w.ports.now },
  });
  const alice = w.chain.person('alice');
  wallet = createWallet({ client, account: accountFromKeys([alice], 'dfan') });
  await wallet.sync();
  const draft = await wallet.build({ to: [{ address: address(), amount: 3n * COIN }] });
  await wallet.send(draft);
  txid = toHex(draft.id);
  w.block();
  w.block();
});

afterAll(() => w.close());

describe('the node’s surface', () => {
  it('serves every route of the table', async () => {
    const set = toHex(w.chain.ledger.tip().header.validatorsHash);
    const key = toHex(w.chain.start.genesisId);
    const targets: Record<
      Exclude<RouteName, 'submit' | 'addressQuery' | 'faucet'>,
      [string, number]
    > = {
      checkpoint: ['/checkpoint', 200],
      tile: ['/tile/0/000.p/4', 200],
      chain: ['/v1/chain', 200],
      genesis: ['/v1/genesis', 200],
      update: ['/v1/update?from=1', 200],
      handover: ['/v1/epochs/0/handover', 404],
      validatorSet: [`/v1/validators/${set}`, 200],
      validators: ['/v1/validators', 200],
      header: ['/v1/headers/1', 200],
      headers: ['/v1/headers?from=0&limit=2', 200],
      block: ['/v1/blocks/2', 200],
      blockTransactions: ['/v1/blocks/2/transactions', 200],
      transaction: [`/v1/transactions/${txid}`, 200],
      transactionProof: [`/v1/transactions/${txid}/proof`, 200],
      receipt: [`/v1/transactions/${txid}/receipt`, 200],
      transactionStatus: [`/v1/transactions/${txid}/status`, 200],
      address: [`/v1/addresses/${address()}`, 200],
      coins: [`/v1/addresses/${address()}/coins`, 200],
      history: [`/v1/addresses/${address()}/history`, 200],
      state: [`/v1/state/${key}`, 200],
      fees: ['/v1/fees', 200],
      mempool: ['/v1/mempool', 200],
      events: ['/v1/events', 200],
      snapshots: ['/v1/snapshots', 200],
      snapshotChunk: ['/v1/snapshots/1/chunks/0', 404],
      livez: ['/livez', 200],
      readyz: ['/readyz', 200],
      status: ['/status', 200],
      openapi: ['/openapi.json', 200],
      docs: ['/docs', 200],
    };
    for (const [name, [target, status]] of Object.entries(targets)) {
      const controller = new AbortController();
      const response = await get(target, { signal: controller.signal });
      expect(response.status, `${name} ${target}`).toBe(status);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      controller.abort();
    }
    expect(w.errors).toEqual([]);
  });

  it('gives canonical bytes and JSON of the same answer, with one cache policy', async () => {
    for (const [name, route] of Object.entries(ROUTES)) {
      if (route.bytes === null || route.method === 'POST') continue;
      const path = route.path
        .replace('{height}', '1')
        .replace('{epoch}', '0')
        .replace('{txid}', txid)
        .replace('{hash}', toHex(w.chain.ledger.tip().header.validatorsHash))
        .replace('{key}', txid)
        .replace('{address}', address());
      const plain = await get(path);
      const bytes = await get(`${path}?format=bytes`);
      expect(bytes.status, name).toBe(plain.status);
      expect(bytes.headers.get('cache-control'), name).toBe(plain.headers.get('cache-control'));
      if (plain.status === 200) {
        expect(bytes.headers.get('content-type'), name).toBe('application/octet-stream');
      }
    }
  });

  it('lets a wallet prove what it serves', async () => {
    await wallet.sync();
    const { client } = wallet;
    const balance = await client.getBalance({ address: address() });
    expect(balance).toMatchObject({ trust: 'proved', balance: 503n * COIN });
    const found = await client.getTransaction({ id: txid });
    expect(found).toMatchObject({ trust: 'proved', height: 2n });
    const list = await client.getCoins({ address: address() });
    expect(list.coins).toHaveLength(2);
    const received: bigint[] = [];
    for await (const item of client.history({ address: address() })) received.push(item.received);
    expect(received).toEqual([500n * COIN, 3n * COIN]);
  });

  it('writes receipts that verify offline against nothing but the genesis', async () => {
    const file = await (await get(`/v1/transactions/${txid}/receipt?epoch=0`)).text();
    const trust = trustGenesis(w.chain.genesis);
    const proved = await verifyReceiptText(file, trust, verifyInJavaScript);
    expect(toHex(proved.txid)).toBe(txid);
  });

  it('says where the lasting form of a proof is, and what may be kept for ever', async () => {
    const moving = await get(`/v1/addresses/${address()}`);
    expect(moving.headers.get('cache-control')).toContain('max-age=1,');
    const lasting = moving.headers.get('content-location') as string;
    expect(matchRoute('GET', lasting).name).toBe('address');
    const pinned = await get(lasting);
    expect(pinned.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(await pinned.text()).toBe(await moving.text());
  });

  it('answers 304 to whoever has it already', async () => {
    const first = await get('/v1/blocks/1');
    const tag = first.headers.get('etag') as string;
    expect(tag).toMatch(/^"[0-9a-f]{32}"$/);
    const again = await get('/v1/blocks/1', { headers: { 'if-none-match': tag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    const other = await get('/v1/blocks/1', { headers: { 'if-none-match': '"x"' } });
    expect(other.status).toBe(200);
  });

  it('pages through a list by its cursor and link', async () => {
    const seen: string[] = [];
    let target: string | null = `/v1/addresses/${address()}/coins?limit=1`;
    while (target !== null) {
      const response: Response = await get(target);
      const page = (await response.json()) as { items: { txid: string }[]; next: string | null };
      seen.push(...page.items.map((coin) => coin.txid));
      const link = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '');
      target = link?.[1] ?? null;
      expect(target === null).toBe(page.next === null);
    }
    expect(new Set(seen).size).toBe(2);
  });

  it('tells sizes it has not certified from states it has forgotten', async () => {
    const ahead = await get(`/v1/addresses/${address()}?at=1000`);
    expect(ahead.status).toBe(409);
    expect(await ahead.json()).toMatchObject({ code: 'not-yet-certified' });
    const past = await get(`/v1/addresses/${address()}/history?from=1000`);
    expect([past.status, (await past.json()).code]).toEqual([404, 'not-found']);
    const nowhere = await get('/v1/update?from=0');
    expect([nowhere.status, (await nowhere.json()).reason]).toEqual([400, 'ledger/size']);
    const pruned = await apiWorld({ provableStates: 64n });
    for (let i = 0; i < 70; i++) pruned.block();
    while (pruned.chain.ledger.prune());
    const forgotten = await fetch(`${pruned.url}/v1/addresses/${address()}?at=2`);
    expect(forgotten.status).toBe(410);
    expect(await forgotten.json()).toMatchObject({ code: 'pruned', status: 410 });
    const kept = await fetch(`${pruned.url}/v1/addresses/${address()}?at=70`);
    expect(kept.status).toBe(200);
    await pruned.close();
  });

  it.each([
    ['/v1/nothing', 404, 'not-found'],
    ['/v1/chain?x=1', 400, 'invalid-request'],
    ['/v1/blocks/99999', 404, 'not-found'],
    ['/v1/blocks/01', 400, 'invalid-request'],
    ['//v1/chain', 404, 'not-found'],
    ['/v1/./chain', 404, 'not-found'],
    ['/v1/chain/../chain', 404, 'not-found'],
    ['/v1/%63hain', 404, 'not-found'],
    [`/v1/addresses/dfan1${'q'.repeat(59)}`, 400, 'invalid-request'],
    [`/v1/blocks/${'1'.repeat(2100)}`, 413, 'payload-too-large'],
  ])('answers %s with %i %s', async (target, status, code) => {
    const { head, body } = await raw(
      `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain('application/problem+json');
    const problem = JSON.parse(body);
    expect(problem).toMatchObject({ code, status, type: `urn:fanal:problem:${code}` });
    expect(PROBLEMS).toHaveProperty(problem.code);
    expect(head).toContain(status === 404 ? 'public, max-age=2' : 'no-store');
  });

  it('answers HEAD like GET without the body, and OPTIONS for browsers', async () => {
    const response = await get('/v1/chain', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
    const options = await get('/v1/transactions', { method: 'OPTIONS' });
    expect(options.status).toBe(204);
    expect(options.headers.get('access-control-allow-methods')).toBe('POST');
    expect(options.headers.get('access-control-allow-origin')).toBe('*');
    const wrong = await get('/v1/chain', { method: 'DELETE' });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toBe('GET, HEAD');
  });

  it('describes itself completely: every route, every reference resolved', async () => {
    const document = (await (await get('/openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, Record<string, unknown>>;
      components: { schemas: Record<string, unknown> };
    };
    expect(document.openapi).toBe('3.1.0');
    const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = Object.values(ROUTES).map(({ method, path }) => `${method} ${path}`);
    expect(listed.sort()).toEqual(routes.sort());
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(document.components.schemas).toHaveProperty(name as string);
    }
    const page = await get('/docs');
    expect(page.headers.get('content-security-policy')).not.toContain('script');
    expect(await page.text()).toContain('/v1/transactions/{txid}/receipt');
  });

  it('lists every metric of the table on the operations port, and none on the public one', async () => {
    const text = await (await fetch(`${w.operationsUrl}/metrics`)).text();
    expect(text).toMatch(/fanal_http_requests_total\{[^}]*route="chain"[^}]*\} [1-9]/);
    expect(text).toMatch(/fanal_chain_certified_height\{[^}]*\} 3/);
    expect(text).toContain('chain_id="');
    expect(text).toMatch(/fanal_mempool_admitted_total\{[^}]*source="api"[^}]*\} 0/);
    expect((await get('/metrics')).status).toBe(404);
    expect((await fetch(`${w.operationsUrl}/v1/chain`)).status).toBe(404);
    expect((await fetch(`${w.operationsUrl}/livez`)).status).toBe(200);
  });
});

/** Sends bytes as they are and reads the whole answer. */
function raw(request: string): Promise<{ head: string; body: string }> {
  const { hostname, port } = new URL(w.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(request));
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('error', reject);
    socket.on('end', () => {
      const end = text.indexOf('\r\n\r\n');
      const head = text.slice(0, end);
      const rest = text.slice(end + 4);
      // Node sends small bodies with their length; a chunked one keeps its braces all the same.
      const body = rest.slice(rest.indexOf('{'), rest.lastIndexOf('}') + 1);
      resolve({ head, body });
    });
  });
}
