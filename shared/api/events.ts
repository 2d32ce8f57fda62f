/**
 * What event streams say, as server-sent events and over a WebSocket alike.
 *
 * An event is a hint that something is new, never a proof: a client that hears one asks for the
 * update and verifies it.
 */
import { MAX_SUBSCRIPTIONS } from '../chain/limits.ts';
import { EVENT_TOPICS } from './parameters.ts';
import {
  bytes32,
  choice,
  type JsonOf,
  list,
  nullable,
  object,
  text,
  u32,
  u64,
  type ValueOf,
  word,
} from './shape.ts';

/** A checkpoint was certified. */
export const tipEventShape = object({
  kind: word('tip'),
  height: u64,
  /** Size and root of the header log that the checkpoint states. */
  size: u64,
  root: bytes32,
  /** The header's time. */
  time: u64,
  epoch: u32,
  /** Transactions in the blocks since the event before. */
  transactions: u32,
});

/** The record of an address changed in a block up to this height. */
export const addressEventShape = object({
  kind: word('address'),
  address: text(100),
  height: u64,
});

export const eventShape = choice(tipEventShape, addressEventShape);
export type TipEvent = ValueOf<typeof tipEventShape>;
export type ChainEvent = ValueOf<typeof eventShape>;
export type ChainEventJson = JsonOf<typeof eventShape>;

/** What a client may send over a WebSocket. */
export const socketRequestShape = choice(
  object({
    kind: word('subscribe'),
    topics: list(word(...EVENT_TOPICS), EVENT_TOPICS.length),
    /** In place of those followed before. */
    addresses: list(text(100), MAX_SUBSCRIPTIONS),
    /** Events after this height are sent again as far as the server remembers them. */
    after: nullable(u64),
  }),
  object({ kind: word('ping') }),
);
export type SocketRequest = ValueOf<typeof socketRequestShape>;

/** What a server says over a WebSocket besides events. */
export const socketReplyShape = choice(
  object({ kind: word('pong') }),
  /** The subscription stands; events follow. */
  object({ kind: word('subscribed') }),
  object({ kind: word('problem'), code: text(64) }),
);

/** Why a server closes a WebSocket (RFC 6455 §7.4.1). */
export const SOCKET_CLOSE = {
  /** Its time is up; come back with jitter. */
  goingAway: 1001,
  /** A message that is not one of ours. */
  policy: 1008,
  tooBig: 1009,
  /** The client reads too slowly, or there are too many. */
  tryAgainLater: 1013,
} as const;
