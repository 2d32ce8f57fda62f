/**
 * A client of the event stream that writes down what it hears.
 */
import { WebSocket } from 'ws';

export interface Heard {
  readonly kind: string;
  readonly height?: string;
  readonly address?: string;
  readonly code?: string;
}

export class Subscriber {
  readonly heard: Heard[] = [];
  readonly socket: WebSocket;
  readonly #heardAt = new Map<number, number>();
  /** Resolves with the code and words the server closed with. */
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(url: string, client: string, query = '') {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/v1/events${query}`, {
      headers: { 'x-test-client': client },
    });
    this.socket.on('message', (data) => {
      const heard = JSON.parse(String(data)) as Heard;
      this.heard.push(heard);
      if (heard.kind === 'tip') this.#heardAt.set(Number(heard.height), Date.now());
    });
    this.closed = new Promise((done) => {
      this.socket.on('close', (code, reason) => done({ code, reason: String(reason) }));
    });
    this.socket.on('error', () => {});
  }

  /** Resolves once it is open; false when it was refused. */
  opened(): Promise<boolean> {
    return new Promise((done) => {
      this.socket.once('open', () => done(true));
      this.socket.once('error', () => done(false));
    });
  }

  say(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Heights of the tips it heard of, in order. */
  tips(): number[] {
    return this.heard.filter(({ kind }) => kind === 'tip').map(({ height }) => Number(height));
  }

  /** When it heard of a tip, in milliseconds since 1970. */
  heardAt(height: number): number | null {
    return this.#heardAt.get(height) ?? null;
  }

  close(): void {
    this.socket.terminate();
  }
}
