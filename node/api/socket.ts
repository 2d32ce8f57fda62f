/**
 * Events over a WebSocket: one connection, subscriptions that change while it lasts.
 *
 * Nobody is waited for. A message that is not ours, too many of them, or a reader that leaves
 * 256 KiB unread ends the connection with the code that says why.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ChainEvent,
  eventShape,
  SOCKET_CLOSE,
  type SocketRequest,
  socketReplyShape,
  socketRequestShape,
} from 'fanal/api/events.ts';
import { parseJson } from 'fanal/api/json.ts';
import {
  MAX_SOCKET_BURST,
  MAX_SOCKET_MESSAGE_BYTES,
  MAX_SOCKET_MESSAGES_PER_SECOND,
  MAX_SOCKET_QUEUE_BYTES,
  MAX_SOCKETS_PER_ADDRESS,
  MAX_SOCKETS_PER_SHARD,
  SOCKET_IDLE_MILLIS,
  SOCKET_LIFE_MILLIS,
} from 'fanal/chain/limits.ts';
import { type AddressPrefix, decodeAddress } from 'fanal/crypto/address.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { CertifiedTip } from '../ledger/ledger.ts';
import type { EventHub, Interest, Listener } from './hub.ts';
import { clientOf, RateLimiter } from './rates.ts';

export interface SocketOptions {
  readonly hub: EventHub;
  readonly prefix: AddressPrefix;
  readonly tip: () => Promise<CertifiedTip>;
  readonly now: () => bigint;
  /** Called with +1 and −1 as connections come and go. */
  readonly onCount: (change: number) => void;
}

/** Takes over upgrade requests for `/v1/events`. */
export class EventSockets {
  readonly #options: SocketOptions;
  readonly #server: WebSocketServer;
  readonly #perClient = new Map<string, number>();

  constructor(options: SocketOptions) {
    this.#options = options;
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_SOCKET_MESSAGE_BYTES,
      perMessageDeflate: false,
      clientTracking: true,
    });
  }

  /**
   * Answers an upgrade whose path and query were already found to be those of the event route.
   *
   * @param address where it comes from
   */
  upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    interest: Interest,
    address: string,
  ): void {
    const client = clientOf(address);
    const open = this.#perClient.get(client) ?? 0;
    if (open >= MAX_SOCKETS_PER_ADDRESS || this.#server.clients.size >= MAX_SOCKETS_PER_SHARD) {
      refuseUpgrade(socket, '429 Too Many Requests', 'Retry-After: 10\r\n');
      return;
    }
    this.#perClient.set(client, open + 1);
    let counted = true;
    socket.once('close', () => {
      if (!counted) return;
      counted = false;
      const left = (this.#perClient.get(client) ?? 1) - 1;
      if (left === 0) this.#perClient.delete(client);
      else this.#perClient.set(client, left);
    });
    this.#server.handleUpgrade(request, socket, head, (ws) => this.#serve(ws, interest));
  }

  close(): void {
    for (const ws of this.#server.clients) ws.close(SOCKET_CLOSE.goingAway);
    this.#server.close();
  }

  #serve(ws: WebSocket, interest: Interest): void {
    const { hub, tip, now, onCount } = this.#options;
    const rate = new RateLimiter(
      { burst: MAX_SOCKET_BURST, perSecond: MAX_SOCKET_MESSAGES_PER_SECOND },
      now,
    );
    const send = (json: unknown) => {
      if (ws.bufferedAmount > MAX_SOCKET_QUEUE_BYTES) ws.close(SOCKET_CLOSE.tryAgainLater);
      else if (ws.readyState === ws.OPEN) ws.send(JSON.stringify(json));
    };
    const listener: Listener = {
      interest,
      deliver: (event: ChainEvent) => send(eventShape.to(event)),
    };
    let remove = () => {};
    let isAlive = true;
    const idle = setInterval(() => {
      if (!isAlive) ws.terminate();
      isAlive = false;
      if (ws.readyState === ws.OPEN) ws.ping();
    }, SOCKET_IDLE_MILLIS / 2);
    const life = setTimeout(() => ws.close(SOCKET_CLOSE.goingAway), SOCKET_LIFE_MILLIS);
    idle.unref();
    life.unref();
    onCount(1);
    ws.on('pong', () => {
      isAlive = true;
    });
    ws.on('error', () => ws.terminate());
    ws.on('close', () => {
      remove();
      clearInterval(idle);
      clearTimeout(life);
      onCount(-1);
    });
    ws.on('message', async (data, isBinary) => {
      isAlive = true;
      if (isBinary || !rate.take('', 1).ok) return ws.close(SOCKET_CLOSE.policy);
      try {
        const request = this.#read(data);
        if (request.kind === 'ping') return send(socketReplyShape.to({ kind: 'pong' }));
        listener.interest = this.#interestOf(request);
        send(socketReplyShape.to({ kind: 'subscribed' }));
        hub.replay(listener, await tip(), request.after);
      } catch (error) {
        const code = error instanceof FanalError ? error.code : 'api/internal';
        send(socketReplyShape.to({ kind: 'problem', code }));
        ws.close(error instanceof FanalError ? SOCKET_CLOSE.policy : SOCKET_CLOSE.tryAgainLater);
      }
    });
    void tip().then(
      (current) => {
        if (ws.readyState === ws.OPEN) remove = hub.add(listener, current, null);
      },
      () => ws.close(SOCKET_CLOSE.tryAgainLater),
    );
  }

  #read(data: RawData): SocketRequest {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data as Buffer);
    return socketRequestShape.from(parseJson(bytes));
  }

  #interestOf(request: Extract<SocketRequest, { kind: 'subscribe' }>): Interest {
    const { prefix } = this.#options;
    return {
      topics: request.topics,
      addresses: request.addresses.map((text) => decodeAddress(text, prefix).address),
    };
  }
}

/** Ends an upgrade request with a plain HTTP answer. */
export function refuseUpgrade(socket: Duplex, status: string, headers = ''): void {
  socket.end(`HTTP/1.1 ${status}\r\n${headers}Content-Length: 0\r\nConnection: close\r\n\r\n`);
}
