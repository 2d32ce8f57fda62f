/**
 * An operator's settings, checked before anything uses them.
 */

import {
  MAX_SOCKETS_PER_ADDRESS,
  REQUEST_TIMEOUT_MILLIS,
  UPSTREAM_TIMEOUT_MILLIS,
} from 'fanal/chain/limits.ts';
import type { TrustState } from 'fanal/light/trust.ts';
import { parseTrust } from 'fanal/light/trust-file.ts';
import { DecodeError } from 'fanal/primitives/errors.ts';
import { FOLLOW_INTERVAL_MILLIS, MAX_UPSTREAMS } from './chain/limits.ts';
import { type Allowance, ANONYMOUS_ALLOWANCE } from './gateway/rate-limit.ts';

/** Settings as text, by name: environment variables and `wrangler.toml`'s vars alike. */
export interface Settings {
  readonly TRUST?: string | undefined;
  readonly UPSTREAMS?: string | undefined;
  readonly BASE_PATH?: string | undefined;
  readonly INSECURE_UPSTREAMS?: string | undefined;
  readonly METRICS_TOKEN?: string | undefined;
  readonly OPERATOR_TOKEN?: string | undefined;
  readonly FAUCET?: string | undefined;
  readonly CLIENT_HEADER?: string | undefined;
  readonly ALLOWANCE?: string | undefined;
  readonly SOCKETS_PER_CLIENT?: string | undefined;
  readonly PUSH_ROOMS?: string | undefined;
  readonly FETCH_SHARDS?: string | undefined;
  readonly FOLLOW_MILLIS?: string | undefined;
  readonly UPSTREAM_TIMEOUT_MILLIS?: string | undefined;
  readonly VERSION?: string | undefined;
  readonly COMMIT?: string | undefined;
}

export interface Config {
  readonly anchor: TrustState;
  readonly upstreams: readonly string[];
  readonly basePath: string;
  readonly metricsToken: string | null;
  readonly operatorToken: string | null;
  readonly faucet: boolean;
  /** Null where nothing says who a client is: then all share one allowance. */
  readonly clientHeader: string | null;
  readonly allowance: Allowance;
  readonly socketsPerClient: number;
  /** Objects that hold the sockets, and objects that ask the nodes. */
  readonly pushRooms: number;
  readonly fetchShards: number;
  readonly followMillis: number;
  readonly upstreamTimeoutMillis: number;
  readonly version: string;
  readonly commit: string;
}

/**
 * Reads the settings.
 *
 * @throws {DecodeError} `config/…` with the name of the setting
 */
export function readConfig(settings: Settings): Config {
  const trust = settings.TRUST ?? '';
  if (trust.trim() === '') throw refuse('TRUST', 'the text of a trust file');
  const clientHeader = (settings.CLIENT_HEADER ?? 'cf-connecting-ip').toLowerCase();
  return {
    // Variables set by hand often lose the line break at the end.
    anchor: parseTrust(`${trust.trim()}\n`),
    upstreams: readUpstreams(settings),
    basePath: readBasePath(settings.BASE_PATH ?? ''),
    metricsToken: settings.METRICS_TOKEN || null,
    operatorToken: settings.OPERATOR_TOKEN || null,
    faucet: settings.FAUCET === 'true',
    clientHeader: clientHeader === 'none' ? null : clientHeader,
    allowance: readAllowance(settings.ALLOWANCE),
    socketsPerClient: readCount(settings, 'SOCKETS_PER_CLIENT', MAX_SOCKETS_PER_ADDRESS, 100_000),
    pushRooms: readCount(settings, 'PUSH_ROOMS', 4, 1_000),
    fetchShards: readCount(settings, 'FETCH_SHARDS', 8, 256),
    followMillis: readCount(settings, 'FOLLOW_MILLIS', FOLLOW_INTERVAL_MILLIS, 60_000),
    upstreamTimeoutMillis: readCount(
      settings,
      'UPSTREAM_TIMEOUT_MILLIS',
      UPSTREAM_TIMEOUT_MILLIS,
      REQUEST_TIMEOUT_MILLIS,
    ),
    version: settings.VERSION || '0.1.0',
    commit: settings.COMMIT || 'unknown',
  };
}

function readUpstreams({ UPSTREAMS, INSECURE_UPSTREAMS }: Settings): string[] {
  const urls = (UPSTREAMS ?? '').split(/[\s,]+/).filter((url) => url !== '');
  if (urls.length === 0 || urls.length > MAX_UPSTREAMS) {
    throw refuse('UPSTREAMS', `1 to ${MAX_UPSTREAMS} URLs of nodes`);
  }
  const isInsecure = INSECURE_UPSTREAMS === 'true';
  return urls.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    const isPlain = url?.protocol === 'http:';
    if (url === null || !(url.protocol === 'https:' || (isPlain && isInsecure))) {
      throw refuse('UPSTREAMS', 'https URLs');
    }
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
      throw refuse('UPSTREAMS', 'URLs without credentials, query or fragment');
    }
    if (!isInsecure && isPrivateHost(url.hostname)) {
      throw refuse('UPSTREAMS', 'hosts that are not private addresses');
    }
    return url.origin + url.pathname.replace(/\/$/, '');
  });
}

/** Loopback, link-local and private addresses, and names that stand for them. */
export function isPrivateHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost') || name.endsWith('.internal'))
    return true;
  // The URL parser has turned every way to write an address into one of these two.
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(name);
  if (v4 !== null) {
    const [a, b] = [Number(v4[1]), Number(v4[2])];
    return (
      a === 0 ||
      a === 10 ||
      a === 127 ||
      (a === 100 && b >= 64 && b < 128) ||
      (a === 169 && b === 254) ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      a >= 224
    );
  }
  return name.includes(':') && !/^[23]/.test(name);
}

function readBasePath(text: string): string {
  if (text !== '' && !/^(?:\/[a-z0-9-]{1,32}){1,3}$/.test(text)) {
    throw refuse('BASE_PATH', 'a path such as /testnet');
  }
  return text;
}

function readAllowance(text: string | undefined): Allowance {
  if (text === undefined || text === '') return ANONYMOUS_ALLOWANCE;
  const match = /^(\d{1,9}),(\d{1,9}),(\d{1,9})$/.exec(text);
  if (match === null) throw refuse('ALLOWANCE', 'three numbers: cached,uncached,submit');
  const [cached, uncached, submit] = match.slice(1).map(Number) as [number, number, number];
  return { cached, uncached, submit };
}

function readCount(settings: Settings, name: keyof Settings, usual: number, most: number): number {
  const text = settings[name];
  if (text === undefined || text === '') return usual;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most) throw refuse(name, `a number from 1 to ${most}`);
  return value;
}

function refuse(name: string, expected: string): DecodeError {
  return new DecodeError(
    `config/${name.toLowerCase().replaceAll('_', '-')}`,
    `${name}: expected ${expected}`,
    {
      hint: 'See docs/deploy.md for what each setting means.',
    },
  );
}
