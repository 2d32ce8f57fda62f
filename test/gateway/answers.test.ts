import { parseJson } from 'fanal/api/json.ts';
import { matchRoute } from 'fanal/api/match.ts';
import { ROUTES } from 'fanal/api/routes.ts';
import { addressProofCodec, verifyAddressProof } from 'fanal/light/address-proof.ts';
import { coinsPageCodec, takeCoinsPage } from 'fanal/light/coins.ts';
import { follow } from 'fanal/light/follow.ts';
import {
  headerProofCodec,
  type VerifiedHeader,
  verifyHeaderProof,
} from 'fanal/light/header-proof.ts';
import { historyPageCodec, verifyHistoryPage } from 'fanal/light/history.ts';
import { receiptCodec, verifyReceipt } from 'fanal/light/receipt.ts';
import { verifyReceiptText } from 'fanal/light/receipt-text.ts';
import { transactionProofCodec, verifyTransactionProof } from 'fanal/light/transaction-proof.ts';
import { updateCodec } from 'fanal/light/update.ts';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import type { TestBlock } from 'fanal/testing/chain.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { type MemoryGateway, openMemoryGateway, testVerify } from './memory-gateway.ts';
import { addBlockNow, payment, provedTargets, type Story, tellStory } from './story.ts';
import { type TestNode, testNode } from './test-node.ts';

let story: Story;
let node: TestNode;
let gateway: MemoryGateway;

beforeAll(async () => {
  story = tellStory({ blocks: 270, epochEnds: [4, 100], payments: [1, 2, 3, 6, 260] });
  node = testNode(story.chain);
  gateway = openMemoryGateway({ anchor: story.chain.trust, nodes: { honest: node.fetch } });
  expect(await gateway.step()).toBe('advanced');
});

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

describe('what a gateway answers', () => {
  it('every proved route gives what a wallet can check, in bytes and in JSON', async () => {
    for (const [name, target] of Object.entries(provedTargets(story))) {
      const response = await gateway.get(target);
      expect(`${name}: ${response.status}`).toBe(`${name}: 200`);
      const plain = await gateway.get(target.replace(/[?&]format=bytes/, ''));
      expect(`${name}: ${plain.status}`).toBe(`${name}: 200`);
    }
  });

  it('an update leads a wallet from genesis over every epoch to the tip', async () => {
    const update = updateCodec.decode(
      await bytesOf(await gateway.get('/v1/update?from=1&format=bytes')),
    );
    const { state, verdict } = await follow(story.chain.trust, update, {
      now: BigInt(Date.now()),
      verify: testVerify,
    });
    expect(verdict.kind).toBe('fresh');
    expect(state.header.height).toBe(270n);
    expect(update.handovers.map(({ header }) => header.epoch)).toEqual([0, 1]);
  });

  it('proofs at the tip and at older sizes verify against those sizes', async () => {
    const { chain, alice, txids } = story;
    for (const size of [chain.size, 257n, 256n, 20n]) {
      const tip = { size, root: (chain.blocks[Number(size) - 1] as TestBlock).root };
      const proof = headerProofCodec.decode(
        await bytesOf(await gateway.get(`/v1/headers/2?at=${size}&format=bytes`)),
      );
      expect(verifyHeaderProof(proof, tip).height).toBe(2n);
      const paid = transactionProofCodec.decode(
        await bytesOf(
          await gateway.get(`/v1/transactions/${txids[0]}/proof?at=${size}&format=bytes`),
        ),
      );
      expect(toHex(verifyTransactionProof(paid, tip).txid)).toBe(txids[0]);
      const record = addressProofCodec.decode(
        await bytesOf(await gateway.get(`/v1/addresses/${alice.text}?at=${size}&format=bytes`)),
      );
      const header = chain.blocks[Number(size) - 1]?.header as VerifiedHeader;
      expect(verifyAddressProof(record, alice.address, header).isUsed).toBe(true);
    }
  });

  it('pages of coins and history are those of the record, without a gap', async () => {
    const { chain, alice, bob } = story;
    const at = chain.size;
    const header = chain.tip.header as VerifiedHeader;
    const read = async (target: string) => bytesOf(await gateway.get(`${target}&format=bytes`));
    const proved = verifyAddressProof(
      addressProofCodec.decode(await read(`/v1/addresses/${bob.text}?at=${at}`)),
      bob.address,
      header,
    );
    let target = `/v1/addresses/${bob.text}/coins?at=${at}&limit=2`;
    let soFar = { coins: [], leaves: [], isLast: false } as Parameters<typeof takeCoinsPage>[0];
    for (let pages = 0; !soFar.isLast; pages++) {
      expect(pages).toBeLessThan(10);
      soFar = takeCoinsPage(soFar, coinsPageCodec.decode(await read(target)), proved);
      const last = soFar.leaves.at(-1)?.key as Uint8Array;
      target = `/v1/addresses/${bob.text}/coins?limit=2&cursor=${at}-${toHex(last)}`;
    }
    expect(soFar.coins).toHaveLength(5);
    const owner = verifyAddressProof(
      addressProofCodec.decode(await read(`/v1/addresses/${alice.text}?at=${at}`)),
      alice.address,
      header,
    );
    const page = historyPageCodec.decode(
      await read(`/v1/addresses/${alice.text}/history?at=${at}&from=1&limit=3`),
    );
    expect(verifyHistoryPage(page, 1n, owner)).toHaveLength(3);
  });

  it('a receipt proves a payment offline, also to a reader of an older epoch', async () => {
    const { txids, chain } = story;
    const options = [chain.trust, testVerify] as const;
    const path = `/v1/transactions/${txids[0]}/receipt?epoch=0`;
    const text = await (await gateway.get(path)).text();
    expect(toHex((await verifyReceiptText(text, ...options)).txid)).toBe(txids[0]);
    const bytes = await bytesOf(await gateway.get(`${path}&format=bytes`));
    expect(toHex((await verifyReceipt(receiptCodec.decode(bytes), ...options)).txid)).toBe(
      txids[0],
    );
  });

  it('each answer says how long it may be kept, and what it is proved against', async () => {
    const { chain, alice } = story;
    const at = chain.size;
    const pinned = await gateway.get(`/v1/addresses/${alice.text}?at=${at}`);
    expect(pinned.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    const tip = await gateway.get(`/v1/addresses/${alice.text}`);
    expect(tip.headers.get('cache-control')).toContain('max-age=1,');
    expect(tip.headers.get('content-location')).toBe(`/v1/addresses/${alice.text}?at=${at}`);
    expect(tip.headers.get('fanal-size')).toBe(String(at));
    expect(await tip.text()).toBe(await pinned.text());
    const partial = await gateway.get('/tile/0/001.p/15');
    expect(partial.headers.get('cache-control')).toBe('public, max-age=604800, immutable');
    const full = await gateway.get('/tile/0/000');
    expect(full.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    for (const target of ['/livez', '/readyz', '/status', '/v1/transactions/x/status']) {
      const { headers } = await gateway.get(target);
      expect(headers.get('cache-control'), target).toBe('no-store');
    }
  });

  it('a client that has an answer already gets 304 and no body', async () => {
    const target = '/v1/headers/2?at=20';
    const first = await gateway.get(target);
    const tag = first.headers.get('etag') as string;
    expect(tag).toMatch(/^"[0-9a-f]{32}"$/);
    const again = await gateway.get(target, { headers: { 'if-none-match': `"x", W/${tag}` } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    expect(again.headers.get('etag')).toBe(tag);
    const other = await gateway.get(target, { headers: { 'if-none-match': '"x"' } });
    expect(other.status).toBe(200);
  });

  it('HEAD gives the headers alone, OPTIONS what a browser asks first', async () => {
    const head = await gateway.get('/v1/chain', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const options = await gateway.get('/v1/transactions', { method: 'OPTIONS' });
    expect(options.status).toBe(204);
    expect(options.headers.get('access-control-allow-methods')).toBe('POST');
    const wrong = await gateway.get('/v1/chain', { method: 'DELETE' });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('the checkpoint carries no signature that was not checked here', async () => {
    const note = await (await gateway.get('/checkpoint')).text();
    // Three of four equal stakes are a quorum; the fourth signature was never looked at.
    expect(note.split('\n').filter((line) => line.startsWith('\u2014'))).toHaveLength(3);
  });

  it('a payment goes to the nodes, and is certified once a block has it', async () => {
    const { chain, alice, bob } = story;
    const bytes = payment(chain, alice, bob.address, 7_000_000n);
    const submit = (body: Uint8Array) =>
      gateway.get('/v1/transactions', {
        method: 'POST',
        body: body as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': 'application/octet-stream' },
      });
    const first = await submit(bytes);
    expect(first.status).toBe(202);
    const { txid, status } = (await first.json()) as { txid: string; status: { kind: string } };
    expect(status.kind).toBe('pending');
    expect((await submit(bytes)).status).toBe(200);
    addBlockNow(chain);
    await gateway.step();
    const settled = await gateway.get(`/v1/transactions/${txid}/status`);
    expect(await settled.json()).toMatchObject({ kind: 'certified', height: '271' });
    const forged = bytes.slice();
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    const refused = await submit(forged);
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ reason: 'transaction/bad-signature' });
  });

  it('many records come in one answer, each with its proof', async () => {
    const { alice, nobody, chain } = story;
    const body = JSON.stringify({ addresses: [alice.text, nobody.text], at: '100' });
    const response = await gateway.get('/v1/addresses/query', { method: 'POST', body });
    const { height, proofs } = (await response.json()) as { height: string; proofs: string[] };
    expect([response.status, height, proofs.length]).toEqual([200, '99', 2]);
    const header = chain.blocks[99]?.header as VerifiedHeader;
    const [, second] = proofs.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));
    const proved = verifyAddressProof(
      addressProofCodec.decode(second as Uint8Array),
      nobody.address,
      header,
    );
    expect(proved.isUsed).toBe(false);
  });

  it('reported answers are read and written again, never passed through', async () => {
    node.lie((answer, { name }) =>
      name === 'fees'
        ? {
            ...answer,
            body: utf8('{"minFeePerByte":"10","feePerByte":"10","dust":"1","html":"<b>"}'),
          }
        : answer,
    );
    const fees = await gateway.get('/v1/fees');
    node.lie(null);
    expect(await fees.json()).toEqual({ minFeePerByte: '10', feePerByte: '10', dust: '1' });
  });

  it('describes its surface, and says what it is', async () => {
    const document = (await (await gateway.get('/openapi.json')).json()) as { paths: object };
    expect(Object.keys(document.paths)).toContain('/v1/update');
    const page = await gateway.get('/docs');
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(await page.text()).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    const chain = parseJson(await bytesOf(await gateway.get('/v1/chain'))) as Record<
      string,
      unknown
    >;
    expect(chain.software).toMatchObject({ name: 'fanal-gateway' });
    const status = (await (await gateway.get('/status')).json()) as object;
    expect(status).toMatchObject({ status: 'healthy', ready: true, conflicts: 0 });
  });

  it('has an answer to every route of the table', async () => {
    for (const [name, { method, path }] of Object.entries(ROUTES)) {
      if (path.includes('{') || method === 'POST' || name === 'events') continue;
      const response = await gateway.get(path);
      expect(matchRoute('GET', path).name).toBe(name);
      const expected = path === '/v1/snapshots' ? 404 : 200;
      expect(`${name} ${response.status}`).toBe(`${name} ${expected}`);
    }
  });
});
