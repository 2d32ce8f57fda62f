/**
 * Answers: a body, how long it may be kept, and the tag that tells it from others.
 */
import { createHash } from 'node:crypto';
import { type CacheClass, cacheControl } from 'fanal/api/cache.ts';
import { PROBLEM_CONTENT_TYPE, type Problem, problemToJson } from 'fanal/api/problem.ts';
import { assert } from 'fanal/primitives/assert.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';

/** What a handler gives back. */
export interface Answer {
  readonly status?: number;
  readonly body: string | Bytes | ReadableStream<Uint8Array>;
  readonly type: string;
  readonly cache: CacheClass;
  /** Strong entity tag without quotes; made of the body when there is none. */
  readonly tag?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer in JSON. */
export function json(value: unknown, cache: CacheClass, more: Partial<Answer> = {}): Answer {
  return { body: JSON.stringify(value), type: 'application/json', cache, ...more };
}

/** An answer in canonical bytes. */
export function bytes(body: Bytes, cache: CacheClass, more: Partial<Answer> = {}): Answer {
  return { body, type: 'application/octet-stream', cache, ...more };
}

export function text(body: string | Bytes, cache: CacheClass, more: Partial<Answer> = {}): Answer {
  return { body, type: 'text/plain; charset=utf-8', cache, ...more };
}

/** What every answer carries: no answer is a page, a frame or a script. */
const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'ETag, Retry-After, RateLimit, RateLimit-Policy, Content-Location, Link, Fanal-Origin',
  'cross-origin-resource-policy': 'cross-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** Makes the HTTP response of an answer: 304 when the client has it already. */
export function respond(
  answer: Answer,
  request: Request,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const cacheable = answer.cache !== 'none' && (answer.status ?? 200) === 200;
  // A plain object of lower-case names: the server writes it as it is.
  const all: Record<string, string> = {
    ...COMMON_HEADERS,
    'cache-control': cacheControl(answer.cache),
    ...headers,
    ...answer.headers,
  };
  if (cacheable) {
    const tag = `"${answer.tag ?? hashOf(answer.body)}"`;
    all.etag = tag;
    if (matches(request.headers.get('if-none-match'), tag)) {
      return new Response(null, { status: 304, headers: all });
    }
  }
  all['content-type'] = answer.type;
  const body = answer.body instanceof Uint8Array ? answer.body.slice() : answer.body;
  if (request.method === 'HEAD' && body instanceof ReadableStream) void body.cancel();
  return new Response(request.method === 'HEAD' ? null : body, {
    status: answer.status ?? 200,
    headers: all,
  });
}

/** Says whether `If-None-Match` names this entity (RFC 9110 §13.1.2, weak comparison). */
export function matches(header: string | null, tag: string): boolean {
  if (header === null) return false;
  return header.split(',').some((one) => {
    const entry = one.trim();
    return entry === '*' || entry === tag || entry === `W/${tag}`;
  });
}

/** The answer to a request that was refused. */
export function refusal(problem: Problem): Answer {
  const retryAfter = problem.retryAfterSeconds;
  return {
    status: problem.status,
    body: JSON.stringify(problemToJson(problem)),
    type: PROBLEM_CONTENT_TYPE,
    // What is not there yet may be there in a moment; no other refusal is worth keeping.
    cache: problem.problem === 'not-found' ? 'absent' : 'none',
    headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
  };
}

function hashOf(body: Answer['body']): string {
  assert(!(body instanceof ReadableStream), 'a stream is never kept');
  return createHash('sha256').update(body).digest('hex').slice(0, 32);
}
