/**
 * Verified bytes that never change, on their way from the object store or the nodes to an isolate:
 * through the platform's cache where there is one.
 *
 * The URL is the key of that cache. It is made of the chain and the canonical target, and carries
 * nothing of a client.
 */
import { cacheControl } from 'fanal/api/cache.ts';
import { parseJson } from 'fanal/api/json.ts';
import { matchRoute } from 'fanal/api/match.ts';
import {
  isProblemCode,
  PROBLEM_CONTENT_TYPE,
  PROBLEMS,
  type ProblemCode,
} from 'fanal/api/problem.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { LRUCache } from 'lru-cache';
import type { Blob } from '../chain/blob.ts';
import { isKept } from '../chain/loader.ts';
import { objectKey } from '../chain/tip.ts';
import { OBJECT_MEMORY_BYTES } from './limits.ts';
import type { Call, Loaded, ObjectsPort, Refusal } from './ports.ts';
import { SingleFlight } from './single-flight.ts';

const HOST = 'https://immutable.internal/';
const SOURCE = 'x-fanal-source';

export interface ObjectSources {
  readonly originHash: string;
  readonly blob: Blob;
  /** Asks the nodes, verified, once for all isolates. */
  readonly nodes: (target: string, call: Call) => Promise<Loaded>;
}

/** The URL of a target in the platform's cache. */
export function immutableUrl(originHash: string, target: string): string {
  return `${HOST}${originHash}${target}`;
}

/** Answers a request that the platform's cache had no answer to. */
export async function immutableAnswer(
  request: Request,
  sources: ObjectSources,
  call: Call,
): Promise<Response> {
  const lead = HOST + sources.originHash;
  const target = request.url.startsWith(`${lead}/`) ? request.url.slice(lead.length) : '';
  return toResponse(target === '' ? NOTHING : await fromSources(target, sources, call));
}

/** Memory, then the platform's cache, then the object store, then the nodes. */
export function objectsThrough(sources: ObjectSources): ObjectsPort {
  const memory = new LRUCache<string, Bytes>({
    maxSize: OBJECT_MEMORY_BYTES,
    sizeCalculation: (bytes, key) => bytes.length + 2 * key.length + 256,
    ttlResolution: 0,
  });
  const flights = new SingleFlight<Loaded>();
  const load = async (target: string, call: Call): Promise<Loaded> => {
    const { immutable } = call;
    if (immutable === null) return fromSources(target, sources, call);
    const response = await immutable(immutableUrl(sources.originHash, target), (request) =>
      immutableAnswer(request, sources, call),
    );
    return fromResponse(response);
  };
  return {
    async load(target, call) {
      const known = memory.get(target);
      if (known !== undefined) return { ok: true, bytes: known, from: 'cache' };
      const loaded = await flights.run(target, () => load(target, call), call.defer);
      if (loaded.ok) memory.set(target, loaded.bytes);
      return loaded;
    },
  };
}

async function fromSources(target: string, sources: ObjectSources, call: Call): Promise<Loaded> {
  const { blob, originHash, nodes } = sources;
  if (isKept(matchRoute('GET', target).name) && !target.includes('.p/')) {
    const bytes = await blob.get(objectKey(originHash, target));
    if (bytes !== null) return { ok: true, bytes, from: 'cache' };
  }
  return nodes(target, call);
}

const NOTHING: Loaded = {
  ok: false,
  problem: { code: 'not-found', reason: undefined, retryAfterSeconds: undefined },
};

function toResponse(loaded: Loaded): Response {
  if (loaded.ok) {
    return new Response(loaded.bytes as Uint8Array<ArrayBuffer>, {
      headers: {
        'cache-control': cacheControl('immutable'),
        'content-type': 'application/octet-stream',
        [SOURCE]: loaded.from,
      },
    });
  }
  return new Response(JSON.stringify(loaded.problem), {
    status: PROBLEMS[loaded.problem.code].status,
    headers: { 'cache-control': 'no-store', 'content-type': PROBLEM_CONTENT_TYPE },
  });
}

async function fromResponse(response: Response): Promise<Loaded> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (response.status === 200) {
    const isHit = response.headers.get('cf-cache-status') === 'HIT';
    const from = !isHit && response.headers.get(SOURCE) === 'nodes' ? 'nodes' : 'cache';
    return { ok: true, bytes, from };
  }
  return { ok: false, problem: readRefusal(bytes) };
}

function readRefusal(bytes: Bytes): Refusal {
  const value = parseJson(bytes) as Record<string, unknown>;
  const code: ProblemCode = isProblemCode(value.code) ? value.code : 'internal';
  const { reason, retryAfterSeconds } = value;
  return {
    code,
    reason: typeof reason === 'string' ? reason : undefined,
    retryAfterSeconds: typeof retryAfterSeconds === 'number' ? retryAfterSeconds : undefined,
  };
}
