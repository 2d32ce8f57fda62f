import { allowedMethods, matchRoute, targetOf } from 'fanal/api/match.ts';
import { Problem, type ProblemCode } from 'fanal/api/problem.ts';
import { ROUTES, type RouteName } from 'fanal/api/routes.ts';
import { MAX_URL_BYTES } from 'fanal/chain/limits.ts';
import { describe, expect, it } from 'vitest';

const hash = 'ab'.repeat(32);
const address = `dfan1${'q'.repeat(59)}`;

/** One good target for each route. */
const TARGETS: Record<RouteName, string> = {
  checkpoint: '/checkpoint',
  tile: '/tile/0/x001/x234/067.p/12',
  chain: '/v1/chain',
  genesis: '/v1/genesis?format=bytes',
  update: '/v1/update?from=0&format=bytes',
  handover: '/v1/epochs/7/handover',
  validatorSet: `/v1/validators/${hash}`,
  validators: '/v1/validators',
  header: '/v1/headers/12?at=13&format=bytes',
  headers: '/v1/headers?from=0&limit=256',
  block: '/v1/blocks/9007199254740993',
  blockTransactions: '/v1/blocks/1/transactions?limit=10&cursor=5-10',
  transaction: `/v1/transactions/${hash}`,
  transactionProof: `/v1/transactions/${hash}/proof?at=9`,
  receipt: `/v1/transactions/${hash}/receipt`,
  transactionStatus: `/v1/transactions/${hash}/status`,
  submit: '/v1/transactions',
  address: `/v1/addresses/${address}`,
  coins: `/v1/addresses/${address}/coins?at=3&limit=1&cursor=3-${hash}`,
  history: `/v1/addresses/${address}/history?from=0`,
  state: `/v1/state/${hash}?at=4`,
  addressQuery: '/v1/addresses/query',
  fees: '/v1/fees',
  mempool: '/v1/mempool',
  events: '/v1/events?topics=tip,address',
  faucet: '/v1/faucet',
  snapshots: '/v1/snapshots',
  snapshotChunk: '/v1/snapshots/12/chunks/0',
  livez: '/livez',
  readyz: '/readyz',
  status: '/status',
  openapi: '/openapi.json',
  docs: '/docs',
};

const refused = (method: string, target: string): ProblemCode | null => {
  try {
    matchRoute(method, target);
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    return (error as Problem).problem;
  }
};

describe('the route table', () => {
  it('finds every route by its target and writes the same target back', () => {
    for (const [name, target] of Object.entries(TARGETS)) {
      const match = matchRoute(ROUTES[name as RouteName].method, target);
      expect(match.name).toBe(name);
      expect(match.target).toBe(target);
      expect(targetOf(match.name, match.parameters as never)).toBe(target);
    }
  });

  it('reads heights as bigint, past what a double holds', () => {
    expect(matchRoute('GET', '/v1/blocks/9007199254740993').parameters).toEqual({
      height: 9007199254740993n,
    });
  });

  it('gives one cache key to every order of the same query', () => {
    const a = matchRoute('GET', '/v1/headers?from=1&limit=5').target;
    expect(matchRoute('GET', '/v1/headers?limit=5&from=1').target).toBe(a);
  });

  it.each([
    ['an unknown key', '/v1/chain?x=1'],
    ['a repeated key', '/v1/headers?from=1&from=1'],
    ['a key without a value', '/v1/headers?from'],
    ['a key in another case', '/v1/headers?From=1'],
    ['an encoded key', '/v1/headers?%66rom=1'],
    ['an empty pair', '/v1/headers?from=1&'],
    ['a sign', '/v1/blocks/-1'],
    ['a leading zero', '/v1/blocks/01'],
    ['seventeen digits', '/v1/blocks/12345678901234567'],
    ['an encoded digit', '/v1/blocks/%31'],
    ['a matrix parameter', '/v1/blocks/1;x'],
    ['a file ending', '/v1/blocks/1.css'],
    ['a hash in upper case', `/v1/validators/${'AB'.repeat(32)}`],
    ['a short hash', `/v1/validators/${hash.slice(2)}`],
    ['a size of 0', '/v1/headers/1?at=0'],
    ['a limit of 0', '/v1/headers?limit=0'],
    ['a limit past 256', '/v1/headers?limit=257'],
    ['a line break', '/v1/blocks/1%0d%0aX:y'],
    ['another format', '/v1/headers/1?format=json'],
    ['a topic twice', '/v1/events?topics=tip,tip'],
    ['an address in upper case', `/v1/addresses/${address.toUpperCase()}`],
    ['a tile of width 0', '/tile/0/000.p/0'],
    ['a tile of level 64', '/tile/64/000'],
  ])('refuses %s', (_, target) => {
    expect(refused('GET', target)).toBe('invalid-request');
  });

  it.each(['/v1', '/v1/', '//v1/chain', '/V1/chain', '/v1/chain/', 'v1/chain', '/v1/../v1/chain'])(
    'knows no path %s',
    (target) => {
      expect(refused('GET', target)).toBe('not-found');
    },
  );

  it('refuses a method that the path does not take, and says which it takes', () => {
    expect(refused('POST', '/v1/chain')).toBe('method-not-allowed');
    expect(refused('DELETE', '/v1/transactions')).toBe('method-not-allowed');
    expect(allowedMethods('/v1/transactions')).toEqual(['POST']);
    expect(allowedMethods('/v1/chain')).toEqual(['GET', 'HEAD']);
  });

  it('takes HEAD wherever it takes GET', () => {
    expect(matchRoute('HEAD', '/v1/chain').name).toBe('chain');
  });

  it('refuses a target one byte past the limit', () => {
    const target = `/v1/headers?from=${'1'.repeat(MAX_URL_BYTES - 17)}`;
    expect(target).toHaveLength(MAX_URL_BYTES);
    expect(refused('GET', target)).toBe('invalid-request');
    expect(refused('GET', `${target}1`)).toBe('payload-too-large');
  });
});
