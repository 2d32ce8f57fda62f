/**
 * A node on a real socket, over a real chain in memory. It tells the truth until it is told to lie,
 * in what it says or in how it says it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mempoolShape, validatorsShape } from 'fanal/api/chain.ts';
import { matchRoute } from 'fanal/api/match.ts';
import { PROBLEM_CONTENT_TYPE, Problem, problemToJson } from 'fanal/api/problem.ts';
import { headerCodec } from 'fanal/chain/header.ts';
import { cosignerKeyText } from 'fanal/checkpoint/cosignature.ts';
import { listRoot } from 'fanal/merkle/list.ts';
import { encodeEntries, encodeTile, parseTilePath, tileWidth } from 'fanal/merkle/tiles.ts';
import { type Bytes, concat, EMPTY_BYTES, utf8 } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import type { TestChain } from 'fanal/testing/chain.ts';
import { type TestAnswer, type TestRequest, testGateway } from 'fanal/testing/gateway.ts';
import type { Fetch } from '../../workers/chain/upstream-answer.ts';

/** Changes an honest answer; gives it back as it is to tell the truth. */
export type Lie = (answer: TestAnswer, request: TestRequest) => TestAnswer | Promise<TestAnswer>;

export interface TestNodeOptions {
  /** Serves the chain as it was at this size; the tip by default. */
  readonly size?: () => bigint;
  readonly lie?: Lie;
}

export interface TestNode {
  readonly chain: TestChain;
  /** Targets asked so far. */
  readonly asked: string[];
  lie(lie: Lie | null): void;
  answer(method: string, target: string, body?: Bytes): Promise<TestAnswer>;
  /** The node without a socket. */
  readonly fetch: Fetch;
}

/** A node over a chain. */
export function testNode(chain: TestChain, options: TestNodeOptions = {}): TestNode {
  const size = options.size ?? (() => chain.size);
  const inner = testGateway(chain, { size });
  const asked: string[] = [];
  let lie = options.lie ?? null;

  const honest = async (method: string, target: string, body: Bytes): Promise<TestAnswer> => {
    const own = method === 'GET' ? ownAnswer(chain, target, size()) : null;
    if (own !== null) return own;
    const { signal } = new AbortController();
    const asking = { method, body, headers: {}, signal } as unknown as Parameters<
      typeof inner.fetch
    >[1];
    const response = await inner.fetch(inner.url + target, asking);
    return {
      status: response.status,
      headers: { 'content-type': response.headers.get('content-type') ?? '' },
      body: new Uint8Array(await response.arrayBuffer()),
    };
  };
  const answer = async (method: string, target: string, body: Bytes = EMPTY_BYTES) => {
    asked.push(target);
    const truth = await honest(method, target, body);
    return lie === null ? truth : lie(truth, { name: nameOf(method, target), target, body });
  };
  return {
    chain,
    asked,
    lie(next) {
      lie = next;
    },
    answer,
    async fetch(url, init) {
      const target = url.slice(url.indexOf('/', url.indexOf('://') + 3));
      const body = init.body === undefined ? EMPTY_BYTES : new Uint8Array(init.body as Uint8Array);
      const said = await answer(init.method ?? 'GET', target, body);
      const isEmpty = said.status === 204 || said.status === 304;
      return new Response(isEmpty ? null : (said.body as Uint8Array<ArrayBuffer>), {
        status: said.status,
        headers: said.headers,
      });
    },
  };
}

/** A node on a socket. */
export interface ListeningNode extends TestNode {
  readonly url: string;
  close(): Promise<void>;
}

/** Deals with a request in its own way; true when it did. */
export type Manners = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Puts a node on a socket of this machine. `manners` may answer in a node's stead. */
export async function listen(
  node: TestNode,
  manners: Manners = () => false,
): Promise<ListeningNode> {
  const server = createServer(async (request, response) => {
    response.on('error', () => {});
    try {
      if (manners(request, response)) {
        node.asked.push(request.url ?? '/');
        return;
      }
      const body = await read(request);
      const said = await node.answer(request.method ?? 'GET', request.url ?? '/', body);
      response.writeHead(said.status, said.headers);
      response.end(said.body);
    } catch {
      response.destroy();
    }
  });
  server.keepAliveTimeout = 5_000;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    ...node,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** Routes that the chain in memory has no answers to: tiles, the board, the mempool, health. */
function ownAnswer(chain: TestChain, target: string, size: bigint): TestAnswer | null {
  if (target === '/livez') return ok(utf8('ok\n'), 'text/plain');
  if (target.startsWith('/tile/')) return tileAnswer(chain, target, size);
  if (target === '/v1/validators') return ok(utf8(JSON.stringify(board(chain, size))), JSON_TYPE);
  if (target === '/v1/mempool') {
    const stats = { transactions: chain.waiting, bytes: 0, limitBytes: 1_000_000 };
    return ok(utf8(JSON.stringify(mempoolShape.to(stats))), JSON_TYPE);
  }
  return null;
}

const JSON_TYPE = 'application/json';

function tileAnswer(chain: TestChain, target: string, size: bigint): TestAnswer {
  const resource = parseTilePath(target);
  const { index, width } = resource.kind === 'hashes' ? resource.tile : resource.bundle;
  const level = resource.kind === 'hashes' ? resource.tile.level : 0;
  if (width > tileWidth(level, index, size)) return problem(new Problem('not-found'));
  const first = Number(index) * 256;
  if (resource.kind === 'entries') {
    const headers = chain.blocks.slice(first, first + width).map(({ header }) => header);
    return ok(encodeEntries(headers.map((header) => headerCodec.encode(header))));
  }
  let hashes: readonly Hash[] = chain.headerLeaves.slice(0, Number(size));
  for (let i = 0; i < level; i++) {
    const above: Hash[] = [];
    for (let at = 0; at + 256 <= hashes.length; at += 256) {
      above.push(listRoot(hashes.slice(at, at + 256)));
    }
    hashes = above;
  }
  return ok(encodeTile(hashes.slice(first, first + width)));
}

function board(chain: TestChain, size: bigint): unknown {
  const { header, validators } = chain.blocks[Number(size) - 1] ?? chain.tip;
  return validatorsShape(chain.genesis.prefix).to({
    epoch: header.epoch,
    height: header.height,
    validatorsHash: validators.hash,
    totalStake: validators.totalStake,
    items: validators.validators.map((member, i) => ({
      rank: i + 1,
      name: member.name,
      owner: member.owner,
      active: true,
      stake: member.stake,
      pendingBond: 0n,
      pendingUnbond: 0n,
      retired: false,
      jailedUntil: 0,
      readyFor: 0,
      vkey: cosignerKeyText(chain.start.origin, member),
      checkpoints: 10n,
      cosigned: 10n,
      mismatched: 0n,
      cosignedShare: 1,
      accuracy: 1,
      rounds: 10n,
      rewards: 0n,
    })),
  });
}

function nameOf(method: string, target: string): TestRequest['name'] {
  try {
    return matchRoute(method, target).name;
  } catch {
    return null;
  }
}

async function read(request: IncomingMessage): Promise<Bytes> {
  const parts: Bytes[] = [];
  for await (const part of request) parts.push(new Uint8Array(part as Buffer));
  return concat(...parts);
}

function ok(body: Bytes, type = 'application/octet-stream'): TestAnswer {
  return { status: 200, headers: { 'content-type': type }, body };
}

function problem(refused: Problem): TestAnswer {
  return {
    status: refused.status,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE },
    body: utf8(JSON.stringify(problemToJson(refused))),
  };
}
