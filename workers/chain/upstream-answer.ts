/**
 * One HTTP exchange with a node, in bounded bytes: nothing a node sends can make us hold more than
 * we asked for, follow it elsewhere, or wait after we stopped caring.
 */
import { parseJson } from 'fanal/api/json.ts';
import { isProblemCode, PROBLEM_CONTENT_TYPE, type ProblemCode } from 'fanal/api/problem.ts';
import { type Bytes, EMPTY_BYTES } from 'fanal/primitives/bytes.ts';
import { MAX_PROBLEM_BYTES } from './limits.ts';
import { UpstreamFailure } from './upstream-failure.ts';

/** The platform's `fetch`, as far as it is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly body?: Bytes;
  /** Of the body. */
  readonly type?: string;
  /** A longer answer is refused while it is being read. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** What a node answered: a body, or a problem in the protocol's words. */
export type UpstreamAnswer =
  | { readonly kind: 'body'; readonly status: number; readonly body: Bytes }
  | {
      readonly kind: 'problem';
      readonly status: number;
      readonly code: ProblemCode;
      readonly reason: string | undefined;
    };

/** Codes that say how things are, as against codes that say that the node is in trouble. */
const STATEMENTS: ReadonlySet<ProblemCode> = new Set([
  'invalid-request',
  'not-found',
  'not-yet-certified',
  'pruned',
  'payload-too-large',
  'transaction-conflict',
  'transaction-invalid',
  'fee-too-low',
  'mempool-full',
]);

/**
 * Asks a node.
 *
 * @throws {UpstreamFailure} `error` or `cancelled`
 */
export async function exchange(fetch: Fetch, url: string, ask: Exchange): Promise<UpstreamAnswer> {
  const { method, body, type = 'application/octet-stream', maxBytes, signal } = ask;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      redirect: 'manual',
      signal,
      // Identity: what is compressed could unfold into anything.
      headers: { 'accept-encoding': 'identity', ...(body && { 'content-type': type }) },
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
    });
  } catch (cause) {
    throw failureOf(signal, 'could not be reached', cause);
  }
  const { status } = response;
  if (status === 200 || status === 202) {
    return { kind: 'body', status, body: await readBody(response, maxBytes, signal) };
  }
  const given = response.headers.get('content-type') ?? '';
  if (status < 400 || !given.startsWith(PROBLEM_CONTENT_TYPE)) {
    response.body?.cancel().catch(() => undefined);
    throw new UpstreamFailure('error', `answered with status ${status}`);
  }
  return readProblem(status, await readBody(response, MAX_PROBLEM_BYTES, signal));
}

async function readBody(response: Response, maxBytes: number, signal: AbortSignal): Promise<Bytes> {
  const encoding = response.headers.get('content-encoding');
  const declared = Number(response.headers.get('content-length') ?? 0);
  if ((encoding !== null && encoding !== 'identity') || declared > maxBytes) {
    response.body?.cancel().catch(() => undefined);
    throw new UpstreamFailure('error', encoding ? 'answered compressed' : 'answered too much');
  }
  if (response.body === null) return EMPTY_BYTES;
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  // Not every runtime ends a pending read when the fetch is aborted: cancelling the reader does.
  const stop = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  const chunks: Bytes[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > maxBytes) {
        stop();
        throw new UpstreamFailure('error', `answered more than ${maxBytes} bytes`);
      }
      chunks.push(value);
    }
  } catch (cause) {
    if (cause instanceof UpstreamFailure) throw cause;
    throw failureOf(signal, 'broke off', cause);
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (signal.aborted) throw new UpstreamFailure('cancelled', 'no longer wanted');
  if (declared > 0 && declared !== length) {
    throw new UpstreamFailure('error', `declared ${declared} bytes and sent ${length}`);
  }
  return join(chunks, length);
}

function join(chunks: readonly Bytes[], length: number): Bytes {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function readProblem(status: number, body: Bytes): UpstreamAnswer {
  let code: unknown;
  let reason: unknown;
  try {
    const value = parseJson(body);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      ({ code, reason } = value as Record<string, unknown>);
    }
  } catch (cause) {
    throw new UpstreamFailure('error', `answered ${status} with no problem in it`, { cause });
  }
  if (!isProblemCode(code) || !STATEMENTS.has(code)) {
    throw new UpstreamFailure('error', `answered ${status}`);
  }
  const stable = typeof reason === 'string' && /^[a-z]{1,32}(?:\/[a-z0-9-]{1,48})?$/.test(reason);
  return { kind: 'problem', status, code, reason: stable ? (reason as string) : undefined };
}

function failureOf(signal: AbortSignal, what: string, cause: unknown): UpstreamFailure {
  return signal.aborted
    ? new UpstreamFailure('cancelled', 'no longer wanted', { cause })
    : new UpstreamFailure('error', what, { cause });
}
