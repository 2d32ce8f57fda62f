/**
 * One subscriber: what it wants to hear of, how far it has heard, and whether it still listens.
 *
 * A seat is plain data, so that it can sleep with its socket. A subscriber hears of every height
 * once and in order: who missed some is sent them again before anything newer.
 */
import {
  type ChainEventJson,
  eventShape,
  type SocketRequest,
  type TipEvent,
} from 'fanal/api/events.ts';
import type { EventTopic } from 'fanal/api/parameters.ts';
import {
  MAX_SOCKET_BURST,
  MAX_SOCKET_MESSAGES_PER_SECOND,
  MAX_SOCKET_QUEUE_BYTES,
  MAX_SOCKET_QUEUE_MESSAGES,
  SOCKET_IDLE_MILLIS,
  SOCKET_LIFE_MILLIS,
} from 'fanal/chain/limits.ts';

/** What happened at one height. */
export interface BlockEvent {
  readonly tip: TipEvent;
  /** Addresses, in text, whose record changed; null when nobody looked, so that any may have. */
  readonly changed: readonly string[] | null;
}

export interface Seat {
  readonly topics: readonly EventTopic[];
  /** In text. */
  readonly addresses: readonly string[];
  /** The last height it was told of; −1 before the first. */
  readonly last: bigint;
  /** Messages and bytes sent since it last said something. */
  readonly unanswered: number;
  readonly unansweredBytes: number;
  readonly openedAt: number;
  readonly heardAt: number;
  /** What it may still say, and since when that is counted. */
  readonly tokens: number;
  readonly tokensAt: number;
}

/** Takes a seat that has heard everything up to `last`. */
export function takeSeat(
  interest: { readonly topics: readonly EventTopic[]; readonly addresses: readonly string[] },
  last: bigint,
  now: number,
): Seat {
  return {
    topics: interest.topics,
    addresses: interest.addresses,
    last,
    unanswered: 0,
    unansweredBytes: 0,
    openedAt: now,
    heardAt: now,
    tokens: MAX_SOCKET_BURST,
    tokensAt: now,
  };
}

/** The events of one height that a seat wants to hear of. */
export function eventsFor(seat: Seat, { tip, changed }: BlockEvent): ChainEventJson[] {
  const events: ChainEventJson[] = [];
  if (seat.topics.includes('tip')) events.push(eventShape.to(tip));
  if (seat.topics.includes('address')) {
    for (const address of seat.addresses) {
      if (changed !== null && !changed.includes(address)) continue;
      events.push({ kind: 'address', address, height: String(tip.height) });
    }
  }
  return events;
}

/** The seat after it was sent a message for a height. */
export function told(seat: Seat, height: bigint, bytes: number): Seat {
  return {
    ...seat,
    last: height > seat.last ? height : seat.last,
    unanswered: seat.unanswered + 1,
    unansweredBytes: seat.unansweredBytes + bytes,
  };
}

/** The seat after it said something; null when it says too much. */
export function heard(seat: Seat, now: number): Seat | null {
  const gained = ((now - seat.tokensAt) / 1000) * MAX_SOCKET_MESSAGES_PER_SECOND;
  const tokens = Math.min(MAX_SOCKET_BURST, seat.tokens + Math.max(0, gained)) - 1;
  if (tokens < 0) return null;
  return { ...seat, tokens, tokensAt: now, heardAt: now, unanswered: 0, unansweredBytes: 0 };
}

/** The seat with another subscription. */
export function subscribed(
  seat: Seat,
  request: Extract<SocketRequest, { kind: 'subscribe' }>,
  last: bigint,
): Seat {
  return { ...seat, topics: request.topics, addresses: request.addresses, last };
}

/** Why a seat has to be given up, or null while it may be kept. */
export function reasonToClose(seat: Seat, now: number): 'slow' | 'idle' | 'old' | null {
  const isSlow =
    seat.unanswered > MAX_SOCKET_QUEUE_MESSAGES || seat.unansweredBytes > MAX_SOCKET_QUEUE_BYTES;
  if (isSlow) return 'slow';
  if (now - seat.heardAt > SOCKET_IDLE_MILLIS) return 'idle';
  return now - seat.openedAt > SOCKET_LIFE_MILLIS ? 'old' : null;
}
