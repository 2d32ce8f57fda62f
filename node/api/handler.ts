/**
 * What a route's handler is given, and the few things that many of them do.
 */

import type { CacheClass } from 'fanal/api/cache.ts';
import { type RouteMatch, targetOf } from 'fanal/api/match.ts';
import { Problem } from 'fanal/api/problem.ts';
import { ROUTES, type RouteName, type RouteParameters } from 'fanal/api/routes.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { CertifiedTip } from '../ledger/ledger.ts';
import type { Answer } from './answer.ts';
import type { HealthWindow } from './health.ts';
import type { EventHub } from './hub.ts';
import type { LedgerFacts } from './ledger-facts.ts';
import type { ApiPorts } from './ports.ts';

/** The node's ports, and what one request brings. */
export interface Context extends ApiPorts {
  readonly request: Request;
  /** Whom limits count: an IPv4 address, an IPv6 /64, or `local`. */
  readonly client: string;
  /** The body of a POST, counted and complete; empty otherwise. */
  readonly body: Bytes;
  /** Ends when the client leaves or the time is up. */
  readonly signal: AbortSignal;
  readonly hub: EventHub;
  readonly health: HealthWindow;
  /** Counts streams as they open (+1) and end (−1). */
  readonly onStream: (kind: 'sse' | 'websocket', change: number) => void;
  readonly tip: () => Promise<CertifiedTip>;
  readonly facts: LedgerFacts;
  /** When this node first had the tip certified, by its clock. */
  readonly tipSeenAt: () => bigint;
}

export type Handler<Name extends RouteName> = (
  match: RouteMatch<Name>,
  context: Context,
) => Promise<Answer>;

export type Handlers<Names extends RouteName> = { readonly [Name in Names]: Handler<Name> };

/** Takes what is there. @throws {Problem} `not-found` for what is not */
export function found<T>(value: T | null): T {
  if (value === null) throw new Problem('not-found');
  return value;
}

/**
 * How long an answer to a route that takes `at` may be kept: for ever when it was given, else for
 * a moment, with the URL of the lasting form.
 */
export async function sized<Name extends RouteName>(
  context: Pick<Context, 'tip'>,
  name: Name,
  parameters: RouteParameters<Name>,
): Promise<{ cache: CacheClass; headers: Record<string, string> }> {
  const { cache, sizedCache } = ROUTES[name];
  if ((parameters as { at?: bigint }).at !== undefined && sizedCache !== null) {
    return { cache: sizedCache, headers: {} };
  }
  const { size } = await context.tip();
  const lasting = targetOf(name, { ...parameters, at: size } as RouteParameters<Name>);
  return { cache, headers: { 'content-location': lasting } };
}
