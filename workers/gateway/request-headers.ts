/**
 * A request's headers, read once: each look into the platform's own object is a call out of
 * JavaScript, and a busy gateway feels it.
 */
import { invalidRequest } from 'fanal/api/problem.ts';
import { MAX_REQUEST_HEADER_BYTES } from 'fanal/chain/limits.ts';

/** Values by lower-case name. */
export type RequestHeaders = ReadonlyMap<string, string>;

/** @throws {Problem} `invalid-request` for more header bytes than anyone needs */
export function readHeaders(headers: Headers): RequestHeaders {
  const read = new Map<string, string>();
  let length = 0;
  for (const [name, value] of headers) {
    length += name.length + value.length + 4;
    read.set(name, value);
  }
  if (length > MAX_REQUEST_HEADER_BYTES) {
    throw invalidRequest('/header', `expected at most ${MAX_REQUEST_HEADER_BYTES} bytes`);
  }
  return read;
}

/** Refuses a body where there must be none. */
export function refuseBody(headers: RequestHeaders): void {
  const length = headers.get('content-length');
  if ((length !== undefined && length !== '0') || headers.has('transfer-encoding')) {
    throw invalidRequest('/body', 'expected no body');
  }
}
