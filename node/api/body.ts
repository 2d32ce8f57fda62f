/**
 * Reads a request's body, counting as it goes.
 *
 * What a header says of the length is a reason to refuse early, never a reason to trust.
 */
import { invalidRequest, Problem } from 'fanal/api/problem.ts';
import { MAX_POST_BYTES } from 'fanal/chain/limits.ts';
import { type Bytes, concat } from 'fanal/primitives/bytes.ts';

/**
 * Reads at most 64 KiB.
 *
 * @throws {Problem} `payload-too-large`, or `invalid-request` for a compressed body
 */
export async function readBody(request: Request, signal: AbortSignal): Promise<Bytes> {
  if (request.headers.has('content-encoding')) {
    throw invalidRequest('/header/content-encoding', 'expected a body without Content-Encoding');
  }
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > MAX_POST_BYTES)
    throw new Problem('payload-too-large');
  if (declared !== null) {
    // A server's parser lets no more in than was declared, so nothing has to be counted on the way.
    const body = new Uint8Array(await request.arrayBuffer().catch(endedEarly));
    if (body.length > MAX_POST_BYTES) throw new Problem('payload-too-large');
    return body;
  }
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  try {
    const parts: Bytes[] = [];
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return concat(...parts);
      length += value.length;
      if (length > MAX_POST_BYTES) {
        stop();
        throw new Problem('payload-too-large');
      }
      parts.push(value);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The client left, or sent less than it had declared: its fault, and no failure of ours. */
function endedEarly(): never {
  throw invalidRequest('/body', 'expected as many bytes as were declared');
}

/** Refuses a body where there must be none. */
export function refuseBody(request: Request): void {
  const length = request.headers.get('content-length');
  if ((length !== null && length !== '0') || request.headers.has('transfer-encoding')) {
    throw invalidRequest('/body', 'expected no body');
  }
}
