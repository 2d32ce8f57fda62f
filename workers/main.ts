/**
 * The gateway's entrypoints on Cloudflare Workers and on workerd.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import { fileServiceBlob } from './chain/blob.ts';
import { type Config, readConfig } from './config.ts';
import type { Env } from './env.ts';
import { createGateway, type Gateway, targetIn } from './gateway/app.ts';
import { assetAnswer } from './gateway/assets.ts';
import { throughEdge } from './gateway/edge-cache.ts';
import { immutableAnswer } from './gateway/immutable.ts';
import type { Call } from './gateway/ports.ts';
import { unconfigured } from './gateway/unconfigured.ts';
import { objectSources, workerPorts } from './gateway/worker-ports.ts';

export { ChainDO } from './chain/chain-do.ts';
export { FetchDO } from './chain/fetch-do.ts';
export { MetricsDO } from './gateway/metrics-do.ts';
export { QuotaDO } from './gateway/quota-do.ts';
export { PushDO } from './push/push-do.ts';
export { StreamDO } from './push/stream-do.ts';

/** Made once an isolate: the settings never change under it. */
let opened: { readonly app: Gateway; readonly config: Config } | null = null;

function open(env: Env): { readonly app: Gateway; readonly config: Config } {
  if (opened === null) {
    const config = readConfig(env);
    opened = { app: createGateway(workerPorts(env, config)), config };
  }
  return opened;
}

/** One request as the platform brought it. */
class WorkerCall implements Call {
  readonly client: string | null;
  readonly target: string;
  readonly #ctx: ExecutionContext;

  constructor(request: Request, ctx: ExecutionContext, clientHeader: string | null) {
    this.client = clientHeader === null ? null : request.headers.get(clientHeader);
    this.target = targetIn(request.url);
    this.#ctx = ctx;
  }

  get defer(): Call['defer'] {
    return (work) => this.#ctx.waitUntil(work);
  }

  /** Looked for only where it is needed: most requests end before. */
  get immutable(): Call['immutable'] {
    return throughEdge(this.#ctx as never);
  }
}

/** The gateway: limits, keys and counts live here, so no cache stands before it. */
export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    let gateway: ReturnType<typeof open>;
    try {
      gateway = open(env);
    } catch (error) {
      return unconfigured(request, error);
    }
    const { app, config } = gateway;
    const call = new WorkerCall(request, ctx, config.clientHeader);
    const page = env.ASSETS_DISK === undefined ? null : fileServiceBlob(env.ASSETS_DISK);
    const asset = page && (await assetAnswer(request, call.target, (path) => page.get(path)));
    return asset ?? app.fetch(request, { call });
  },

  /** Revives the following, should the platform ever have lost its alarm. */
  async scheduled(_: ScheduledController, env: Env): Promise<void> {
    await env.CHAIN.getByName(readConfig(env).anchor.origin).wake();
  },
} satisfies ExportedHandler<Env>;

/**
 * What never changes, behind the platform's cache: it collapses equal misses and answers near the
 * client. Reached by the gateway alone, under a path that names the chain.
 */
export class Immutable extends WorkerEntrypoint<Env> {
  override async fetch(request: Request): Promise<Response> {
    const call: Call = {
      client: null,
      defer: (work) => this.ctx.waitUntil(work),
      target: '',
      immutable: null,
    };
    return immutableAnswer(request, objectSources(this.env, open(this.env).config), call);
  }
}
