/**
 * A room of subscribers, whatever carries their messages: sockets that sleep, streams, or sockets
 * of this process.
 *
 * Nobody is waited for. Who does not answer, says too much or has stayed too long is shown out with
 * the code that says why, and comes back with the height it heard last.
 */
import {
  SOCKET_CLOSE,
  type SocketRequest,
  socketReplyShape,
  socketRequestShape,
} from 'fanal/api/events.ts';
import { parseJson } from 'fanal/api/json.ts';
import { MAX_EVENT_REPLAY, MAX_SOCKET_MESSAGE_BYTES } from 'fanal/chain/limits.ts';
import { type AddressPrefix, decodeAddress } from 'fanal/crypto/address.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { EventMemory } from './event-memory.ts';
import { eventsFor, heard, reasonToClose, type Seat, subscribed, told } from './seat.ts';

/** What carries one subscriber's messages. */
export interface Carrier {
  seat(): Seat;
  keep(seat: Seat): void;
  /** Sends one event or reply; `height` is the id of an event, null for a reply. */
  send(kind: string, json: string, height: bigint | null): void;
  close(code: number, reason: string): void;
}

const CLOSING: Record<'slow' | 'idle' | 'old', number> = {
  slow: SOCKET_CLOSE.tryAgainLater,
  idle: SOCKET_CLOSE.policy,
  old: SOCKET_CLOSE.goingAway,
};

/** Tells a subscriber what it has not heard yet, out of what is remembered. */
export function catchUp(carrier: Carrier, memory: EventMemory, now: number): void {
  const seat = carrier.seat();
  // What is sent again at once does not count against a slow reader.
  const caughtUp = send(carrier, seat, memory, new Map());
  carrier.keep({
    ...caughtUp,
    unanswered: seat.unanswered,
    unansweredBytes: seat.unansweredBytes,
  });
  closeIfDue(carrier, now);
}

/** Tells everyone in a room what they have not heard yet. */
export function tellAll(carriers: readonly Carrier[], memory: EventMemory, now: number): void {
  // Most want the same: each event is written once.
  const written = new Map<bigint, string>();
  for (const carrier of carriers) {
    const seat = carrier.seat();
    const after = send(carrier, seat, memory, written);
    if (after !== seat) carrier.keep(after);
    closeIfDue(carrier, now);
  }
}

function send(
  carrier: Carrier,
  from: Seat,
  memory: EventMemory,
  written: Map<bigint, string>,
): Seat {
  const newest = memory.last === undefined ? [] : [memory.last];
  const missed = from.last < 0n ? newest : (memory.since(from.last) ?? newest);
  let seat = from;
  for (const event of missed) {
    const { height } = event.tip;
    for (const json of eventsFor(seat, event)) {
      let message = json.kind === 'tip' ? written.get(height) : undefined;
      if (message === undefined) {
        message = JSON.stringify(json);
        if (json.kind === 'tip') written.set(height, message);
      }
      carrier.send(json.kind, message, height);
      seat = told(seat, height, message.length);
    }
    if (height > seat.last) seat = { ...seat, last: height };
  }
  return seat;
}

function closeIfDue(carrier: Carrier, now: number): void {
  const reason = reasonToClose(carrier.seat(), now);
  if (reason !== null) carrier.close(CLOSING[reason], reason);
}

/** Takes what a subscriber says. */
export function hear(
  carrier: Carrier,
  message: string | ArrayBuffer | Uint8Array,
  memory: EventMemory,
  prefix: AddressPrefix,
  now: number,
): void {
  const seat = heard(carrier.seat(), now);
  if (seat === null) carrier.close(SOCKET_CLOSE.policy, 'too many messages');
  else if (typeof message !== 'string') carrier.close(SOCKET_CLOSE.policy, 'not text');
  else if (message.length > MAX_SOCKET_MESSAGE_BYTES) carrier.close(SOCKET_CLOSE.tooBig, 'long');
  else {
    carrier.keep(seat);
    obey(carrier, message, memory, prefix, now);
  }
}

function obey(
  carrier: Carrier,
  message: string,
  memory: EventMemory,
  prefix: AddressPrefix,
  now: number,
): void {
  let request: SocketRequest;
  try {
    request = readRequest(message, prefix);
  } catch (error) {
    const code = error instanceof FanalError ? error.code : 'api/internal';
    reply(carrier, { kind: 'problem', code });
    carrier.close(SOCKET_CLOSE.policy, 'not understood');
    return;
  }
  if (request.kind === 'ping') {
    reply(carrier, { kind: 'pong' });
    return;
  }
  carrier.keep(subscribed(carrier.seat(), request, startOf(request.after, memory)));
  reply(carrier, { kind: 'subscribed' });
  catchUp(carrier, memory, now);
}

/** The height that a subscriber goes on from; −1 when it says none, or one that is forgotten. */
export function startOf(after: bigint | null, memory: EventMemory): bigint {
  const { newest } = memory;
  if (after === null || newest - after > MAX_EVENT_REPLAY) return -1n;
  return after > newest ? newest : after;
}

function readRequest(message: string, prefix: AddressPrefix): SocketRequest {
  const request = socketRequestShape.from(parseJson(utf8(message)));
  if (request.kind === 'subscribe') {
    for (const address of request.addresses) decodeAddress(address, prefix);
  }
  return request;
}

type Reply = Parameters<typeof socketReplyShape.to>[0];

function reply(carrier: Carrier, value: Reply): void {
  carrier.send(value.kind, JSON.stringify(socketReplyShape.to(value)), null);
}
