/**
 * A gateway over a test chain, as a `fetch` to hand to a client. It tells the truth until it is told to lie.
 *
 * Lies are functions: `tamper` sees every honest answer and returns another one. Silence, delays,
 * duplicates and refusals are lies as well.
 */

import { chainShape, feesShape } from '../api/chain.ts';
import { parseJson } from '../api/json.ts';
import { type Match, matchRoute } from '../api/match.ts';
import { cursorKey, readCursor } from '../api/parameters.ts';
import { PROBLEM_CONTENT_TYPE, Problem, problemToJson } from '../api/problem.ts';
import type { RouteName } from '../api/routes.ts';
import { submitShape, submittedShape, transactionStatusShape } from '../api/transaction.ts';
import { DEFAULT_PAGE_ITEMS } from '../chain/limits.ts';
import { type AddressBytes, decodeAddress } from '../crypto/address.ts';
import { type Bytes, concat, EMPTY_BYTES, toHex, utf8 } from '../primitives/bytes.ts';
import { FanalError } from '../primitives/errors.ts';
import type { Fetch, FetchResponse } from '../wallet/platform.ts';
import { TestAnswers } from './answers.ts';
import type { TestChain } from './chain.ts';

/** One answer on its way to the client. */
export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes;
}

/** A request as the gateway understood it. */
export interface TestRequest {
  readonly name: RouteName | null;
  /** Path and query as they came. */
  readonly target: string;
  readonly body: Bytes;
}

/**
 * Changes an answer, or throws to break the connection. Returning the answer as it is tells the
 * truth.
 */
export type Tamper = (answer: TestAnswer, request: TestRequest) => TestAnswer | Promise<TestAnswer>;

export interface TestGatewayOptions {
  readonly tamper?: Tamper;
  /** Serves the chain as it was at this size; the tip by default. */
  readonly size?: () => bigint;
}

/** A gateway, ready to be given to `http(url, { platform: { fetch } })`. */
export interface TestGateway {
  readonly url: string;
  readonly fetch: Fetch;
  /** Every request so far, oldest first. */
  readonly requests: readonly TestRequest[];
  /** Tells lies from now on; null for the truth. */
  tamper(lie: Tamper | null): void;
}

/** Opens a gateway over a chain. */
export function testGateway(chain: TestChain, options: TestGatewayOptions = {}): TestGateway {
  const answers = new TestAnswers(chain);
  const size = options.size ?? (() => chain.size);
  const requests: TestRequest[] = [];
  const url = 'http://gateway.test';
  let lie: Tamper | null = options.tamper ?? null;
  const fetch: Fetch = async (address, init) => {
    const target = address.slice(url.length);
    const body = init.body ?? EMPTY_BYTES;
    let name: RouteName | null = null;
    let answer: TestAnswer;
    try {
      const match = matchRoute(init.method, target);
      name = match.name;
      answer = respond(chain, answers, match, body, size());
    } catch (error) {
      answer = refuse(error);
    }
    const request = { name, target, body };
    requests.push(request);
    if (init.signal.aborted) throw new Error('aborted');
    return toResponse(lie === null ? answer : await lie(answer, request));
  };
  return {
    url,
    fetch,
    requests,
    tamper(next) {
      lie = next;
    },
  };
}

function respond(
  chain: TestChain,
  answers: TestAnswers,
  match: Match,
  body: Bytes,
  size: bigint,
): TestAnswer {
  const at = (asked: bigint | undefined) => {
    if (asked !== undefined && asked > size) throw new Problem('not-yet-certified');
    return asked ?? size;
  };
  const address = (text: string): AddressBytes => decodeAddress(text, chain.genesis.prefix).address;
  switch (match.name) {
    case 'checkpoint':
      return ok(utf8(found(answers.checkpoint(size))), 'text/plain');
    case 'chain':
      return json(chainShape.to(chainReport(chain, size)));
    case 'fees': {
      const { feePerByte, dust } = chain.genesis.params;
      return json(feesShape.to({ minFeePerByte: feePerByte, feePerByte, dust }));
    }
    case 'genesis':
      return ok(answers.genesis());
    case 'update':
      return ok(found(answers.update(at(match.parameters.from ?? 1n), size)));
    case 'handover':
      return ok(found(answers.handover(match.parameters.epoch)));
    case 'validatorSet':
      return ok(found(answers.validatorSet(match.parameters.hash)));
    case 'header':
      return ok(found(answers.headerProof(match.parameters.height, at(match.parameters.at))));
    case 'headers': {
      const { from = 0n, limit = DEFAULT_PAGE_ITEMS } = match.parameters;
      return ok(concat(...answers.headers(from, limit)));
    }
    case 'block':
      return ok(
        found(match.parameters.height < size ? answers.block(match.parameters.height) : null),
      );
    case 'transaction':
      return ok(found(answers.transaction(match.parameters.txid)));
    case 'transactionProof':
      return ok(found(answers.transactionProof(match.parameters.txid, at(match.parameters.at))));
    case 'receipt': {
      return ok(utf8(found(answers.receipt(match.parameters.txid, size))), 'text/plain');
    }
    case 'transactionStatus':
      return json(transactionStatusShape.to(statusOf(chain, match.parameters.txid, size)));
    case 'submit':
      return submit(chain, body, size);
    case 'address':
      return ok(answers.addressProof(address(match.parameters.address), at(match.parameters.at)));
    case 'state':
      return ok(answers.stateProof(match.parameters.key, at(match.parameters.at)));
    case 'coins': {
      const { cursor: given, limit = DEFAULT_PAGE_ITEMS } = match.parameters;
      const cursor = given === undefined ? null : readCursor(given);
      const after = cursor === null ? null : cursorKey(cursor);
      const read = at(cursor?.at ?? match.parameters.at);
      return ok(answers.coins(address(match.parameters.address), limit, after, read));
    }
    case 'history': {
      const { from = 0n, limit = DEFAULT_PAGE_ITEMS } = match.parameters;
      const who = address(match.parameters.address);
      return ok(found(answers.history(who, from, limit, at(match.parameters.at))));
    }
    case 'addressQuery': {
      const { addresses, at: asked } = parseJson(body) as {
        addresses: string[];
        at: string | null;
      };
      const read = at(asked === null ? undefined : BigInt(asked));
      const proofs = addresses.map((text) => toHex(answers.addressProof(address(text), read)));
      return json({ height: `${read - 1n}`, proofs });
    }
    default:
      throw new Problem('not-found');
  }
}

function submit(chain: TestChain, body: Bytes, size: bigint): TestAnswer {
  // Canonical octets begin with the version byte, JSON with a brace.
  const bytes = body[0] === 0x7b ? submitShape.from(parseJson(body)).transaction : body;
  const outcome = chain.submit(bytes);
  if (outcome.kind === 'rejected') {
    const problem =
      outcome.code === 'transaction/coin-spent'
        ? 'transaction-conflict'
        : outcome.code === 'transaction/fee-too-low'
          ? 'fee-too-low'
          : 'transaction-invalid';
    throw new Problem(problem, { reason: outcome.code });
  }
  const { txid } = outcome;
  const answer = json(submittedShape.to({ txid, status: statusOf(chain, txid, size) }));
  return { ...answer, status: outcome.kind === 'accepted' ? 202 : 200 };
}

function statusOf(chain: TestChain, txid: Bytes, size: bigint) {
  const place = chain.placeByTxid.get(toHex(txid));
  if (place !== undefined && BigInt(place.height) < size) {
    return { kind: 'certified', height: BigInt(place.height), position: place.position } as const;
  }
  return chain.isWaiting(txid) ? ({ kind: 'pending' } as const) : ({ kind: 'unknown' } as const);
}

function chainReport(chain: TestChain, size: bigint) {
  const block = chain.blocks[Number(size) - 1] ?? chain.tip;
  const { header, root } = block;
  return {
    origin: chain.start.origin,
    genesisId: chain.start.genesisId,
    prefix: chain.genesis.prefix,
    params: chain.genesis.params,
    validatorsHash: header.validatorsHash,
    tip: {
      height: header.height,
      size,
      root,
      blockId: chain.headerLeaves[Number(size) - 1] as typeof root,
      epoch: header.epoch,
      time: header.time,
      verifiedAt: header.time,
      sources: 1,
    },
    firstBlock: 0n,
    firstProvableSize: 1n,
    faucet: false,
    software: { name: 'fanal-testing', version: '0', commit: '' },
  };
}

function refuse(error: unknown): TestAnswer {
  const problem =
    error instanceof Problem
      ? error
      : error instanceof FanalError
        ? new Problem('invalid-request', { reason: error.code })
        : new Problem('internal');
  const retryAfter = problem.retryAfterSeconds;
  return {
    status: problem.status,
    headers: {
      'content-type': PROBLEM_CONTENT_TYPE,
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    },
    body: utf8(JSON.stringify(problemToJson(problem))),
  };
}

function ok(body: Bytes, type = 'application/octet-stream'): TestAnswer {
  return { status: 200, headers: { 'content-type': type }, body };
}

function json(value: unknown): TestAnswer {
  return ok(utf8(JSON.stringify(value)), 'application/json');
}

function found<T>(value: T | null): T {
  if (value === null) throw new Problem('not-found');
  return value;
}

function toResponse({ status, headers, body }: TestAnswer): FetchResponse {
  return {
    status,
    headers: { get: (name) => headers[name.toLowerCase()] ?? null },
    body: null,
    arrayBuffer: async () => body.slice().buffer,
  };
}

/** Flips one bit of an answer's body. */
export function flipBit(answer: TestAnswer, bit: number): TestAnswer {
  const body = answer.body.slice();
  const at = (bit >> 3) % Math.max(1, body.length);
  body[at] = (body[at] ?? 0) ^ (1 << (bit & 7));
  return { ...answer, body };
}
