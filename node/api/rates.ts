/**
 * How much one client may ask for: a bucket of cost units that refills at a steady rate.
 *
 * A client is an IPv4 address or an IPv6 /64, as the socket says; headers are never read, so
 * nobody can choose who they are.
 */
import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';

/** A bucket's size and how fast it refills, in cost units. */
export interface RateRule {
  readonly burst: number;
  readonly perSecond: number;
}

export interface RateVerdict {
  readonly ok: boolean;
  /** Whole units left. */
  readonly remaining: number;
  /** Seconds until the bucket holds the asked cost again; 0 when it did. */
  readonly retryAfterSeconds: number;
}

/** Clients remembered at once; the one not seen for longest goes first. */
export const MAX_CLIENTS = 20_000;

/** What a client may read: about the pages of a busy wallet, not of a crawler. */
export const READ_RULE: RateRule = { burst: 600, perSecond: 60 };
/** What a client may submit. */
export const SUBMIT_RULE: RateRule = { burst: 100, perSecond: 20 };

/** Counts what clients spend under one rule. */
export class RateLimiter {
  readonly rule: RateRule;
  readonly #now: () => bigint;
  readonly #buckets = new Map<string, { units: number; at: bigint }>();

  constructor(rule: RateRule, now: () => bigint) {
    this.rule = rule;
    this.#now = now;
  }

  /** Takes `cost` units from a client's bucket, or says how long to wait. */
  take(client: string, cost: number): RateVerdict {
    const now = this.#now();
    const bucket = this.#buckets.get(client) ?? { units: this.rule.burst, at: now };
    const elapsedSeconds = Math.max(0, Number(now - bucket.at)) / 1000;
    const units = Math.min(this.rule.burst, bucket.units + elapsedSeconds * this.rule.perSecond);
    const ok = units >= cost;
    const left = ok ? units - cost : units;
    this.#buckets.delete(client);
    this.#buckets.set(client, { units: left, at: now });
    if (this.#buckets.size > MAX_CLIENTS) {
      this.#buckets.delete(this.#buckets.keys().next().value as string);
    }
    return {
      ok,
      remaining: Math.floor(left),
      retryAfterSeconds: ok ? 0 : Math.max(1, Math.ceil((cost - units) / this.rule.perSecond)),
    };
  }
}

/** Who a socket's address stands for: an IPv4 address whole, an IPv6 address by its /64. */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  if (!isIPv6(address)) return address;
  const [left = '', right] = (address.split('%')[0] as string).split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const groups =
    right === undefined
      ? head
      : [
          ...head,
          ...new Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'),
          ...tail,
        ];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/**
 * Where a request comes from: the socket's other end, or the one that a reverse proxy on this
 * machine names last in `X-Forwarded-For`, if the operator has one.
 */
export function addressOf(
  { socket, headers }: IncomingMessage,
  trustForwarded: boolean,
): string | null {
  const address = socket.remoteAddress ?? null;
  if (!trustForwarded || address === null || !isLoopback(address)) return address;
  // Several headers of the name come as one, with commas; what stands last our proxy has written.
  const named =
    String(headers['x-forwarded-for'] ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? '';
  return isIP(named) === 0 ? address : named;
}

/** Says whether an address is this machine's own. */
export function isLoopback(address: string): boolean {
  const client = clientOf(address);
  return client.startsWith('127.') || address === '::1';
}
