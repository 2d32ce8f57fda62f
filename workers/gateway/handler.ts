/**
 * What a route's handler is given, and the few things that many of them do.
 */
import type { CacheClass } from 'fanal/api/cache.ts';
import { type RouteMatch, targetOf } from 'fanal/api/match.ts';
import { Problem } from 'fanal/api/problem.ts';
import { ROUTES, type RouteName, type RouteParameters } from 'fanal/api/routes.ts';
import type { Params } from 'fanal/chain/params.ts';
import type { AddressPrefix } from 'fanal/crypto/address.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { ChainView } from '../chain/chain-view.ts';
import type { Answer } from './answer.ts';
import type { Call, GatewayPorts } from './ports.ts';
import type { Tips } from './tips.ts';

/** The gateway's ports, and what one request brings. */
export interface Context extends GatewayPorts {
  readonly request: Request;
  readonly call: Call;
  /** The body of a POST, counted and complete; empty otherwise. */
  readonly body: Bytes;
  /** How long the client would wait for a transaction to be settled. */
  readonly waitSeconds: number;
  readonly tips: Tips;
  /** Verified canonical bytes of what only nodes have. */
  readonly load: (target: string) => Promise<Bytes>;
  /** The parameters in force, proved by the state of a block of this epoch. */
  readonly params: () => Promise<Params>;
  readonly prefix: AddressPrefix;
}

export type Handler<Name extends RouteName> = (
  match: RouteMatch<Name>,
  context: Context,
) => Promise<Answer>;

export type Handlers<Names extends RouteName> = { readonly [Name in Names]: Handler<Name> };

/** Where an answer stands: against which size it is proved, and how long it may be kept. */
export interface Sized {
  readonly view: ChainView;
  readonly size: bigint;
  readonly cache: CacheClass;
  /** What the answer says of that. */
  readonly more: { readonly headers: Record<string, string>; readonly sureAt: bigint | null };
}

/**
 * The size that a request names, or the tip's. What names a size is for ever; what does not says
 * where the lasting form is, and how old the tip is that it speaks of.
 */
export async function sized<Name extends RouteName>(
  context: Context,
  name: Name,
  parameters: RouteParameters<Name>,
): Promise<Sized> {
  const { cache, sizedCache } = ROUTES[name];
  const { at } = parameters as { at?: bigint };
  if (at !== undefined) {
    const view = await context.tips.view();
    return {
      view,
      size: view.sizeOf(at),
      cache: sizedCache ?? cache,
      more: { headers: {}, sureAt: null },
    };
  }
  const view = cache === 'tip' ? await context.tips.fresh() : await context.tips.view();
  const { size } = view;
  const { headers, sureAt } = ofTip(view);
  const lasting = targetOf(name, { ...parameters, at: size } as RouteParameters<Name>);
  return {
    view,
    size,
    cache,
    more: {
      headers: { ...headers, 'content-location': context.identity.basePath + lasting },
      sureAt,
    },
  };
}

/** Which tip an answer speaks of, and when somebody honest last stood behind that. */
export function ofTip(view: ChainView): { headers: Record<string, string>; sureAt: bigint } {
  return { headers: { 'fanal-size': String(view.size) }, sureAt: view.tip.state.sureAt };
}

/** @throws {Problem} `not-found` */
export function notFound(reason: string): Problem {
  return new Problem('not-found', { reason });
}
