/**
 * The one room of a Node process: WebSockets and event streams alike.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { SOCKET_CLOSE } from 'fanal/api/events.ts';
import {
  MAX_SOCKET_MESSAGE_BYTES,
  MAX_SOCKET_QUEUE_BYTES,
  SOCKET_IDLE_MILLIS,
} from 'fanal/chain/limits.ts';
import { encodeAddress } from 'fanal/crypto/address.ts';
import { type WebSocket, WebSocketServer } from 'ws';
import { now } from '../chain/world.ts';
import type { Config } from '../config.ts';
import { clientKey } from '../gateway/client-address.ts';
import type { Call, Interest } from '../gateway/ports.ts';
import { EventMemory } from '../push/event-memory.ts';
import { openEventStream } from '../push/event-stream.ts';
import { type Carrier, catchUp, hear, startOf, tellAll } from '../push/room.ts';
import { type BlockEvent, type Seat, takeSeat } from '../push/seat.ts';

/** Subscribers of one process. */
export const MAX_SUBSCRIBERS = 10_000;
/** An upgrade that was let in and whose socket has not come yet. */
const TICKET_MILLIS = 5_000;

interface Ticket {
  readonly client: string;
  readonly seat: Seat;
}

export class LocalRoom {
  readonly #config: Config;
  readonly #memory = new EventMemory();
  readonly #carriers = new Map<Carrier, { client: string; kind: 'sse' | 'websocket' }>();
  readonly #tickets = new Map<string, Ticket>();
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_SOCKET_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  readonly #sweeping: NodeJS.Timeout;

  constructor(config: Config) {
    this.#config = config;
    this.#sweeping = setInterval(() => this.#tell(), SOCKET_IDLE_MILLIS / 2);
    this.#sweeping.unref();
  }

  get wantsAddresses(): boolean {
    return [...this.#carriers.keys()].some((carrier) => carrier.seat().addresses.length > 0);
  }

  counts(): [kind: 'sse' | 'websocket', count: number][] {
    const kinds = [...this.#carriers.values()].map(({ kind }) => kind);
    const of = (kind: 'sse' | 'websocket') => kinds.filter((one) => one === kind).length;
    return [
      ['sse', of('sse')],
      ['websocket', of('websocket')],
    ];
  }

  /** Remembers what happened before this process began. */
  recall(events: readonly BlockEvent[]): void {
    this.#memory.add(events);
  }

  publish(events: readonly BlockEvent[]): void {
    this.#memory.add(events);
    this.#tell();
  }

  /** Opens a stream; for a socket gives a ticket, with which `upgrade` takes it over. */
  async open(request: Request, interest: Interest, call: Call): Promise<Response> {
    const client = clientKey(call.client);
    const own = [...this.#carriers.values()].filter((one) => one.client === client).length;
    if (own >= this.#config.socketsPerClient || this.#carriers.size >= MAX_SUBSCRIBERS) {
      return new Response(null, { status: 429, headers: { 'retry-after': '10' } });
    }
    const { prefix } = this.#config.anchor;
    const seat = takeSeat(
      {
        topics: interest.topics,
        addresses: interest.addresses.map((address) => encodeAddress(address, prefix)),
      },
      startOf(interest.after, this.#memory),
      now(),
    );
    if (request.headers.has('upgrade')) return this.#issue({ client, seat });
    const stream = openEventStream(seat, () => this.#carriers.delete(stream.carrier));
    this.#carriers.set(stream.carrier, { client, kind: 'sse' });
    catchUp(stream.carrier, this.#memory, now());
    return new Response(stream.body, { headers: { 'content-type': 'text/event-stream' } });
  }

  /** Takes a socket over whose request was let in. */
  upgrade(ticket: string, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const entry = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    if (entry === undefined) {
      socket.destroy();
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#serve(ws, entry));
  }

  close(): void {
    clearInterval(this.#sweeping);
    for (const carrier of [...this.#carriers.keys()]) {
      carrier.close(SOCKET_CLOSE.goingAway, 'stopping');
    }
    this.#sockets.close();
  }

  #issue(entry: Ticket): Response {
    const ticket = randomBytes(16).toString('hex');
    this.#tickets.set(ticket, entry);
    setTimeout(() => this.#tickets.delete(ticket), TICKET_MILLIS).unref();
    return new Response(null, { status: 204, headers: { 'x-fanal-ticket': ticket } });
  }

  #serve(ws: WebSocket, { client, seat: first }: Ticket): void {
    let seat = first;
    const carrier: Carrier = {
      seat: () => seat,
      keep: (next) => {
        // Here the queue is ours to see: what it holds is what the reader has not read.
        const isRead = ws.bufferedAmount <= MAX_SOCKET_QUEUE_BYTES;
        seat = isRead ? { ...next, unanswered: 0, unansweredBytes: 0 } : next;
      },
      send: (_, json) => {
        if (ws.readyState === ws.OPEN) ws.send(json);
        if (ws.bufferedAmount > MAX_SOCKET_QUEUE_BYTES) {
          ws.close(SOCKET_CLOSE.tryAgainLater, 'slow');
        }
      },
      close: (code, reason) => {
        ws.close(code, reason);
        this.#carriers.delete(carrier);
      },
    };
    this.#carriers.set(carrier, { client, kind: 'websocket' });
    ws.on('error', () => ws.terminate());
    ws.on('close', () => this.#carriers.delete(carrier));
    ws.on('pong', () => carrier.keep({ ...seat, heardAt: now() }));
    ws.on('message', (data, isBinary) => {
      const message = isBinary ? new Uint8Array(0) : String(data);
      hear(carrier, message, this.#memory, this.#config.anchor.prefix, now());
    });
    catchUp(carrier, this.#memory, now());
    ws.ping();
  }

  #tell(): void {
    tellAll([...this.#carriers.keys()], this.#memory, now());
    for (const ws of this.#sockets.clients) if (ws.readyState === ws.OPEN) ws.ping();
  }
}
