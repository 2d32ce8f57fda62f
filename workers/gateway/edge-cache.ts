/**
 * The platform's cache in front of what never changes, found by looking: Workers Cache where the
 * runtime has it, the Cache API where that answers, nothing where neither does.
 */
import type { ThroughEdge } from './ports.ts';

/** What of the execution context is looked at. */
export interface EdgeContext {
  readonly cache?: unknown;
  readonly exports?: { readonly Immutable?: { fetch(request: Request): Promise<Response> } };
  waitUntil(work: Promise<unknown>): void;
}

/** The Cache API, as far as it is used. */
interface CacheStore {
  match(request: Request): Promise<Response | undefined>;
  put(request: Request, response: Response): Promise<void>;
}

let cacheApi: CacheStore | null | undefined;

/** How requests for immutable objects go through the platform's cache; null where there is none. */
export function throughEdge(ctx: EdgeContext): ThroughEdge | null {
  const { cache, exports: entrypoints } = ctx;
  const immutable = entrypoints?.Immutable;
  if (cache !== undefined && immutable !== undefined) {
    return (url) => immutable.fetch(new Request(url));
  }
  const store = findCacheApi();
  if (store === null) return null;
  return async (url, answer) => {
    const request = new Request(url);
    const known = await match(store, request);
    if (known !== undefined) {
      const headers = new Headers(known.headers);
      headers.set('cf-cache-status', 'HIT');
      return new Response(known.body, { status: known.status, headers });
    }
    const response = await answer(request);
    if (response.status === 200) {
      ctx.waitUntil(store.put(request, response.clone()).catch(forget));
    }
    return response;
  };
}

async function match(store: CacheStore, request: Request): Promise<Response | undefined> {
  try {
    return await store.match(request);
  } catch {
    forget();
    return undefined;
  }
}

/** A runtime may have the interface and no cache behind it: it is asked once and never again. */
function forget(): void {
  cacheApi = null;
}

function findCacheApi(): CacheStore | null {
  if (cacheApi === undefined) {
    const found = (globalThis as { caches?: { default?: CacheStore } }).caches?.default;
    cacheApi = found ?? null;
  }
  return cacheApi;
}
