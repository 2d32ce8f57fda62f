/**
 * Streams of events: sockets and server-sent events, kept by the push rooms.
 */
import type { RouteMatch } from 'fanal/api/match.ts';
import { Problem } from 'fanal/api/problem.ts';
import { MAX_SUBSCRIPTIONS } from 'fanal/chain/limits.ts';
import { decodeAddress } from 'fanal/crypto/address.ts';
import { stream } from './answer.ts';
import type { Context, Handlers } from './handler.ts';
import type { Interest } from './ports.ts';

export const eventRoutes: Handlers<'events'> = {
  async events(match, context) {
    const response = await openEvents(match, context);
    if (response.body === null || response.status !== 200) {
      throw new Problem('quota-exceeded', { reason: 'push/full', retryAfterSeconds: 10 });
    }
    return stream(response.body, 'text/event-stream');
  },
};

/** Opens a socket or a stream at the push room that the client belongs to. */
export async function openEvents(match: RouteMatch<'events'>, context: Context): Promise<Response> {
  const upgrade = context.request.headers.get('upgrade');
  if (upgrade !== null && upgrade.toLowerCase() !== 'websocket') {
    throw new Problem('invalid-request', {
      errors: [{ pointer: '/header/upgrade', detail: 'expected websocket' }],
    });
  }
  return context.push.open(context.request, interestOf(match, context), context.call);
}

/** What a stream's query asks for: tips alone unless it says otherwise. */
function interestOf({ parameters }: RouteMatch<'events'>, { prefix, request }: Context): Interest {
  const { topics, address } = parameters;
  const addresses = address === undefined ? [] : [decodeAddress(address, prefix).address];
  const seen = request.headers.get('last-event-id');
  return {
    topics: topics ?? (addresses.length === 0 ? ['tip'] : ['tip', 'address']),
    addresses: addresses.slice(0, MAX_SUBSCRIPTIONS),
    after: seen !== null && /^(?:0|[1-9][0-9]{0,15})$/.test(seen) ? BigInt(seen) : null,
  };
}
