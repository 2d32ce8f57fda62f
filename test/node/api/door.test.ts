import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { signedTransactionCodec } from 'fanal/chain/transaction.ts';
import { encodeAddress } from 'fanal/crypto/address.ts';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi, problemOf } from '../../../node/api/app.ts';
import { openMetrics } from '../../../node/api/metrics.ts';
import { addressOf, clientOf, isLoopback, RateLimiter } from '../../../node/api/rates.ts';
import { type ApiWorld, apiWorld } from '../../support/api-world.ts';
import { COIN } from '../../support/ledger-chain.ts';

let w: ApiWorld;

beforeAll(async () => {
  w = await apiWorld({ faucet: true });
  w.block();
});

afterAll(() => w.close());

const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers = {}) =>
  fetch(w.url + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
const code = async (response: Response) => ((await response.json()) as { code: string }).code;

/** A payment of one coin from Alice, one for each fee. */
function payment(fee = 10_000n) {
  return w.chain.pay('alice', w.chain.genesisCoin('alice'), 'bob', COIN, fee);
}

describe('a body', () => {
  it('that ends before its declared length is no failure of the node', async () => {
    const before = w.errors.length;
    const { port } = new URL(w.url);
    const head = 'POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n';
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(`${head}0123456789`, () => setTimeout(() => socket.destroy(), 50));
      });
      socket.on('close', () => setTimeout(resolve, 200));
    });
    expect(w.errors.slice(before)).toEqual([]);
  });

  it('is refused when it is no strict JSON, with a 400 and never a 500', async () => {
    const folder = resolve(import.meta.dirname, '../../vectors/jsontestsuite/test_parsing');
    for (const name of readdirSync(folder)) {
      if (name.startsWith('y_')) continue;
      const body = readFileSync(join(folder, name));
      const response = await post('/v1/transactions', body);
      const status = body.length > 65_536 ? 413 : 400;
      expect([name, response.status]).toEqual([name, status]);
      await response.body?.cancel();
    }
    expect(w.errors).toEqual([]);
  });

  it.each([
    ['nothing', ''],
    ['another shape', '[]'],
    ['no transaction', '{}'],
    ['hex in upper case', '{"transaction":"AB"}'],
    ['a number', '{"transaction":1}'],
    ['garbage for a transaction', '{"transaction":"00"}'],
  ])('of %s is refused', async (_, body) => {
    const response = await post('/v1/transactions', body);
    expect([400, 422]).toContain(response.status);
  });

  it('may have 64 KiB and not one byte more, whatever its header says', async () => {
    const pad = (length: number) => utf8(`{"addresses":[],"at":null${' '.repeat(length - 26)}}`);
    expect((await post('/v1/addresses/query', pad(65_536).slice())).status).toBe(200);
    expect((await post('/v1/addresses/query', pad(65_537).slice())).status).toBe(413);
    const chunked = await fetch(`${w.url}/v1/addresses/query`, {
      method: 'POST',
      body: new ReadableStream({
        start(controller) {
          for (let i = 0; i < 100; i++) controller.enqueue(new Uint8Array(1_000).fill(0x20));
          controller.close();
        },
      }),
      headers: { 'content-type': 'application/json' },
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(413);
  });

  it('is refused when it is compressed', async () => {
    const body = new Uint8Array(gzipSync('{}'));
    const response = await post('/v1/transactions', body, { 'content-encoding': 'gzip' });
    expect(response.status).toBe(400);
  });

  it('has no place on a GET', async () => {
    const text = await exchange(
      'GET /v1/chain HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    );
    expect(text).toContain('HTTP/1.1 400');
  });

  it('needs a type that we read', async () => {
    const response = await post('/v1/transactions', 'x', { 'content-type': 'text/plain' });
    expect(response.status).toBe(400);
  });
});

describe('the door', () => {
  it('lets no header decide what is answered, or under which address', async () => {
    const plain = await (await fetch(`${w.url}/v1/chain`)).text();
    for (const headers of [
      { 'x-forwarded-host': 'evil.example', 'x-original-url': '/v1/fees' },
      { 'x-http-method-override': 'DELETE', 'x-rewrite-url': '/livez' },
      { host: 'evil.example', forwarded: 'for=1.2.3.4;host=evil' },
      { range: 'bytes=0-1', origin: 'https://evil.example', cookie: 'a=b' },
    ]) {
      const response = await fetch(`${w.url}/v1/chain`, { headers });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(plain);
      expect(JSON.stringify([...response.headers])).not.toContain('evil');
      expect(response.headers.get('vary')).toBeNull();
    }
  });

  it('refuses headers longer than 8 KiB', async () => {
    const response = await fetch(`${w.url}/v1/chain`, { headers: { 'x-pad': 'a'.repeat(8_300) } });
    expect(response.status).toBe(400);
    const far = await exchange(
      `GET /v1/chain HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
    );
    expect(far).toContain('HTTP/1.1 431');
  });

  it.each([
    'GET /v1/chain HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
    'GET /v1/ch\u0000ain HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /v1/chain\r\n\r\n',
    '\u0016\u0003\u0001\u0000\u0000',
  ])('ends connections that speak no proper HTTP: %j', async (bytes) => {
    expect(await exchange(bytes)).toMatch(/^HTTP\/1\.1 400 /);
    expect((await fetch(`${w.url}/livez`)).status).toBe(200);
  });

  it('counts an IPv4 address whole, an IPv6 address by its /64, and mapped ones as IPv4', () => {
    expect(clientOf('203.0.113.7')).toBe('203.0.113.7');
    expect(clientOf('::ffff:203.0.113.7')).toBe('203.0.113.7');
    expect(clientOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(clientOf('2001:db8:1:2::1')).toBe('2001:db8:1:2::/64');
    expect(clientOf('2001:0db8:0001:0002::')).toBe('2001:db8:1:2::/64');
    expect(clientOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect([isLoopback('127.0.0.1'), isLoopback('::1'), isLoopback('::ffff:127.0.0.9')]).toEqual([
      true,
      true,
      true,
    ]);
    expect(isLoopback('128.0.0.1')).toBe(false);
  });

  it('refills a bucket at its rate, and says how long to wait', () => {
    let now = 0n;
    const limiter = new RateLimiter({ burst: 10, perSecond: 2 }, () => now);
    for (let i = 9; i >= 0; i--) {
      expect(limiter.take('a', 1)).toEqual({ ok: true, remaining: i, retryAfterSeconds: 0 });
    }
    expect(limiter.take('a', 4)).toEqual({ ok: false, remaining: 0, retryAfterSeconds: 2 });
    expect(limiter.take('b', 4).ok).toBe(true);
    now = 2_000n;
    expect(limiter.take('a', 4)).toMatchObject({ ok: true });
  });

  it('answers 429 with Retry-After to a stranger who asks too much, and others as ever', async () => {
    const metrics = openMetrics('test');
    const api = createApi(w.ports, { metrics, onError: () => {} });
    const target = '/v1/fees';
    const ask = (address: string, headers = {}) =>
      api.fetch(new Request(`http://node${target}`, { headers }), { address, target });
    let refused: Response | null = null;
    for (let i = 0; i < 700 && refused === null; i++) {
      // A header cannot make one client many.
      const response = await ask('2001:db8::1', { 'x-forwarded-for': `10.0.0.${i % 256}` });
      if (response.status !== 200) refused = response;
    }
    expect(refused?.status).toBe(429);
    expect(refused?.headers.get('retry-after')).toBe('1');
    expect(refused?.headers.get('cache-control')).toBe('no-store');
    const neighbour = await ask('2001:db8::ffff:2');
    expect(neighbour.status, 'the same /64').toBe(429);
    const other = await ask('2001:db8:0:1::1');
    expect(other.status).toBe(200);
    expect(other.headers.get('ratelimit-policy')).toBe('"read";q=600;w=10');
    expect(other.headers.get('ratelimit')).toBe('"read";r=599');
    api.close();
  });

  it('lets those whom the operator names ask without a limit', async () => {
    const metrics = openMetrics('test');
    const unlimited = ['198.51.100.7', '2001:db8:0:7::1'];
    const api = createApi(w.ports, { metrics, unlimited, onError: () => {} });
    const target = '/v1/fees';
    const ask = (address: string) =>
      api.fetch(new Request(`http://node${target}`), { address, target });
    for (const address of ['198.51.100.7', '::ffff:198.51.100.7', '2001:db8:0:7::99']) {
      for (let i = 0; i < 610; i++) await (await ask(address)).arrayBuffer();
      expect((await ask(address)).status, address).toBe(200);
    }
    api.close();
  });

  it('takes a client from a proxy on this machine if it is told to, and from nobody else', () => {
    const from = (remoteAddress: string, forwarded: string | undefined, trusted: boolean) =>
      addressOf(
        { socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } } as never,
        trusted,
      );
    expect(from('127.0.0.1', '10.0.0.1, 203.0.113.9', true)).toBe('203.0.113.9');
    expect(from('::1', '2001:db8::5', true)).toBe('2001:db8::5');
    expect(from('127.0.0.1', '203.0.113.9', false)).toBe('127.0.0.1');
    expect(from('198.51.100.7', '203.0.113.9', true)).toBe('198.51.100.7');
    expect(from('127.0.0.1', 'unknown', true)).toBe('127.0.0.1');
    expect(from('127.0.0.1', undefined, true)).toBe('127.0.0.1');
  });

  it('says nothing of what broke inside, and reports it to the operator', async () => {
    const errors: unknown[] = [];
    const ledger = {
      ...w.ports.ledger,
      info: async () => Promise.reject(new Error('secret path')),
    };
    const broken = { ...w.ports, ledger: ledger as unknown as typeof w.ports.ledger };
    const api = createApi(broken, {
      metrics: openMetrics('test'),
      onError: (error) => errors.push(error),
    });
    const target = '/v1/genesis';
    const response = await api.fetch(new Request(`http://node${target}`), {
      address: null,
      target,
    });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(errors).toHaveLength(1);
    expect(problemOf(new RangeError('x')).problem).toBe('internal');
    api.close();
  });

  it('begins no more while 4096 requests wait for the ledger, and says how it is all the same', async () => {
    let release: () => void = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const ledger = {
      ...w.ports.ledger,
      info: async () => {
        await slow;
        return w.ports.ledger.info();
      },
    } as unknown as typeof w.ports.ledger;
    const api = createApi({ ...w.ports, ledger }, { metrics: openMetrics('test'), onError() {} });
    const ask = async (target: string) => {
      const request = new Request(`http://node${target}`);
      return (await api.fetch(request, { address: null, target })).status;
    };
    const waiting = Array.from({ length: 4_096 }, () => ask('/v1/genesis'));
    expect(await ask('/v1/genesis')).toBe(503);
    expect(await ask('/livez')).toBe(200);
    release();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([200]));
    expect(await ask('/v1/genesis')).toBe(200);
    api.close();
  });

  it('outlives work that fails when nobody waits for it any more', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    try {
      const api = createApi(w.ports, { metrics: openMetrics('test'), onError: () => {} });
      const target = '/v1/blocks/1000000';
      const ask = async () => {
        const request = new Request(`http://node${target}`);
        return (await api.fetch(request, { address: null, target })).status;
      };
      expect(await ask()).toBe(404);
      api.close();
      expect(await ask()).toBe(503);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', note);
    }
  });
});

describe('submitting', () => {
  it('gives 202 first, 200 when it is known, and a status to follow', async () => {
    const { bytes, txid } = payment();
    const first = await fetch(`${w.url}/v1/transactions`, {
      method: 'POST',
      body: bytes.slice(),
      headers: { 'content-type': 'application/octet-stream' },
    });
    expect(first.status).toBe(202);
    expect(await first.json()).toEqual({ txid: toHex(txid), status: { kind: 'pending' } });
    const again = await post('/v1/transactions', JSON.stringify({ transaction: toHex(bytes) }));
    expect(again.status).toBe(200);
    const waiting = post('/v1/transactions', JSON.stringify({ transaction: toHex(bytes) }), {
      prefer: 'respond-async, wait=10',
    });
    setTimeout(() => w.block(), 50);
    const settled = await waiting;
    expect(settled.headers.get('preference-applied')).toBe('wait=10');
    expect(await settled.json()).toMatchObject({ status: { kind: 'certified', height: '2' } });
    const status = await fetch(w.url + (first.headers.get('location') as string));
    expect(await status.json()).toEqual({ kind: 'certified', height: '2', position: 0 });
  });

  it('says why not, by a code', async () => {
    const spent = payment(20_000n);
    const conflict = await post(
      '/v1/transactions',
      JSON.stringify({ transaction: toHex(spent.bytes) }),
    );
    expect(conflict.status).toBe(409);
    expect(await conflict.json()).toMatchObject({
      code: 'transaction-conflict',
      reason: 'transaction/coin-unknown',
    });
    const unspent = w.chain.pay('bob', w.chain.genesisCoin('bob'), 'alice', COIN);
    const signed = signedTransactionCodec.decode(unspent.bytes);
    const [witness] = signed.witnesses;
    if (witness?.kind !== 'key') throw new Error('a key witness');
    const forged = signedTransactionCodec.encode({
      ...signed,
      witnesses: [{ ...witness, signature: witness.signature.toReversed() as Uint8Array }],
    });
    const refused = await post('/v1/transactions', JSON.stringify({ transaction: toHex(forged) }));
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ reason: 'transaction/bad-signature' });
  });

  it('says why a transaction that waited is given up', async () => {
    const other = await apiWorld();
    try {
      const [first, second] = ['bob', 'carol'].map((to) =>
        other.chain.pay('alice', other.chain.genesisCoin('alice'), to, COIN),
      ) as [ReturnType<typeof payment>, ReturnType<typeof payment>];
      const status = async () => {
        const path = `/v1/transactions/${toHex(first.txid)}/status`;
        return (await fetch(other.url + path)).json();
      };
      expect(await status()).toEqual({ kind: 'unknown' });
      await fetch(`${other.url}/v1/transactions`, {
        method: 'POST',
        body: first.bytes as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': 'application/octet-stream' },
      });
      expect(await status()).toEqual({ kind: 'pending' });
      other.block(500n, [second.bytes]);
      expect(await status()).toEqual({ kind: 'evicted', code: 'transaction/coin-spent' });
    } finally {
      await other.close();
    }
  });

  it('gives coins only where there is a faucet', async () => {
    const address = encodeAddress(w.chain.person('carol').address, 'dfan');
    const granted = await post('/v1/faucet', JSON.stringify({ address }));
    expect(granted.status).toBe(202);
    expect(await granted.json()).toMatchObject({ amount: '100' });
    const wrong = await post('/v1/faucet', JSON.stringify({ address: address.replace('d', 't') }));
    expect(wrong.status).toBe(400);
    const without = await apiWorld();
    const response = await fetch(`${without.url}/v1/faucet`, {
      method: 'POST',
      body: JSON.stringify({ address }),
      headers: { 'content-type': 'application/json' },
    });
    expect([response.status, await code(response)]).toEqual([404, 'not-found']);
    await without.close();
  });
});

describe('health', () => {
  it('is ready while caught up with peers, and says why it is not', async () => {
    const ready = async () => {
      const response = await fetch(`${w.url}/readyz`);
      return [response.status, (await response.text()).trim()];
    };
    expect(await ready()).toEqual([200, 'ok']);
    w.setNetwork({ sync: { mode: 'blocks', height: 3n, target: 9n } });
    expect(await ready()).toEqual([503, 'syncing blocks: 3 of 9']);
    w.setNetwork({ trouble: 'no peers' });
    expect(await ready()).toEqual([503, 'no peers']);
    w.setNetwork({});
    w.pass(61_000n);
    expect(await ready()).toEqual([503, 'newest checkpoint is 61 s old']);
    w.pass(-61_000n);
    const status = (await (await fetch(`${w.url}/status`)).json()) as Record<string, unknown>;
    expect(status).toMatchObject({ status: 'healthy', ready: true, peers: { inbound: 2 } });
    expect((await fetch(`${w.url}/livez`)).status).toBe(200);
  });

  it('calls more than a tenth of failures unhealthy, from twenty requests up', async () => {
    const { HealthWindow } = await import('../../../node/api/health.ts');
    let now = 0n;
    const window = new HealthWindow(() => now);
    for (let i = 0; i < 19; i++) window.record(500, 1);
    expect(window.read().status).toBe('healthy');
    window.record(500, 1);
    expect(window.read()).toMatchObject({ status: 'unhealthy', errorRate: 1 });
    now = 310_000n;
    expect(window.read()).toMatchObject({ status: 'healthy', requests: 0 });
    for (let i = 0; i < 94; i++) window.record(200, i);
    for (let i = 0; i < 6; i++) window.record(503, 1_000);
    expect(window.read()).toMatchObject({ status: 'degraded', p95Millis: 1_000 });
  });
});

/** Sends bytes as they are and reads until the other side ends. */
function exchange(bytes: string): Promise<string> {
  const { hostname, port } = new URL(w.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(text) : reject(error),
    );
    socket.on('close', () => resolve(text));
  });
}
