/**
 * The way of a subscriber to its room: which room it belongs to, and what the room is told of it.
 */

import type { EventTopic } from 'fanal/api/parameters.ts';
import type { AddressPrefix } from 'fanal/crypto/address.ts';
import { encodeAddress } from 'fanal/crypto/address.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';
import type { Interest } from '../gateway/ports.ts';

/** What a room is told of somebody who comes in. */
export interface Subscription {
  readonly client: string;
  readonly topics: readonly EventTopic[];
  /** In text. */
  readonly addresses: readonly string[];
  readonly after: bigint | null;
}

/** The room of a client: all its streams meet there, so that they can be counted. */
export function roomOf(client: string, rooms: number): string {
  const digest = sha256(utf8(client));
  return `room-${(((digest[0] as number) << 8) | (digest[1] as number)) % rooms}`;
}

const HEADER = 'x-fanal-subscription';

/** The request that is handed to a room. Nothing that the client wrote goes along. */
export function subscriptionRequest(
  client: string,
  interest: Interest,
  prefix: AddressPrefix,
  isSocket: boolean,
): Request {
  const subscription = {
    client,
    topics: interest.topics,
    addresses: interest.addresses.map((address) => encodeAddress(address, prefix)),
    after: interest.after === null ? null : String(interest.after),
  };
  return new Request('https://push.internal/', {
    headers: {
      [HEADER]: JSON.stringify(subscription),
      ...(isSocket ? { upgrade: 'websocket' } : {}),
    },
  });
}

export function readSubscription(request: Request): Subscription {
  const value = JSON.parse(request.headers.get(HEADER) ?? '{}') as Omit<Subscription, 'after'> & {
    after: string | null;
  };
  return { ...value, after: value.after === null ? null : BigInt(value.after) };
}
