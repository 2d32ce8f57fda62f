/**
 * A log's name: `<domain>/<network>/<first 16 hex digits of the genesis id>`.
 *
 * Everything a validator cosigns begins with it, so an origin is never used for a second chain,
 * not even after a reset (docs/protocol.md §7.1).
 */
import { type Bytes32, toHex } from '../primitives/bytes.ts';
import { DecodeError } from '../primitives/errors.ts';
import type { Field } from '../primitives/struct.ts';
import { MAX_DOMAIN_BYTES, MAX_NETWORK_BYTES, MAX_ORIGIN_BYTES } from './limits.ts';
import { text } from './text.ts';

const DOMAIN = /^[a-z0-9]+(?:[.-][a-z0-9]+)*$/;
const NETWORK = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
// Domain and network as above, of at most 64 and 32 characters.
const ORIGIN =
  /^(?=[^/]{1,64}\/[^/]{1,32}\/)[a-z0-9]+(?:[.-][a-z0-9]+)*\/[a-z0-9]+(?:-[a-z0-9]+)*\/[0-9a-f]{16}$/;

/** The parts of an origin. */
export interface OriginParts {
  readonly domain: string;
  readonly network: string;
  /** The first 16 hex digits of the genesis id. */
  readonly digits: string;
}

/** Names the log of the chain that begins with `genesisId`. */
export function originOf(domain: string, network: string, genesisId: Bytes32): string {
  return `${domain}/${network}/${toHex(genesisId).slice(0, 16)}`;
}

/** Says whether a text may stand in the domain part of an origin. */
export function isDomain(text: string): boolean {
  return text.length <= MAX_DOMAIN_BYTES && DOMAIN.test(text);
}

/** Says whether a text may stand in the network part of an origin. */
export function isNetwork(text: string): boolean {
  return text.length <= MAX_NETWORK_BYTES && NETWORK.test(text);
}

/** Says whether a text is an origin. */
export function isOrigin(text: string): boolean {
  return ORIGIN.test(text);
}

/**
 * Reads an origin.
 *
 * @throws {DecodeError} `checkpoint/origin`
 */
export function parseOrigin(origin: string): OriginParts {
  if (!isOrigin(origin)) {
    throw new DecodeError(
      'checkpoint/origin',
      `expected <domain>/<network>/<16 hex digits>, found ${JSON.stringify(origin.slice(0, 120))}`,
    );
  }
  const [domain, network, digits] = origin.split('/') as [string, string, string];
  return { domain, network, digits };
}

/** Says whether an origin can be that of the chain with this genesis id. */
export function originNames(origin: string, genesisId: Bytes32): boolean {
  return origin.endsWith(`/${toHex(genesisId).slice(0, 16)}`);
}

/** An origin inside canonical bytes. */
export const originField: Field<string> = /* @__PURE__ */ text(
  MAX_ORIGIN_BYTES,
  'an origin',
  isOrigin,
);
