/**
 * What a request line asks for, and all that follows from it alone: the route, and the key of the
 * answer in memory.
 */
import { type Match, matchRoute } from 'fanal/api/match.ts';
import { ROUTES, type RouteName } from 'fanal/api/routes.ts';
import type { CostClass } from './rate-limit.ts';

/** What a request line asks for. */
export interface RequestLine {
  /** The name that it is counted under. */
  readonly route: string;
  /** Null for paths beside the shared table. */
  readonly match: Match | null;
  /** What it costs to come in; null for what costs nobody anything. */
  readonly cost: CostClass | null;
  /** What the key of an answer in memory is made of: the target, the target and the tip, nothing. */
  readonly keptBy: 'target' | 'tip' | 'nobody';
  /** Whether the answer is of no use once the tip is too old. */
  readonly speaksOfNow: boolean;
}

/** What routes cost that are not for everyone to share: nothing, a look at the nodes, or more. */
const COSTS: Partial<Record<RouteName, CostClass | null>> = {
  ...{ openapi: null, docs: null, livez: null, readyz: null, status: null },
  ...{ transactionStatus: 'uncached', addressQuery: 'uncached' },
  ...{ submit: 'submit', faucet: 'submit' },
};

/** @throws {Problem} for a line that asks for nothing we have */
export function readLine(method: string, target: string): RequestLine {
  const beside = routeBeside(target);
  if (beside !== null) {
    return {
      ...{ route: beside, match: null, cost: 'cached' },
      ...{ keptBy: 'nobody', speaksOfNow: false },
    };
  }
  const match = matchRoute(method, target);
  const { cache } = ROUTES[match.name];
  const isOfTarget = cache === 'docs' || cache === 'reported' || isPinned(match);
  return {
    route: match.name,
    match,
    cost: match.name in COSTS ? (COSTS[match.name] ?? null) : 'cached',
    keptBy: cache === 'none' ? 'nobody' : isOfTarget ? 'target' : 'tip',
    speaksOfNow: cache === 'tip' && !isPinned(match),
  };
}

/** The key in memory; null when there is none, or when it needs a tip. */
export function keyOf({ match, keptBy }: RequestLine, size: bigint | null): string | null {
  if (match === null || keptBy === 'nobody') return null;
  if (keptBy === 'target') return match.target;
  return size === null ? null : `${match.target}#${size}`;
}

/** The name of a path beside the shared table; null for all that the table knows. */
export function routeBeside(target: string): 'metrics' | 'evidence' | 'keys' | null {
  if (target === '/metrics') return 'metrics';
  if (target.startsWith('/v1/evidence')) return 'evidence';
  return target.startsWith('/v1/keys/') ? 'keys' : null;
}

/** Whether a request names what it is proved against, so that its answer never changes. */
function isPinned(match: Match): boolean {
  const { at, cursor } = match.parameters as { at?: bigint; cursor?: string };
  return ROUTES[match.name].cache === 'immutable' || at !== undefined || cursor !== undefined;
}
