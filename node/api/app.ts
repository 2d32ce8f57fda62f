/**
 * The HTTP surface of a node: one app that answers requests, whoever listens.
 *
 * Every request takes the same way: limits, route, body, handler, answer. Whatever goes wrong on it
 * becomes a problem with a code; nothing that came in is echoed.
 */
import { allowedMethods, type Match, matchRoute } from 'fanal/api/match.ts';
import { invalidRequest, Problem } from 'fanal/api/problem.ts';
import { ROUTES, type RouteName } from 'fanal/api/routes.ts';
import { MAX_REQUEST_HEADER_BYTES, REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { Hono, type Context as HonoContext } from 'hono';
import type { CertifiedTip } from '../ledger/ledger.ts';
import { addressRoutes } from './address-routes.ts';
import { type Answer, refusal, respond } from './answer.ts';
import { readBody, refuseBody } from './body.ts';
import { chainRoutes } from './chain-routes.ts';
import { Deadlines } from './deadline.ts';
import { documentRoutes } from './document-routes.ts';
import { eventRoutes } from './event-routes.ts';
import type { Context, Handler, Handlers } from './handler.ts';
import { HealthWindow } from './health.ts';
import { EventHub } from './hub.ts';
import { LedgerFacts } from './ledger-facts.ts';
import type { Metrics } from './metrics.ts';
import { operationRoutes } from './operation-routes.ts';
import type { ApiPorts } from './ports.ts';
import {
  clientOf,
  isLoopback,
  RateLimiter,
  type RateVerdict,
  READ_RULE,
  SUBMIT_RULE,
} from './rates.ts';
import { transactionRoutes } from './transaction-routes.ts';

/** What a socket says of a request. */
export interface Bindings {
  /** The other end's address; null when the app is called without a socket. */
  readonly address: string | null;
  /** Path and query exactly as on the request line, before anything was decoded or resolved. */
  readonly target: string;
}

export interface ApiOptions {
  readonly metrics: Metrics;
  /** Reports what was our own fault. */
  readonly onError: (error: unknown) => void;
  /** Clients that no rate limit holds, by address; this machine's own always. */
  readonly unlimited?: readonly string[];
}

/** The app, and what runs beside it. */
export interface Api {
  readonly fetch: (request: Request, bindings: Bindings) => Response | Promise<Response>;
  readonly hub: EventHub;
  readonly health: HealthWindow;
  readonly tip: () => Promise<CertifiedTip>;
  readonly facts: LedgerFacts;
  readonly onStream: Context['onStream'];
  /** Has every later request refused, and ends the streams. */
  close(): void;
}

const HANDLERS: Handlers<RouteName> = {
  ...chainRoutes,
  ...addressRoutes,
  ...transactionRoutes,
  ...eventRoutes,
  ...operationRoutes,
  ...documentRoutes,
};

/** Routes that say how the node is doing: they count for nothing and are always answered. */
const HEALTH_ROUTES: ReadonlySet<RouteName> = new Set(['livez', 'readyz', 'status']);

/**
 * Requests whose work is not over. A client that was told that its time is up asks again, while what
 * it asked first still waits for the ledger: without a limit that queue would only grow.
 */
const MAX_WORKING = 4_096;

/** What a request costs, in units of one look-up. */
const COSTS: Partial<Record<RouteName, number>> = {
  address: 2,
  state: 2,
  header: 2,
  transactionProof: 3,
  receipt: 4,
  update: 3,
  coins: 5,
  history: 5,
  headers: 5,
  block: 5,
  blockTransactions: 5,
  addressQuery: 50,
  snapshotChunk: 20,
};

/** Makes the app over a node's ports. */
export function createApi(ports: ApiPorts, options: ApiOptions): Api {
  const { metrics } = options;
  const health = new HealthWindow(ports.now);
  const hub = new EventHub(ports.feed, ports.identity.prefix);
  const reads = new RateLimiter(READ_RULE, ports.now);
  const submits = new RateLimiter(SUBMIT_RULE, ports.now);
  const unlimited = new Set((options.unlimited ?? []).map(clientOf));
  const deadlines = new Deadlines();
  let working = 0;

  let newest: { tip: CertifiedTip; seenAt: bigint } | null = null;
  const unsubscribe = ports.feed.subscribe(({ tip }) => {
    newest = { tip, seenAt: ports.now() };
  });
  const tip = async () => {
    newest ??= { tip: await ports.ledger.certifiedTip(), seenAt: ports.now() };
    return newest.tip;
  };
  const streams = { sse: 0, websocket: 0 };
  const onStream = (kind: 'sse' | 'websocket', change: number) => {
    streams[kind] += change;
    metrics.set('http_streams', streams[kind], { kind });
  };
  const tipSeenAt = () => newest?.seenAt ?? ports.now();
  const facts = new LedgerFacts(ports.ledger);
  const shared = { ...ports, hub, health, onStream, tip, facts, tipSeenAt };

  const takeUnits = (name: RouteName, address: string | null): Record<string, string> => {
    if (address === null || isLoopback(address) || unlimited.has(clientOf(address))) return {};
    const isSubmit = ROUTES[name].method === 'POST' && name !== 'addressQuery';
    const limiter = isSubmit ? submits : reads;
    const verdict = limiter.take(clientOf(address), COSTS[name] ?? 1);
    const policy = isSubmit ? 'submit' : 'read';
    if (!verdict.ok) {
      throw new Problem('quota-exceeded', { retryAfterSeconds: verdict.retryAfterSeconds });
    }
    return rateHeaders(policy, limiter, verdict);
  };

  /** Starts a handler, unless too much is under way. */
  const begin = (name: RouteName, work: () => Promise<Answer>): Promise<Answer> => {
    if (working >= MAX_WORKING && !HEALTH_ROUTES.has(name)) {
      throw new Problem('syncing', { reason: 'api/busy' });
    }
    working++;
    const done = () => {
      working--;
    };
    const answer = work();
    answer.then(done, done);
    return answer;
  };

  const serve = async (c: HonoContext<{ Bindings: Bindings }>): Promise<Response> => {
    const request = c.req.raw;
    const { target, address } = c.env;
    const started = performance.now();
    let match: Match | null = null;
    let answer: Answer;
    let headers: Record<string, string> = {};
    const waits = mayWait(request);
    const { signal, end } = deadlines.begin(
      REQUEST_TIMEOUT_MILLIS + (waits ? 30_000 : 0),
      waits ? request : null,
    );
    try {
      if (request.method === 'OPTIONS') return preflight(target);
      refuseLongHeaders(request);
      match = matchRoute(request.method, target);
      headers = takeUnits(match.name, address);
      if (ROUTES[match.name].method === 'GET') refuseBody(request);
      const body =
        ROUTES[match.name].method === 'POST'
          ? await raced(readBody(request, signal), signal)
          : new Uint8Array(0);
      const handler = HANDLERS[match.name] as Handler<RouteName>;
      const client = address === null ? 'local' : clientOf(address);
      const context: Context = { ...shared, request, client, body, signal };
      const work = begin(match.name, () => handler(match as never, context));
      answer = await raced(work, signal);
    } catch (error) {
      const problem = problemOf(error);
      if (problem.problem === 'internal') options.onError(error);
      answer = refusal(problem);
      if (problem.problem === 'method-not-allowed') {
        headers = { ...headers, allow: allowedMethods(target).join(', ') };
      }
    } finally {
      end();
    }
    const response = respond(answer, request, headers);
    const millis = performance.now() - started;
    const name = match?.name ?? 'unknown';
    if (match === null || !HEALTH_ROUTES.has(match.name)) health.record(response.status, millis);
    const method = request.method === 'POST' ? 'POST' : 'GET';
    metrics.add('http_requests_total', 1, { route: name, method, code: String(response.status) });
    metrics.observe('http_request_duration_seconds', millis / 1000, { route: name, method });
    return response;
  };

  const app = new Hono<{ Bindings: Bindings }>();
  app.all('*', serve);
  return {
    fetch: (request, bindings) => app.fetch(request, bindings),
    hub,
    health,
    tip,
    facts,
    onStream,
    close() {
      unsubscribe();
      hub.close();
      deadlines.close();
    },
  };
}

/** Any error as a problem. Only our own codes come out; everything unknown is `internal`. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  if (typeof code !== 'string') return new Problem('internal', { cause: error });
  switch (code) {
    case 'ledger/not-certified':
      return new Problem('not-yet-certified', { cause: error });
    case 'ledger/pruned':
      return new Problem('pruned', { cause: error });
    case 'ledger/history':
      return new Problem('not-found', { cause: error });
    case 'ledger/size':
      return new Problem('invalid-request', { reason: code, cause: error });
  }
  if (error instanceof FanalError && /^(?:encoding|decode|address|tile)\//.test(code)) {
    return new Problem('invalid-request', { reason: code, cause: error });
  }
  return new Problem('internal', { cause: error });
}

/** Ends with the signal even where a port does not listen to it. */
async function raced<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // Nobody waits any more for work that the signal outran: that it fails must not end the process.
  work.catch(() => {});
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () =>
    reject(signal.reason instanceof Problem ? signal.reason : new Problem('syncing'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function mayWait(request: Request): boolean {
  return request.method === 'POST' && request.headers.has('prefer');
}

function refuseLongHeaders(request: Request): void {
  let length = 0;
  for (const [name, value] of request.headers) length += name.length + value.length + 4;
  if (length > MAX_REQUEST_HEADER_BYTES) {
    throw invalidRequest('/header', `expected at most ${MAX_REQUEST_HEADER_BYTES} bytes`);
  }
}

/** A browser's question before a request from another origin: everything here is public. */
function preflight(target: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': allowedMethods(target).join(', ') || 'GET, HEAD',
      'access-control-allow-headers': 'Content-Type, Prefer, If-None-Match, Last-Event-ID',
      'access-control-max-age': '86400',
      'cache-control': 'no-store',
    },
  });
}

function rateHeaders(
  policy: string,
  { rule }: RateLimiter,
  { remaining }: RateVerdict,
): Record<string, string> {
  const window = Math.ceil(rule.burst / rule.perSecond);
  return {
    'ratelimit-policy': `"${policy}";q=${rule.burst};w=${window}`,
    ratelimit: `"${policy}";r=${remaining}`,
  };
}
