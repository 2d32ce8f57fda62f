/**
 * Every bad node meets every route. In no cell may anything be served that is not true.
 *
 * One cell is one gateway that has verified the tip and then asks a node which lies about the one
 * thing that the route needs. What comes out must be the honest bytes, or a clear refusal.
 */
import Database from 'better-sqlite3';
import { PROBLEM_CONTENT_TYPE } from 'fanal/api/problem.ts';
import { type Bytes, concat, equalBytes, utf8 } from 'fanal/primitives/bytes.ts';
import type { TestAnswer } from 'fanal/testing/gateway.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { LIAR_TRIAL_MILLIS } from '../../workers/chain/limits.ts';
import { type MemoryGateway, memoryDatabase, openMemoryGateway } from './memory-gateway.ts';
import { type Person, provedTargets, type Story, tellStory } from './story.ts';
import { type Lie, type TestNode, testNode } from './test-node.ts';

let story: Story;
/** A chain of other people's making. */
let strange: Story;
let targets: Record<string, string>;
/** What an honest gateway serves. */
const truth = new Map<string, Bytes>();
/** The database of a gateway that has verified the tip. */
let verified: Buffer;

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

beforeAll(async () => {
  story = tellStory();
  strange = tellStory({ seed: 77_000n });
  targets = provedTargets(story);
  const database = memoryDatabase();
  const gateway = openMemoryGateway({
    anchor: story.chain.trust,
    nodes: { honest: testNode(story.chain).fetch },
    database,
  });
  await gateway.step();
  verified = database.serialize();
  for (const target of Object.values(targets)) {
    const response = await gateway.get(target);
    expect(response.status).toBe(200);
    truth.set(target, await bytesOf(response));
  }
  for (const target of Object.keys(REPORTED)) {
    const response = await gateway.get(target);
    expect(response.status).toBe(200);
    reported.set(target, (await response.json()) as Record<string, unknown>);
  }
});

/** A gateway with the true tip and an empty memory, over these nodes. */
function gatewayOver(nodes: Record<string, TestNode>): MemoryGateway {
  return openMemoryGateway({
    anchor: story.chain.trust,
    nodes: Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, node.fetch])),
    database: new Database(verified),
  });
}

/** Requires that a response is the truth or a refusal, and says which. */
async function judge(target: string, response: Response): Promise<'true' | 'refused'> {
  const body = await bytesOf(response);
  if (response.status === 200) {
    const honest = truth.get(target) as Bytes;
    expect(equalBytes(body, honest), `${target} served bytes that are not true`).toBe(true);
    return 'true';
  }
  expect(response.headers.get('content-type'), target).toBe(PROBLEM_CONTENT_TYPE);
  expect(response.status, target).toBeGreaterThanOrEqual(400);
  if (response.status === 503) expect(response.headers.get('retry-after'), target).not.toBeNull();
  return 'refused';
}

/** Routes that a node reports on, by the members that we prove all the same. */
const REPORTED: Readonly<Record<string, readonly string[]>> = {
  '/v1/chain': ['origin', 'genesisId', 'prefix', 'params', 'validatorsHash'],
  '/v1/validators': ['validatorsHash'],
  '/v1/fees': [],
  '/v1/mempool': [],
};
const reported = new Map<string, Record<string, unknown>>();

/** Requires of a reported answer the shape of an honest one, and its proved members. */
async function judgeReported(
  target: string,
  response: Response,
  pinned: readonly string[],
): Promise<void> {
  if (response.status !== 200) return void (await judge(target, response));
  const honest = reported.get(target) as Record<string, unknown>;
  const given = (await response.json()) as Record<string, unknown>;
  expect(Object.keys(given).sort()).toEqual(Object.keys(honest).sort());
  for (const name of pinned) expect(given[name], `${name} of ${target}`).toEqual(honest[name]);
  if (target !== '/v1/chain') return;
  const { verifiedAt: _, sources: __, ...tip } = given.tip as Record<string, unknown>;
  expect(honest.tip).toMatchObject(tip);
}

const flip =
  (bit: number): Lie =>
  (answer) => {
    const body = answer.body.slice();
    const at = Math.min(body.length - 1, Math.max(0, Math.floor((bit / 1000) * body.length)));
    body[at] = (body[at] ?? 0) ^ (1 << (bit % 8));
    return { ...answer, body };
  };

const withBody = (answer: TestAnswer, body: Bytes): TestAnswer => ({
  ...answer,
  status: 200,
  body,
});

/** Says something else: by name, what becomes of an honest answer. */
const PERSONALITIES: Record<string, (context: { other: TestNode; older: TestNode }) => Lie> = {
  'flips a bit at the start': () => flip(1),
  'flips a bit in the first third': () => flip(333),
  'flips a bit in the middle': () => flip(500),
  'flips a bit in the last third': () => flip(777),
  'flips a bit at the end': () => flip(999),
  'cuts a byte off': () => (answer) => withBody(answer, answer.body.slice(0, -1)),
  'cuts half off': () => (answer) =>
    withBody(answer, answer.body.slice(0, answer.body.length >> 1)),
  'adds a byte': () => (answer) => withBody(answer, concat(answer.body, Uint8Array.of(0))),
  'adds a hash': () => (answer) => withBody(answer, concat(answer.body, new Uint8Array(32))),
  'says it twice': () => (answer) => withBody(answer, concat(answer.body, answer.body)),
  'says nothing': () => (answer) => withBody(answer, new Uint8Array(0)),
  'says zeroes': () => (answer) => withBody(answer, new Uint8Array(answer.body.length)),
  'says no content': () => (answer) => ({ ...answer, status: 204, body: new Uint8Array(0) }),
  'redirects to this machine': () => (answer) => ({
    ...answer,
    status: 302,
    headers: { location: 'http://169.254.169.254/latest/meta-data/' },
  }),
  'redirects for good': () => (answer) => ({
    ...answer,
    status: 308,
    headers: { location: 'http://127.0.0.1:1/' },
  }),
  'answers with a page': () => (answer) => ({
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: utf8('<script>alert(1)</script>'.repeat(Math.ceil(answer.body.length / 25))),
  }),
  'refuses with a page': () => () => ({
    status: 404,
    headers: { 'content-type': 'text/html' },
    body: utf8('<h1>gone</h1>'),
  }),
  'says that there is none': () => () => ({
    status: 404,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE },
    body: utf8('{"code":"not-found","reason":"<script>"}'),
  }),
  'says that it was pruned': () => () => ({
    status: 410,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE },
    body: utf8('{"code":"pruned"}'),
  }),
  'is out of order': () => () => ({ status: 500, headers: {}, body: utf8('oops') }),
  'has had enough': () => () => ({
    status: 429,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE },
    body: utf8('{"code":"quota-exceeded"}'),
  }),
  'answers with JSON of odd names': () => (answer) =>
    withBody(answer, utf8('{"__proto__":{"ok":true},"a":1,"a":2,"n":1e400,"s":"\\ud800"}')),
  'answers with deep nesting': () => (answer) =>
    withBody(answer, utf8(`${'['.repeat(5_000)}${']'.repeat(5_000)}`)),
  'breaks the connection': () => () => {
    throw new TypeError('connection reset');
  },
  'answers from another chain':
    ({ other }) =>
    async (_, { target, body }) =>
      other.answer('GET', target, body),
  'answers for an older size':
    ({ older }) =>
    async (_, { target, body }) =>
      older.answer('GET', target.replace(/at=\d+&?/, ''), body),
  'answers for another height':
    ({ older }) =>
    async (answer, { target, body }) => {
      const others: Record<string, string> = {
        '/v1/blocks/1': '/v1/blocks/2',
        '/v1/headers/2': '/v1/headers/3',
      };
      for (const [one, another] of Object.entries(others)) {
        if (target.startsWith(one)) {
          return older.answer('GET', target.replace(one, another), body);
        }
      }
      return answer;
    },
  'answers for another person':
    ({ older }) =>
    async (answer, { target, body }) => {
      const { alice, bob } = story;
      if (!target.includes(alice.text) && !target.includes(bob.text)) return answer;
      const swapped = target.includes(alice.text)
        ? target.replace(alice.text, bob.text)
        : target.replace(bob.text, alice.text);
      return older.answer('GET', swapped, body);
    },
  'answers for another payment':
    ({ older }) =>
    async (answer, { target, body }) => {
      const [first, second] = story.txids as [string, string];
      return target.includes(first)
        ? older.answer('GET', target.replace(first, second), body)
        : answer;
    },
};

describe('the zoo', () => {
  for (const [name, personality] of Object.entries(PERSONALITIES)) {
    it(`a node that ${name} gets nothing served`, async () => {
      const lie = personality({
        other: testNode(strange.chain),
        older: testNode(story.chain, { size: () => story.chain.size }),
      });
      const cells = Object.values(targets).map(async (target) => {
        const liar = testNode(story.chain);
        const alone = gatewayOver({ liar });
        const amongOthers = gatewayOver({ liar, honest: testNode(story.chain) });
        liar.lie(lie);
        await judge(target, await alone.get(target));
        // With one honest node beside it, the client sees the truth.
        expect(await judge(target, await amongOthers.get(target)), target).toBe('true');
      });
      const liar = testNode(story.chain);
      const alone = gatewayOver({ liar });
      liar.lie(lie);
      for (const [target, pinned] of Object.entries(REPORTED)) {
        await judgeReported(target, await alone.get(target), pinned);
      }
      await Promise.all(cells);
    });
  }

  it('that a payment is certified is said of one that is, and of no other, whatever a node says', async () => {
    const statusOf = async (txid: string, said: object | null) => {
      const liar = testNode(story.chain);
      const gateway = gatewayOver({ liar });
      liar.lie((answer, { name }) =>
        name === 'transactionStatus' && said !== null
          ? { ...answer, status: 200, body: utf8(JSON.stringify(said)) }
          : answer,
      );
      const response = await gateway.get(`/v1/transactions/${txid}/status`);
      expect(response.status).toBe(200);
      return response.json();
    };
    const nowhere = 'ee'.repeat(32);
    const place = { height: '3', position: 0 };
    expect(await statusOf(nowhere, { kind: 'certified', ...place })).toMatchObject({
      kind: 'committed',
    });
    expect(await statusOf(nowhere, { kind: 'pending' })).toEqual({ kind: 'pending' });
    const certified = { kind: 'certified', height: '1', position: 0 };
    expect(await statusOf(story.txids[0] as string, null)).toEqual(certified);
    // Another place than the true one is put right by the proof.
    expect(await statusOf(story.txids[0] as string, { kind: 'committed', ...place })).toEqual(
      certified,
    );
  });

  it('two liars of three keep nobody from the truth', async () => {
    for (const target of Object.values(targets)) {
      const [one, two] = [testNode(story.chain), testNode(story.chain)];
      const gateway = gatewayOver({ one, two, honest: testNode(story.chain) });
      one.lie(flip(500));
      two.lie((_, { target: asked, body }) => testNode(strange.chain).answer('GET', asked, body));
      expect(await judge(target, await gateway.get(target))).toBe('true');
    }
  });

  it('a liar is shut out at once, and asked again only much later', async () => {
    const liar = testNode(story.chain);
    const gateway = gatewayOver({ liar, honest: testNode(story.chain) });
    liar.lie(flip(500));
    const { alice, bob, nobody, chain } = story;
    for (const person of [alice, bob, nobody]) {
      await gateway.get(`/v1/addresses/${person.text}?at=${chain.size}`);
    }
    const questions = liar.asked.filter((target) => target.startsWith('/v1/addresses/'));
    expect(questions.length).toBeLessThanOrEqual(1);
  });

  it('where every node has lied, each is tried again in seconds, and let in once it is right', async () => {
    const { alice, bob, chain } = story;
    let ahead = 0;
    const nodes = { one: testNode(chain), two: testNode(chain) };
    const gateway = openMemoryGateway({
      anchor: chain.trust,
      nodes: { one: nodes.one.fetch, two: nodes.two.fetch },
      database: new Database(verified),
      now: () => Date.now() + ahead,
    });
    const targetOf = (person: Person) => `/v1/addresses/${person.text}?at=${chain.size}`;
    const asked = () => nodes.one.asked.length + nodes.two.asked.length;
    const standings = () => gateway.pool.upstreams.map(({ standing }) => standing);
    for (const node of Object.values(nodes)) node.lie(flip(500));
    expect((await gateway.get(targetOf(alice))).status).toBe(503);
    expect(standings()).toEqual([2, 2]);
    const before = asked();
    expect((await gateway.get(targetOf(alice))).status).toBe(503);
    expect(asked()).toBe(before);
    // Still lying: tried once each, and not believed.
    ahead += LIAR_TRIAL_MILLIS;
    expect((await gateway.get(targetOf(alice))).status).toBe(503);
    expect(asked()).toBe(before + 2);
    for (const node of Object.values(nodes)) node.lie(null);
    ahead += LIAR_TRIAL_MILLIS;
    expect((await gateway.get(targetOf(alice))).status).toBe(200);
    expect(standings()).toContain(0);
    expect((await gateway.get(targetOf(bob))).status).toBe(200);
  });

  it('an absence is believed only when no node can show the thing', async () => {
    const liar = testNode(story.chain, {
      lie: (answer, { name }) =>
        name === 'transactionProof'
          ? {
              status: 404,
              headers: { 'content-type': PROBLEM_CONTENT_TYPE },
              body: utf8('{"code":"not-found"}'),
            }
          : answer,
    });
    const gateway = gatewayOver({ liar, honest: testNode(story.chain) });
    expect((await gateway.get(`/v1/transactions/${story.txids[0]}?format=bytes`)).status).toBe(200);
    const missing = await gateway.get(`/v1/transactions/${'ab'.repeat(32)}`);
    expect(missing.status).toBe(404);
    expect(missing.headers.get('cache-control')).toBe('public, max-age=2');
  });

  it('what a liar says of a refusal reaches nobody in words', async () => {
    const liar = testNode(story.chain, {
      lie: () => ({
        status: 422,
        headers: { 'content-type': PROBLEM_CONTENT_TYPE },
        body: utf8(
          '{"code":"transaction-invalid","reason":"call +1 555 0100 <b>now</b>","title":"evil"}',
        ),
      }),
    });
    const gateway = openMemoryGateway({ anchor: story.chain.trust, nodes: { liar: liar.fetch } });
    await gateway.step().catch(() => {});
    const response = await gateway.get('/v1/fees');
    expect(await response.text()).not.toMatch(/555|evil|<b>/);
  });
});
