/**
 * The gateway's HTTP surface: one app over ports, whoever listens and whatever lies beneath.
 *
 * Every request takes the same way: door, route, memory, handler, answer. The key of every cache is
 * the canonical target, which nothing but the route and its parameters goes into, and the tip for
 * answers that move with it. Whatever goes wrong becomes a problem with a code; nothing that came in
 * is echoed.
 */
import { allowedMethods, type Match, targetOf } from 'fanal/api/match.ts';
import { invalidRequest, Problem } from 'fanal/api/problem.ts';
import type { RouteName } from 'fanal/api/routes.ts';
import { MAX_POST_BYTES, REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import type { Params } from 'fanal/chain/params.ts';
import { PARAMETERS_KEY } from 'fanal/chain/state-keys.ts';
import { stateProofCodec, verifyParams } from 'fanal/light/state-proof.ts';
import { type Bytes, EMPTY_BYTES } from 'fanal/primitives/bytes.ts';
import { Hono, type Context as HonoContext } from 'hono';
import { LRUCache } from 'lru-cache';
import { fromRefusal } from '../chain/loaded.ts';
import { addressRoutes } from './address-routes.ts';
import {
  type Answer,
  type Asked,
  type FixedHeaders,
  json,
  refusal,
  respond,
  text,
} from './answer.ts';
import { chainRoutes } from './chain-routes.ts';
import { eventRoutes, openEvents } from './event-routes.ts';
import { type Admission, Gate } from './gate.ts';
import type { Context, Handler, Handlers } from './handler.ts';
import { MAX_REMEMBERED_TARGETS } from './limits.ts';
import { AnswerMemory } from './memory.ts';
import type { MetricsRegistry } from './metrics.ts';
import { evidenceFile, evidenceList, operationRoutes } from './operation-routes.ts';
import type { Call, GatewayPorts } from './ports.ts';
import { problemOf } from './problem-of.ts';
import { readRequestBody } from './request-body.ts';
import { type RequestHeaders, readHeaders } from './request-headers.ts';
import { keyOf, type RequestLine, readLine, routeBeside } from './request-line.ts';
import { SingleFlight } from './single-flight.ts';
import { Tally } from './tally.ts';
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
  readonly #tally: Tally;
  readonly #lines = new LRUCache<string, RequestLine>({ max: MAX_REMEMBERED_TARGETS });
  readonly #originHeader: FixedHeaders;
  readonly #countHit: () => void;
  #params: { epoch: number; params: Params } | null = null;

  constructor(ports: AppPorts) {
    this.#ports = ports;
    this.#originHeader = { 'fanal-origin': ports.identity.anchor.origin };
    this.#gate = new Gate(ports.limits, ports.metrics, ports.now, this.#originHeader);
    this.#memory = new AnswerMemory(ports.now);
    this.#tally = new Tally(ports);
    const hit = { layer: 'isolate', result: 'hit' };
    this.#countHit = ports.metrics.counter('cache_requests_total', hit);
    this.#tips = new Tips({
      chain: ports.chain,
      now: ports.now,
      load: (target) => this.#load(target, null, QUIET_CALL),
    });
  }

  /** Answers at once what is in memory, and everything else when it is there. */
  serve(request: Request, call: Call): Response | Promise<Response> {
    const { method } = request;
    const target = this.#targetOf(call.target);
    if (method === 'OPTIONS') return preflight(target);
    const visit: Visit = { request, call, method, target, started: this.#ports.now() };
    let route = 'none';
    try {
      const line = this.#read(method, target);
      route = line.route;
      const answered = this.#enter(visit, line);
      if (!(answered instanceof Promise)) return this.#finish(visit, route, answered);
      return answered.then(
        (response) => this.#finish(visit, route, response),
        (error: unknown) => this.#finish(visit, route, this.#refuse(error, visit)),
      );
    } catch (error) {
      return this.#finish(visit, route, this.#refuse(error, visit));
    }
  }

  /** Lets a request in, or refuses it. */
  #enter(visit: Visit, line: RequestLine): Response | Promise<Response> {
    const headers = readHeaders(visit.request.headers);
    if (visit.method !== 'POST' && headers.hasBody) {
      throw invalidRequest('/body', 'expected no body');
    }
    if (line.cost === null) return this.#admitted(visit, line, headers, null);
    const admitted = this.#gate.admit(headers.apiKey, visit.call.client, line.cost);
    return admitted instanceof Promise
      ? admitted.then((admission) => this.#admitted(visit, line, headers, admission))
      : this.#admitted(visit, line, headers, admitted);
  }

  #admitted(
    visit: Visit,
    line: RequestLine,
    headers: RequestHeaders,
    admission: Admission | null,
  ): Response | Promise<Response> {
    const { method } = visit;
    const asked = {
      method,
      ifNoneMatch: headers.ifNoneMatch,
      fixed: admission?.fixed ?? this.#originHeader,
      rateLimit: admission?.rateLimit ?? null,
    };
    const { match } = line;
    const remembered = match === null || method === 'POST' ? undefined : this.#remembered(line);
    if (remembered !== undefined) return this.#send(remembered, asked);
    if (match?.name === 'events' && headers.isUpgrade) {
      return openEvents(match, this.#context(visit, EMPTY_BYTES, admission));
    }
    const answer = match === null ? this.#beside(visit) : this.#make(line, match, visit, admission);
    return answer.then((made) => this.#send(made, asked));
  }

  #send(answer: Answer, asked: Asked): Response {
    return respond(answer, asked, this.#ports.now(), this.#ports.copiesHeaders);
  }

  /** Every answer ends here, and is counted. */
  #finish(visit: Visit, route: string, response: Response): Response {
    const { started, call, method } = visit;
    this.#tally.count(route, method, response.status, this.#ports.now() - started, call);
    return response;
  }

  /** An answer in memory that is still the answer. */
  #remembered(line: RequestLine): Answer | undefined {
    const key = keyOf(line, this.#tips.recent?.size ?? null);
    const answer = key === null ? undefined : this.#memory.get(key);
    if (answer === undefined || this.#isDue(line)) return undefined;
    this.#countHit();
    return answer;
  }

  /** Whether an answer that speaks of now must not be given from memory: the tip is too old. */
  #isDue({ speaksOfNow }: RequestLine): boolean {
    return speaksOfNow && this.#tips.isStale;
  }

  /** Makes an answer, once for all who wait for the same, and remembers it. */
  async #make(
    line: RequestLine,
    match: Match,
    visit: Visit,
    admission: Admission | null,
  ): Promise<Answer> {
    const { request, call, method } = visit;
    const body = method === 'POST' ? await readRequestBody(request, MAX_POST_BYTES) : EMPTY_BYTES;
    const context = this.#context(visit, body, admission);
    if (line.keptBy === 'nobody') return this.#handle(match, context);
    // Answers that move with the tip are kept under its size, so that none outlives it.
    const size = line.keptBy === 'tip' ? (await this.#tips.view()).size : null;
    const key = keyOf(line, size) as string;
    const kept = this.#memory.get(key);
    if (kept !== undefined && !this.#isDue(line)) return kept;
    this.#ports.metrics.count('cache_requests_total', { layer: 'isolate', result: 'miss' });
    const wait = admission?.nodesInSeconds ?? 0;
    if (wait > 0) throw this.#gate.refuseNodes(wait);
    return this.#flights.run(
      key,
      async () => {
        const answer = await this.#handle(match, context).catch(absence);
        this.#memory.set(key, answer);
        return answer;
      },
      call.defer,
    );
  }

  async #handle(match: Match, context: Context): Promise<Answer> {
    const handler = HANDLERS[match.name] as Handler<RouteName>;
    const most = REQUEST_TIMEOUT_MILLIS + context.waitSeconds * 1000;
    return within(most, handler(match as never, context));
  }

  #context({ request, call, method }: Visit, body: Bytes, admission: Admission | null): Context {
    return {
      ...this.#ports,
      request,
      call,
      body,
      waitSeconds: method === 'POST' ? waitSeconds(request.headers.get('prefer')) : 0,
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
  async #beside(visit: Visit): Promise<Answer> {
    const { request, target, method } = visit;
    const { identity, pulse } = this.#ports;
    const route = routeBeside(target);
    if (route === 'metrics') {
      requireToken(request, identity.metricsToken);
      await this.#tally.flush();
      return text(await pulse.metricsText(), 'none');
    }
    if (route === 'keys') return this.#revoke(request, target);
    if (method !== 'GET' && method !== 'HEAD') throw new Problem('method-not-allowed');
    const context = this.#context(visit, EMPTY_BYTES, null);
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

  /** What a request line asks for. Many ask for the same: it is read once. */
  #read(method: string, target: string): RequestLine {
    if (method !== 'GET') return readLine(method, target);
    let line = this.#lines.get(target);
    if (line === undefined) {
      line = readLine(method, target);
      this.#lines.set(target, line);
    }
    return line;
  }

  /** The target below our own base path. */
  #targetOf(target: string): string {
    const { basePath } = this.#ports.identity;
    if (basePath === '') return target;
    return target.startsWith(`${basePath}/`) ? target.slice(basePath.length) : '/';
  }

  #refuse(error: unknown, { method, target }: Visit): Response {
    const problem = problemOf(error);
    if (problem.problem === 'internal') this.#ports.onError(error);
    const fixed =
      problem.problem === 'method-not-allowed'
        ? { ...this.#originHeader, allow: allowedMethods(target).join(', ') }
        : this.#originHeader;
    return this.#send(refusal(problem), { method, ifNoneMatch: undefined, fixed, rateLimit: null });
  }
}

/** One request on its way through. */
interface Visit {
  readonly request: Request;
  readonly call: Call;
  readonly method: string;
  /** Path and query below our own base path. */
  readonly target: string;
  readonly started: number;
}

/** For work that belongs to no one's request. */
const QUIET_CALL: Call = {
  client: null,
  target: '',
  defer: () => undefined,
  immutable: null,
};

/** To everyone else, what only the operator may ask for is not there. */
function requireToken(request: Request, token: string | null): void {
  const given = request.headers.get('authorization');
  if (token === null || given !== `Bearer ${token}`) throw new Problem('not-found');
}

/** That there is no such thing is an answer, too, and kept for a moment. */
function absence(error: unknown): Answer {
  if (error instanceof Problem && error.problem === 'not-found') return refusal(error);
  throw error;
}

/** Gives up waiting after a time. What was waited for goes on, and may be remembered. */
async function within<T>(millis: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = () => reject(new Problem('syncing', { reason: 'gateway/timeout' }));
  const timer = setTimeout(late, millis);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
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
