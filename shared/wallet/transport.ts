/**
 * How a client reaches gateways: one request, one answer, with a limit on time, bytes and tries.
 *
 * A transport trusts nothing and verifies nothing. It refuses redirects, counts bytes while they
 * come, and turns every refusal into an error with our own words.
 */
import { parseJson } from '../api/json.ts';
import { targetOf } from '../api/match.ts';
import { isProblemCode, PROBLEMS, type ProblemCode } from '../api/problem.ts';
import { ROUTES, type RouteName, type RouteParameters } from '../api/routes.ts';
import { MAX_UPDATE_BYTES, REQUEST_TIMEOUT_MILLIS } from '../chain/limits.ts';
import { type Bytes, concat } from '../primitives/bytes.ts';
import { FanalError } from '../primitives/errors.ts';
import { NetworkError, ProblemError, RateLimitError } from './errors.ts';
import {
  type AbortSignalLike,
  type FetchResponse,
  type Platform,
  platform as thePlatform,
} from './platform.ts';

/** One server that answers requests. */
export interface Source {
  readonly url: string;
  request(call: SourceCall): Promise<Bytes>;
}

/** A request, ready to send. */
export interface SourceCall {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly target: string;
  readonly body?: Bytes;
  readonly headers?: Readonly<Record<string, string>>;
  /** Most bytes to take in. */
  readonly maxBytes: number;
  readonly signal?: AbortSignalLike | undefined;
  readonly timeoutMillis?: number;
}

/** Where a client asks, and how many of those it holds against one another. */
export interface Transport {
  readonly sources: readonly Source[];
  /** Sources that are asked for the tip at every sync. */
  readonly compare: number;
}

export interface HttpOptions {
  readonly platform?: Partial<Platform>;
  readonly timeoutMillis?: number;
  /** Tries after the first, for failures that may pass. */
  readonly retries?: number;
}

/** The longest that a server may make a client wait between two tries. */
export const MAX_RETRY_AFTER_SECONDS = 10;
const FIRST_BACKOFF_MILLIS = 250;
const DEFAULT_RETRIES = 2;

/**
 * One gateway or node.
 *
 * @param url where the surface begins, such as `https://gateway.example` or `http://127.0.0.1:8080`
 */
export function http(url: string, options: HttpOptions = {}): Transport {
  return { sources: [httpSource(url, options)], compare: 1 };
}

/**
 * Several gateways, best one first. When one fails or lies the next is asked; `compare` of them
 * are asked for the tip each time and held against one another.
 */
export function fallback(
  transports: readonly Transport[],
  { compare = Math.min(2, transports.length) }: { compare?: number } = {},
): Transport {
  const sources = transports.flatMap((transport) => transport.sources);
  if (sources.length === 0 || !(compare >= 1 && compare <= sources.length)) {
    throw new FanalError(
      'client/transport',
      `expected to compare 1 to ${sources.length} of as many sources, found ${compare}`,
    );
  }
  return { sources, compare };
}

/** A request for a route in canonical bytes. */
export function bytesCall<Name extends RouteName>(
  name: Name,
  parameters: RouteParameters<Name>,
  maxBytes = MAX_UPDATE_BYTES,
): SourceCall {
  const format = ROUTES[name].bytes === null ? {} : { format: 'bytes' };
  const target = targetOf(name, { ...parameters, ...format } as RouteParameters<Name>);
  return { method: 'GET', target, maxBytes };
}

function httpSource(url: string, options: HttpOptions): Source {
  const base = url.replace(/\/+$/, '');
  if (!/^https?:\/\/[^\s?#]+$/.test(base)) {
    throw new FanalError('client/transport', 'expected the http or https URL of a gateway');
  }
  const world = thePlatform(options.platform);
  const retries = options.retries ?? DEFAULT_RETRIES;
  return {
    url: base,
    async request(call) {
      for (let attempt = 0; ; attempt++) {
        try {
          return await once(world, base, call, options.timeoutMillis ?? REQUEST_TIMEOUT_MILLIS);
        } catch (error) {
          const wait = retryDelayMillis(error, attempt, world);
          if (wait === null || attempt >= retries || call.signal?.aborted === true) throw error;
          await world.sleep(wait, call.signal);
        }
      }
    },
  };
}

/** How long to wait before trying again; null when another try would end the same. */
function retryDelayMillis(error: unknown, attempt: number, world: Platform): number | null {
  if (!(error instanceof RateLimitError) && !(error instanceof NetworkError)) return null;
  if (error.retryAfter > MAX_RETRY_AFTER_SECONDS) return null;
  if (error.retryAfter > 0) return error.retryAfter * 1000;
  const ceiling = FIRST_BACKOFF_MILLIS * 2 ** attempt;
  return Math.floor(ceiling * (0.5 + world.jitter() / 2));
}

async function once(
  world: Platform,
  base: string,
  call: SourceCall,
  defaultTimeout: number,
): Promise<Bytes> {
  const controller = world.abortController();
  const timer = world.abortController();
  const giveUp = () => controller.abort(call.signal?.reason);
  if (call.signal?.aborted === true) giveUp();
  call.signal?.addEventListener('abort', giveUp, { once: true });
  const timeout = call.timeoutMillis ?? defaultTimeout;
  // A platform's `fetch` may ignore its signal while a body drips in, so the clock races it.
  const late = world.sleep(timeout, timer.signal).then(
    () => {
      controller.abort();
      throw new NetworkError(`no answer within ${timeout} ms`);
    },
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([exchange(world, base, call, controller.signal), late]);
  } catch (error) {
    if (call.signal?.aborted === true) {
      throw new FanalError('client/aborted', 'the caller gave up', { cause: error });
    }
    throw error instanceof FanalError ? error : new NetworkError('no answer', error);
  } finally {
    timer.abort();
    call.signal?.removeEventListener('abort', giveUp);
  }
}

async function exchange(
  world: Platform,
  base: string,
  call: SourceCall,
  signal: AbortSignalLike,
): Promise<Bytes> {
  const response = await world.fetch(base + call.target, {
    method: call.method,
    headers: { ...call.headers },
    ...(call.body === undefined ? {} : { body: call.body.slice() }),
    signal,
    redirect: 'manual',
  });
  const body = await readBounded(response, call.maxBytes);
  if (response.status >= 200 && response.status < 300) return body;
  throw refusal(response, body);
}

async function readBounded(response: FetchResponse, maxBytes: number): Promise<Bytes> {
  const tooLong = () => new NetworkError(`an answer longer than ${maxBytes} bytes`);
  if (Number(response.headers.get('content-length') ?? 0) > maxBytes) throw tooLong();
  const reader = response.body?.getReader?.();
  if (reader === undefined) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length > maxBytes) throw tooLong();
    return bytes;
  }
  const parts: Bytes[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined) return concat(...parts);
    length += value.length;
    if (length > maxBytes) {
      void reader.cancel().catch(() => {});
      throw tooLong();
    }
    parts.push(value);
  }
}

/** What a refusal means. Of its text only codes that we know are read. */
function refusal(response: FetchResponse, body: Bytes): FanalError {
  const { status } = response;
  const { code, reason } = readProblem(body);
  const header = response.headers.get('retry-after');
  const retryAfter = header !== null && /^[0-9]{1,6}$/.test(header) ? Number(header) : null;
  if (status === 429) return new RateLimitError(retryAfter ?? 1);
  if (code !== null && PROBLEMS[code].status === status) {
    if (status === 503 && retryAfter !== null && code !== 'mempool-full') {
      return new NetworkError(`the gateway cannot answer now (${code})`, undefined, retryAfter);
    }
    return new ProblemError(code, status, reason);
  }
  return new NetworkError(`an answer with status ${status}`);
}

function readProblem(body: Bytes): { code: ProblemCode | null; reason: string | null } {
  try {
    const json = parseJson(body) as { code?: unknown; reason?: unknown };
    const reason = typeof json.reason === 'string' && /^[a-z-]+\/[a-z0-9-]+$/.test(json.reason);
    return {
      code: isProblemCode(json.code) ? json.code : null,
      reason: reason ? (json.reason as string).slice(0, 64) : null,
    };
  } catch {
    return { code: null, reason: null };
  }
}
