/**
 * The event stream over plain HTTP. Upgrades to a WebSocket never come here: the server takes them.
 */
import type { RouteParameters } from 'fanal/api/routes.ts';
import { type AddressPrefix, decodeAddress } from 'fanal/crypto/address.ts';
import type { Handlers } from './handler.ts';
import type { Interest } from './hub.ts';
import { eventStream } from './sse.ts';

export const eventRoutes: Handlers<'events'> = {
  async events({ parameters }, { hub, request, identity, tip, onStream }) {
    const current = await tip();
    const after = lastEventId(request.headers.get('last-event-id'));
    onStream('sse', 1);
    return {
      body: eventStream(
        interestOf(parameters, identity.prefix),
        (listener) => hub.add(listener, current, after),
        () => onStream('sse', -1),
      ),
      type: 'text/event-stream',
      cache: 'none',
      headers: { 'x-accel-buffering': 'no' },
    };
  },
};

/** What a stream's query asks for: tips alone unless it says otherwise. */
export function interestOf(
  { topics, address }: RouteParameters<'events'>,
  prefix: AddressPrefix,
): Interest {
  const addresses = address === undefined ? [] : [decodeAddress(address, prefix).address];
  return {
    topics: topics ?? (addresses.length === 0 ? ['tip'] : ['tip', 'address']),
    addresses,
  };
}

/** The height that a client saw last; null when it says none, or nothing we said. */
function lastEventId(header: string | null): bigint | null {
  return header !== null && /^(?:0|[1-9][0-9]{0,15})$/.test(header) ? BigInt(header) : null;
}
