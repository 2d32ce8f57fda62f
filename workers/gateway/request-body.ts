/**
 * Reads a request's body with a count of its own: a declared length is a claim, not a fact.
 */
import { Problem } from 'fanal/api/problem.ts';
import { type Bytes, EMPTY_BYTES } from 'fanal/primitives/bytes.ts';

/**
 * Reads at most `maxBytes` of a body.
 *
 * @throws {Problem} `payload-too-large` as soon as one byte more has come, `invalid-request` on any
 *   `Content-Encoding`
 */
export async function readRequestBody(request: Request, maxBytes: number): Promise<Bytes> {
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity') {
    throw new Problem('invalid-request', { reason: 'request/encoded-body' });
  }
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return EMPTY_BYTES;
  const bytes = await readCapped(request.body, maxBytes);
  if (bytes === null) throw tooLarge(maxBytes);
  return bytes;
}

/** Reads a stream to its end, or gives null and lets go of it once it has given too much. */
export async function readCapped(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Bytes | null> {
  const reader = stream.getReader();
  const chunks: Bytes[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      reader.cancel().catch(() => undefined);
      return null;
    }
    chunks.push(value);
  }
  if (chunks.length === 1) return chunks[0] as Bytes;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function tooLarge(maxBytes: number): Problem {
  return new Problem('payload-too-large', { reason: `request/over-${maxBytes}-bytes` });
}
