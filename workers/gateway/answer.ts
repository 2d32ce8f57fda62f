/**
 * Answers: a body, how long it may be kept, and the tag that tells it from others.
 *
 * An answer is made once and sent many times, so everything about it that does not depend on the
 * request is settled when it is made.
 */
import { type CacheClass, cacheControl } from 'fanal/api/cache.ts';
import { PROBLEM_CONTENT_TYPE, type Problem, problemToJson } from 'fanal/api/problem.ts';
import { type Bytes, toHex, utf8 } from 'fanal/primitives/bytes.ts';

/** What a handler gives back. */
export interface Answer {
  readonly status: number;
  readonly body: Bytes | ReadableStream<Uint8Array>;
  readonly type: string;
  readonly cache: CacheClass;
  /** Strong entity tag with its quotes; null for what no cache keeps. */
  readonly tag: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** For answers that speak of now: when more than a third of stake last vouched for them. */
  readonly sureAt: bigint | null;
  /** Once it was sent again: its headers. Setting a few is cheaper than setting all. */
  sent: SentHeaders | 'once' | null;
}

/** Headers that many answers carry alike; one object for as long as they stay the same. */
export type FixedHeaders = Readonly<Record<string, string>>;

interface SentHeaders {
  readonly fixed: FixedHeaders;
  readonly headers: Headers;
  rateLimit: string | null;
}

export type More = Partial<Pick<Answer, 'status' | 'headers' | 'sureAt'>>;

/** An answer in JSON. */
export function json(value: unknown, cache: CacheClass, more: More = {}): Promise<Answer> {
  return make(utf8(JSON.stringify(value)), 'application/json', cache, more);
}

/** An answer in canonical bytes. */
export function octets(body: Bytes, cache: CacheClass, more: More = {}): Promise<Answer> {
  return make(body, 'application/octet-stream', cache, more);
}

export function text(body: string | Bytes, cache: CacheClass, more: More = {}): Promise<Answer> {
  const bytes = typeof body === 'string' ? utf8(body) : body;
  return make(bytes, 'text/plain; charset=utf-8', cache, more);
}

/** A stream that nobody keeps. */
export function stream(body: ReadableStream<Uint8Array>, type: string): Answer {
  return {
    ...{ status: 200, body, type, cache: 'none', tag: null, headers: {} },
    ...{ sureAt: null, sent: null },
  };
}

export async function make(
  body: Bytes,
  type: string,
  cache: CacheClass,
  { status = 200, headers = {}, sureAt = null }: More = {},
): Promise<Answer> {
  const tag = cache === 'none' || status !== 200 ? null : `"${await tagOf(body)}"`;
  return { status, body, type, cache, tag, headers, sureAt, sent: null };
}

/** The answer to a request that was refused. Codes only: what people read is for the SDK to say. */
export function refusal(problem: Problem): Answer {
  const retryAfter = problem.retryAfterSeconds;
  return {
    status: problem.status,
    body: utf8(JSON.stringify(problemToJson(problem))),
    type: PROBLEM_CONTENT_TYPE,
    // What is not there yet may be there in a moment; no other refusal is worth keeping.
    cache: problem.problem === 'not-found' ? 'absent' : 'none',
    tag: null,
    headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    sureAt: null,
    sent: null,
  };
}

/** What every answer carries: all are public, and none is taken for anything but what it is. */
const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'ETag, Retry-After, RateLimit, RateLimit-Policy, Content-Location, Link, Fanal-Origin, Fanal-Size, Fanal-Age',
  'x-content-type-options': 'nosniff',
};

/** What an answer to read in a browser carries besides: it loads nothing and is framed by nobody. */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** What of a request an answer's form depends on. */
export interface Asked {
  readonly method: string;
  readonly ifNoneMatch: string | undefined;
  readonly fixed: FixedHeaders;
  /** The value of `RateLimit`. */
  readonly rateLimit: string | null;
}

/**
 * Makes the HTTP response of an answer: 304 when the client has it already.
 *
 * @param copiesHeaders whether a response gets headers of its own. Where it keeps those that it was
 *   given, they must be this response's alone.
 */
export function respond(
  answer: Answer,
  { method, ifNoneMatch, fixed, rateLimit }: Asked,
  now: number,
  copiesHeaders: boolean,
): Response {
  const { tag, body, status, sureAt } = answer;
  const kept = prepare(answer, fixed, rateLimit);
  const headers = copiesHeaders ? kept : new Headers(kept);
  if (sureAt !== null) headers.set('fanal-age', ageSeconds(sureAt, now));
  if (tag !== null && ifNoneMatch !== undefined && matches(ifNoneMatch, tag)) {
    const few = new Headers(headers);
    few.delete('content-type');
    return new Response(null, { status: 304, headers: few });
  }
  const sent = method === 'HEAD' ? null : (body as Uint8Array<ArrayBuffer>);
  return new Response(sent, { status, headers });
}

function prepare(answer: Answer, fixed: FixedHeaders, rateLimit: string | null): Headers {
  const kept = answer.sent !== 'once' && answer.sent?.fixed === fixed ? answer.sent : null;
  const sent = kept ?? { fixed, headers: headersOf(answer, fixed), rateLimit: null };
  // Most answers are sent once, and their headers would only take up room.
  answer.sent = answer.sent === null ? 'once' : sent;
  if (rateLimit !== sent.rateLimit) {
    if (rateLimit === null) sent.headers.delete('ratelimit');
    else sent.headers.set('ratelimit', rateLimit);
    sent.rateLimit = rateLimit;
  }
  return sent.headers;
}

function headersOf({ cache, tag, type, headers }: Answer, fixed: FixedHeaders): Headers {
  return new Headers({
    ...COMMON_HEADERS,
    ...(type.startsWith('text/html') ? PAGE_HEADERS : {}),
    'cache-control': cacheControl(cache),
    ...(tag === null ? {} : { etag: tag }),
    'content-type': type,
    ...headers,
    ...fixed,
  });
}

/** Whole seconds since a time. */
function ageSeconds(since: bigint, now: number): string {
  return String(Math.max(0, Math.floor((now - Number(since)) / 1000)));
}

/** Says whether `If-None-Match` names this entity (RFC 9110 §13.1.2, weak comparison). */
function matches(header: string, tag: string): boolean {
  return header.split(',').some((one) => {
    const entry = one.trim();
    return entry === '*' || entry === tag || entry === `W/${tag}`;
  });
}

/** The first half of the body's SHA-256: enough to tell bodies apart. */
async function tagOf(body: Bytes): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', body as Uint8Array<ArrayBuffer>);
  return toHex(new Uint8Array(digest, 0, 16));
}
