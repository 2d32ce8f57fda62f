/**
 * What the gateway wants to know of a request's headers, read in one go: each look into the
 * platform's own object is a call out of JavaScript, and a busy gateway feels it.
 */
import { invalidRequest } from 'fanal/api/problem.ts';
import { MAX_REQUEST_HEADER_BYTES } from 'fanal/chain/limits.ts';

export interface RequestHeaders {
  readonly apiKey: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly isUpgrade: boolean;
  readonly hasBody: boolean;
}

/** @throws {Problem} `invalid-request` for more header bytes than anyone needs */
export function readHeaders(headers: Headers): RequestHeaders {
  const read = { ...NOTHING_SAID };
  let length = 0;
  headers.forEach((value, name) => {
    length += name.length + value.length + 4;
    if (name === 'x-api-key') read.apiKey = value;
    else if (name === 'if-none-match') read.ifNoneMatch = value;
    else if (name === 'upgrade') read.isUpgrade = true;
    else if (name === 'transfer-encoding') read.hasBody = true;
    else if (name === 'content-length' && value !== '0') read.hasBody = true;
  });
  if (length > MAX_REQUEST_HEADER_BYTES) {
    throw invalidRequest('/header', `expected at most ${MAX_REQUEST_HEADER_BYTES} bytes`);
  }
  return read;
}

const NOTHING_SAID = {
  apiKey: undefined as string | undefined,
  ifNoneMatch: undefined as string | undefined,
  isUpgrade: false,
  hasBody: false,
};
