/**
 * The gateway's HTTP surface: one app over ports, whoever listens and whatever lies beneath.
 *
 * Every request takes the same way: door, route, memory, handler, answer. The key of every cache is
 * the canonical target, which nothing but the route and its parameters goes into, and the tip for
 * answers that move with it. Whatever goes wrong becomes a problem with a code; nothing that came in
 * is echoed.
 */
import { allowedMethods, type Match, matchRoute, targetOf } from 'fanal/api/match.ts';
import { Problem } from 'fanal/api/problem.ts';
import { ROUTES, type RouteName } from 'fanal/api/routes.ts';
import { MAX_POST_BYTES, REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import type { Params } from 'fanal/chain/params.ts';
import { PARAMETERS_KEY } from 'fanal/chain/state-keys.ts';
import { stateProofCodec, verifyParams } from 'fanal/light/state-proof.ts';
import { type Bytes, EMPTY_BYTES } from 'fanal/primitives/bytes.ts';
import { Hono, type Context as HonoContext } from 'hono';
import { LRUCache } from 'lru-cache';
import { fromRefusal } from '../chain/loaded.ts';
import { addressRoutes } from './address-routes.ts';
import { type Answer, type FixedHeaders, json, refusal, respond, text } from './answer.ts';
import { chainRoutes } from './chain-routes.ts';
import { eventRoutes, openEvents } from './event-routes.ts';
import { type Admission, Gate } from './gate.ts';
import type { Context, Handler, Handlers } from './handler.ts';
import { HealthWindow } from './health.ts';
import { MAX_REMEMBERED_TARGETS, METRICS_FLUSH_MILLIS } from './limits.ts';
import { AnswerMemory } from './memory.ts';
import type { MetricsRegistry } from './metrics.ts';
import { evidenceFile, evidenceList, operationRoutes } from './operation-routes.ts';
import type { Call, GatewayPorts } from './ports.ts';
import { problemOf } from './problem-of.ts';
import { readRequestBody } from './request-body.ts';
import { type RequestHeaders, readHeaders, refuseBody } from './request-headers.ts';
import { SingleFlight } from './single-flight.ts';
import { Tips } from './tips.ts';
import { transactionRoutes, waitSeconds } from './transaction-routes.ts';

export interface Bindings {
  readonly call: Call;
}

/** The app: `fetch(request, { call })`. */
export type Gateway = Hono<{ Bindings: Bindings }>;

/** What the app is made over: the ports, but for the counting that it does itself. */
export type AppPorts = Omit<GatewayPorts, 'metrics'> & { readonly metrics: MetricsRegistry };

const HANDLERS: Handlers<RouteName> = {
  ...chainRoutes,
  ...addressRoutes,
  ...transactionRoutes,
  ...eventRoutes,
  ...operationRoutes,
};

/** Routes that say how the gateway is doing: they count for nothing and are always answered. */
const HEALTH_ROUTES: ReadonlySet<string> = new Set(['livez', 'readyz', 'status', 'metrics']);

/** Routes whose answers are made from memory alone: nobody's tokens are at stake. */
const FREE_ROUTES: ReadonlySet<string> = new Set(['openapi', 'docs', 'livez', 'readyz', 'status']);

/** Makes the app. */
export function createGateway(ports: AppPorts): Gateway {
  const app: Gateway = new Hono();
  const server = new GatewayServer(ports);
  app.all('*', (c: HonoContext<{ Bindings: Bindings }>) => server.serve(c.req.raw, c.env.call));
  return app;
}

class GatewayServer {
  readonly #ports: AppPorts;
  readonly #gate: Gate;
  readonly #tips: Tips;
  readonly #memory: AnswerMemory;
  readonly #flights = new SingleFlight<Answer>();
  readonly #health = new HealthWindow();
  readonly #matches = new LRUCache<string, Match>({ max: MAX_REMEMBERED_TARGETS });
  readonly #originHeader: FixedHeaders;
  readonly #meters = new Map<string, Meter>();
  readonly #countHit: () => void;
  #params: { epoch: number; params: Params } | null = null;
  #flushedAt = 0;

  constructor(ports: AppPorts) {
    this.#ports = ports;
    this.#originHeader = { 'fanal-origin': ports.identity.anchor.origin };
    this.#gate = new Gate(ports.limits, ports.metrics, ports.now, this.#originHeader);
    this.#memory = new AnswerMemory(ports.now);
    const hit = { layer: 'isolate', result: 'hit' };
    this.#countHit = ports.metrics.counter('cache_requests_total', hit);
    this.#tips = new Tips({
      chain: ports.chain,
      now: ports.now,
      load: (target) => this.#load(target, null, QUIET_CALL),
    });
  }

  async serve(request: Request, call: Call): Promise<Response> {
    const started = this.#ports.now();
    const target = this.#targetOf(call.target);
    const method = request.method;
    if (method === 'OPTIONS') return preflight(target);
    let route = 'none';
    let response: Response;
    try {
      const beside = routeBeside(target);
      const match = beside === null ? this.#match(method, target) : null;
      route = match?.name ?? (beside as string);
      response = await this.#answer(request, call, target, match);
    } catch (error) {
      response = this.#refuse(error, request, target);
    }
    this.#count(route, method, response.status, this.#ports.now() - started, call);
    return response;
  }

  async #answer(
    request: Request,
    call: Call,
    target: string,
    match: Match | null,
  ): Promise<Response> {
    const headers = readHeaders(request.headers);
    const { method } = request;
    const isPost = method === 'POST';
    if (!isPost) refuseBody(headers);
    const isFree = FREE_ROUTES.has(match?.name ?? '');
    const admitted = isFree ? null : this.#admit(headers, call, match);
    const admission = admitted instanceof Promise ? await admitted : admitted;
    const asked = {
      method,
      ifNoneMatch: headers.get('if-none-match'),
      fixed: admission?.fixed ?? this.#originHeader,
      rateLimit: admission?.rateLimit ?? null,
    };
    const send = (answer: Answer) => respond(answer, asked, this.#ports.now());
    if (match === null) return send(await this.#special(request, call, target));
    const remembered = isPost ? undefined : this.#remembered(match);
    if (remembered !== undefined) return send(remembered);
    if (match.name === 'events' && headers.has('upgrade')) {
      return openEvents(match, this.#context(request, call, EMPTY_BYTES, admission));
    }
    const body = isPost ? await readRequestBody(request, MAX_POST_BYTES) : EMPTY_BYTES;
    const context = this.#context(request, call, body, admission);
    return send(await this.#make(match, context, admission));
  }

  #admit(headers: RequestHeaders, call: Call, match: Match | null): Admission | Promise<Admission> {
    const isSubmit = match !== null && ROUTES[match.name].method === 'POST';
    const key = headers.get('x-api-key');
    return this.#gate.admit(key, call.client, isSubmit ? 'submit' : 'cached');
  }

  /** An answer in memory that is still the answer. */
  #remembered(match: Match): Answer | undefined {
    const key = this.#keyOf(match, this.#tips.recent?.size ?? null);
    if (key === null) return undefined;
    const answer = this.#memory.get(key);
    if (answer !== undefined && this.#isDue(match)) return undefined;
    if (answer !== undefined) this.#countHit();
    return answer;
  }

  /** Whether an answer that speaks of now must not be given from memory: the tip is too old. */
  #isDue(match: Match): boolean {
    return ROUTES[match.name].cache === 'tip' && !isPinned(match) && this.#tips.isStale;
  }

  /** Makes an answer, once for all who wait for the same, and remembers it. */
  async #make(match: Match, context: Context, admission: Admission | null): Promise<Answer> {
    const { cache } = ROUTES[match.name];
    if (cache === 'none') return this.#handle(match, context);
    // Answers that move with the tip are kept under its size, so that none outlives it.
    const needsTip = cache !== 'docs' && cache !== 'reported' && !isPinned(match);
    const size = needsTip ? (await this.#tips.view()).size : null;
    const key = this.#keyOf(match, size) as string;
    const kept = this.#memory.get(key);
    if (kept !== undefined && !this.#isDue(match)) return kept;
    this.#ports.metrics.count('cache_requests_total', { layer: 'isolate', result: 'miss' });
    if (admission !== null && !admission.mayAskNodes) throw this.#gate.refuseNodes();
    return this.#flights.run(
      key,
      async () => {
        const answer = await this.#handle(match, context).catch(absence);
        this.#memory.set(key, answer);
        return answer;
      },
      context.call.defer,
    );
  }

  async #handle(match: Match, context: Context): Promise<Answer> {
    const handler = HANDLERS[match.name] as Handler<RouteName>;
    return raced(handler(match as never, context), context.signal);
  }

  /** The key in memory; null when it needs a tip and there is none. */
  #keyOf(match: Match, size: bigint | null): string | null {
    const { cache } = ROUTES[match.name];
    if (cache === 'none') return null;
    if (cache === 'docs' || cache === 'reported' || isPinned(match)) return match.target;
    return size === null ? null : `${match.target}#${size}`;
  }

  #context(request: Request, call: Call, body: Bytes, admission: Admission | null): Context {
    const wait = request.method === 'POST' ? waitSeconds(request.headers.get('prefer')) : 0;
    return {
      ...this.#ports,
      request,
      call,
      body,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MILLIS + wait * 1000),
      tips: this.#tips,
      load: (target) => this.#load(target, admission, call),
      params: () => this.#readParams(admission, call),
      prefix: this.#ports.identity.anchor.prefix,
    };
  }

  /** Loads what only nodes have. Who made us ask them is charged for it. */
  async #load(target: string, admission: Admission | null, call: Call): Promise<Bytes> {
    const loaded = await this.#ports.objects.load(target, call);
    if (!loaded.ok) {
      if (admission !== null) call.defer(admission.chargeNodes().catch(this.#ports.onError));
      throw fromRefusal(loaded.problem);
    }
    if (loaded.from === 'nodes' && admission !== null) {
      call.defer(admission.chargeNodes().catch(this.#ports.onError));
    }
    return loaded.bytes;
  }

  /** The parameters in force, proved once an epoch. */
  async #readParams(admission: Admission | null, call: Call): Promise<Params> {
    const view = await this.#tips.view();
    const { epoch } = view.tip.state.header;
    if (this.#params?.epoch === epoch) return this.#params.params;
    const target = targetOf('state', { key: PARAMETERS_KEY, at: view.size });
    const proof = stateProofCodec.decode(await this.#load(target, admission, call));
    const params = verifyParams(proof, await view.header(proof.height));
    this.#params = { epoch, params };
    return params;
  }

  /** Paths beside the shared table: what only operators and auditors ask for. */
  async #special(request: Request, call: Call, target: string): Promise<Answer> {
    const { identity, pulse } = this.#ports;
    if (target === '/metrics') {
      requireToken(request, identity.metricsToken);
      await this.#flush(call, true);
      return text(await pulse.metricsText(), 'none');
    }
    if (routeBeside(target) === 'keys') return this.#revoke(request, target);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new Problem('method-not-allowed');
    }
    const context = this.#context(request, call, EMPTY_BYTES, null);
    if (target === '/v1/evidence') return evidenceList(context);
    const id = /^\/v1\/evidence\/([0-9a-f]{64})$/.exec(target)?.[1];
    if (id === undefined) throw new Problem('not-found');
    return evidenceFile(id, context);
  }

  /** Refuses a key from now on, or takes that back, when the operator says so. */
  async #revoke(request: Request, target: string): Promise<Answer> {
    const { identity, limits } = this.#ports;
    requireToken(request, identity.operatorToken);
    const keyHash = /^\/v1\/keys\/([0-9a-f]{64})\/revocation$/.exec(target)?.[1];
    const isRevoked = request.method === 'PUT';
    if (keyHash === undefined || !(isRevoked || request.method === 'DELETE')) {
      throw new Problem('not-found');
    }
    await limits.revoke(keyHash, isRevoked);
    return json({ revoked: isRevoked }, 'none');
  }

  #match(method: string, target: string): Match {
    const key = `${method} ${target}`;
    let match = this.#matches.get(key);
    if (match === undefined) {
      match = matchRoute(method, target);
      this.#matches.set(key, match);
    }
    return match;
  }

  /** The target below our own base path. */
  #targetOf(target: string): string {
    const { basePath } = this.#ports.identity;
    if (basePath === '') return target;
    return target.startsWith(`${basePath}/`) ? target.slice(basePath.length) : '/';
  }

  #refuse(error: unknown, request: Request, target: string): Response {
    const problem = problemOf(error);
    if (problem.problem === 'internal') this.#ports.onError(error);
    const fixed =
      problem.problem === 'method-not-allowed'
        ? { ...this.#originHeader, allow: allowedMethods(target).join(', ') }
        : this.#originHeader;
    const asked = { method: request.method, ifNoneMatch: undefined, fixed, rateLimit: null };
    return respond(refusal(problem), asked, this.#ports.now());
  }

  #count(route: string, method: string, status: number, millis: number, call: Call): void {
    if (HEALTH_ROUTES.has(route)) return;
    const { metrics, now } = this.#ports;
    const known = method === 'GET' || method === 'POST' || method === 'HEAD' ? method : 'other';
    const key = `${route} ${known} ${status}`;
    let meter = this.#meters.get(key);
    if (meter === undefined) {
      const labels = { route, method: known };
      meter = {
        count: metrics.counter('http_requests_total', { ...labels, code: String(status) }),
        time: metrics.histogram('http_request_duration_seconds', labels),
      };
      this.#meters.set(key, meter);
    }
    meter.count();
    meter.time(millis / 1000);
    this.#health.record(now(), status >= 500, millis);
    void this.#flush(call, false);
  }

  async #flush(call: Call, isUrgent: boolean): Promise<void> {
    const now = this.#ports.now();
    if (!isUrgent && now - this.#flushedAt < METRICS_FLUSH_MILLIS) return;
    this.#flushedAt = now;
    const work = this.#ports.pulse
      .report(this.#ports.metrics.drain(), this.#health.drain())
      .catch(this.#ports.onError);
    call.defer(work);
    if (isUrgent) await work;
  }
}

/** How often one route gave one status, and how fast. */
interface Meter {
  readonly count: () => void;
  readonly time: (seconds: number) => void;
}

/** For work that belongs to no one's request. */
const QUIET_CALL: Call = {
  client: null,
  target: '',
  defer: () => undefined,
  immutable: null,
};

/** The name of a path beside the shared table; null for all that the table knows. */
function routeBeside(target: string): 'metrics' | 'evidence' | 'keys' | null {
  if (target === '/metrics') return 'metrics';
  if (target.startsWith('/v1/evidence')) return 'evidence';
  return target.startsWith('/v1/keys/') ? 'keys' : null;
}

/** To everyone else, what only the operator may ask for is not there. */
function requireToken(request: Request, token: string | null): void {
  const given = request.headers.get('authorization');
  if (token === null || given !== `Bearer ${token}`) throw new Problem('not-found');
}

/** Whether a request names what it is proved against, so that its answer never changes. */
function isPinned(match: Match): boolean {
  const { at, cursor } = match.parameters as { at?: bigint; cursor?: string };
  return ROUTES[match.name].cache === 'immutable' || at !== undefined || cursor !== undefined;
}

/** That there is no such thing is an answer, too, and kept for a moment. */
function absence(error: unknown): Answer {
  if (error instanceof Problem && error.problem === 'not-found') return refusal(error);
  throw error;
}

/** Ends with the signal even where nobody listens to it. */
async function raced<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(new Problem('syncing', { reason: 'gateway/timeout' }));
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A browser's question before a request from another origin: everything here is public. */
function preflight(target: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': allowedMethods(target).join(', ') || 'GET, HEAD',
      'access-control-allow-headers':
        'Content-Type, Prefer, If-None-Match, Last-Event-ID, X-API-Key',
      'access-control-max-age': '86400',
      'cache-control': 'no-store',
    },
  });
}

/** Path and query exactly as they came, from a URL that nothing has resolved. */
export function targetIn(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  return start < 0 ? '/' : url.slice(start);
}
