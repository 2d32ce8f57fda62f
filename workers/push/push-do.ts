/**
 * A room of WebSockets that sleep while nothing happens.
 *
 * A socket's seat travels with it, so that the room may be evicted and wake up where it was. What
 * the room has missed it asks of the chain before it goes on.
 */
import { DurableObject } from 'cloudflare:workers';
import { MAX_SOCKETS_PER_SHARD, SOCKET_IDLE_MILLIS } from 'fanal/chain/limits.ts';
import { type Config, readConfig } from '../config.ts';
import type { Env } from '../env.ts';
import { EventMemory } from './event-memory.ts';
import { type Carrier, catchUp, hear, startOf, tellAll } from './room.ts';
import { type BlockEvent, type Seat, takeSeat } from './seat.ts';
import { readSubscription } from './subscription.ts';

/** What a room says of itself after it was told of a tip. */
export interface RoomState {
  readonly seats: number;
  readonly wantsAddresses: boolean;
}

const PING = '{"kind":"ping"}';
const PONG = '{"kind":"pong"}';

export class PushDO extends DurableObject<Env> {
  readonly #config: Config;
  readonly #memory = new EventMemory();
  readonly #seats = new Map<WebSocket, Seat>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = readConfig(env);
    // Answered by the platform, without waking the room.
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
  }

  /** Opens a socket. */
  override async fetch(request: Request): Promise<Response> {
    const subscription = readSubscription(request);
    const { client, addresses } = subscription;
    await this.#remember();
    // Nothing is waited for between counting and taking, or a crowd at the door would all get in.
    const isFull = this.ctx.getWebSockets().length >= MAX_SOCKETS_PER_SHARD;
    if (isFull || this.ctx.getWebSockets(client).length >= this.#config.socketsPerClient) {
      return new Response(null, { status: 429, headers: { 'retry-after': '10' } });
    }
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.ctx.acceptWebSocket(ours, [client]);
    const last = startOf(subscription.after, this.#memory);
    const carrier = this.#carrier(ours);
    carrier.keep(takeSeat(subscription, last, Date.now()));
    catchUp(carrier, this.#memory, Date.now());
    await this.#join(addresses.length > 0);
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** Tells everyone of new heights. */
  async publish(events: readonly BlockEvent[]): Promise<RoomState> {
    const first = events[0]?.tip.height;
    if (first !== undefined && first > this.#memory.newest + 1n) await this.#remember();
    this.#memory.add(events);
    const sockets = this.ctx.getWebSockets();
    tellAll(
      sockets.map((socket) => this.#carrier(socket)),
      this.#memory,
      Date.now(),
    );
    return this.#state();
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    await this.#remember();
    const { prefix } = this.#config.anchor;
    hear(this.#carrier(socket), message, this.#memory, prefix, Date.now());
    await this.#join(this.#state().wantsAddresses);
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    this.#seats.delete(socket);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#seats.delete(socket);
  }

  /** Shows out who is silent or has stayed too long, and makes sure the chain knows this room. */
  override async alarm(): Promise<void> {
    const sockets = this.ctx.getWebSockets();
    if (sockets.length === 0) return;
    await this.#remember();
    tellAll(
      sockets.map((socket) => this.#carrier(socket)),
      this.#memory,
      Date.now(),
    );
    await this.#join(this.#state().wantsAddresses);
  }

  #state(): RoomState {
    const sockets = this.ctx.getWebSockets();
    return {
      seats: sockets.length,
      wantsAddresses: sockets.some((socket) => this.#seatOf(socket).addresses.length > 0),
    };
  }

  async #join(wantsAddresses: boolean): Promise<void> {
    if ((await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(Date.now() + SOCKET_IDLE_MILLIS / 2);
    }
    const name = this.ctx.id.name ?? '';
    await this.#chain.join({ kind: 'push', name }, wantsAddresses);
  }

  /** Fetches what happened while the room slept. */
  async #remember(): Promise<void> {
    const { newest } = this.#memory;
    const missed = await this.#chain.events(newest < 0n ? null : newest).catch(() => null);
    if (missed !== null) this.#memory.add(missed);
    else this.#memory.add((await this.#chain.events(null).catch(() => null)) ?? []);
  }

  get #chain() {
    return this.env.CHAIN.getByName(this.#config.anchor.origin);
  }

  #seatOf(socket: WebSocket): Seat {
    const seat = this.#seats.get(socket) ?? (socket.deserializeAttachment() as Seat);
    // A ping that the platform answered is a sign of life that we have not seen.
    const pinged = this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0;
    if (pinged <= seat.heardAt) return seat;
    return { ...seat, heardAt: pinged, unanswered: 0, unansweredBytes: 0 };
  }

  #carrier(socket: WebSocket): Carrier {
    return {
      seat: () => this.#seatOf(socket),
      keep: (seat) => {
        this.#seats.set(socket, seat);
        socket.serializeAttachment(seat);
      },
      send: (_, json) => {
        try {
          socket.send(json);
        } catch {
          this.#seats.delete(socket);
        }
      },
      close: (code, reason) => {
        this.#seats.delete(socket);
        try {
          socket.close(code, reason);
        } catch {
          // It is gone already.
        }
      },
    };
  }
}
