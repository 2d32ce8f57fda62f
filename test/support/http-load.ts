/**
 * Load over raw keep-alive sockets: cheap enough that the server under it stays the slow part.
 *
 * `burst` asks as fast as answers come; `steady` asks at a fixed rate and times each answer from
 * when its question was due, so that a server that stalls does not hide it.
 */
import { connect, type Socket } from 'node:net';

/** What is asked: bytes of whole requests, one after the other. */
export type Questions = () => string | Buffer;

export interface Steady {
  /** Milliseconds from due to answered, sorted. */
  readonly millis: readonly number[];
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
}

/** A GET as bytes. */
export function getRequest(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ host: 'load.test', ...headers }).map(([k, v]) => `${k}: ${v}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A POST of octets as bytes. */
export function postRequest(path: string, body: Uint8Array): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: load.test\r\ncontent-type: application/octet-stream\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

export class HttpLoad {
  readonly #connections: Connection[];

  private constructor(connections: Connection[]) {
    this.#connections = connections;
  }

  static async open(url: string, connections: number): Promise<HttpLoad> {
    const { hostname, port } = new URL(url);
    return new HttpLoad(
      await Promise.all(
        Array.from({ length: connections }, () => Connection.open(hostname, Number(port))),
      ),
    );
  }

  /**
   * Asks `count` questions, each connection the next one as soon as it has its answer.
   *
   * @throws {Error} for a status that is not expected
   */
  async burst(questions: Questions, count: number, expected: readonly number[] = [200]) {
    let started = 0;
    await Promise.all(
      this.#connections.map(async (connection) => {
        while (started++ < count) {
          const status = await connection.ask(questions());
          if (!expected.includes(status)) throw new Error(`answered with status ${status}`);
        }
      }),
    );
    return count;
  }

  /** Asks at a fixed rate for some seconds. */
  async steady(questions: Questions, perSecond: number, seconds: number): Promise<Steady> {
    const millis: number[] = [];
    const statuses = new Map<number, number>();
    const idle = this.#connections.slice();
    const due: number[] = [];
    const total = Math.round(perSecond * seconds);
    const begin = performance.now();
    let made = 0;
    let answered = 0;
    await new Promise<void>((done) => {
      const send = () => {
        while (due.length > 0 && idle.length > 0) {
          const at = due.shift() as number;
          const connection = idle.pop() as Connection;
          void connection.ask(questions()).then((status) => {
            millis.push(performance.now() - at);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            idle.push(connection);
            if (++answered === total) done();
            else send();
          });
        }
      };
      const tick = () => {
        const now = performance.now();
        for (let at = begin + (made * 1000) / perSecond; at <= now && made < total; ) {
          due.push(at);
          made++;
          at = begin + (made * 1000) / perSecond;
        }
        send();
        if (made < total) setTimeout(tick, 1);
      };
      tick();
    });
    return { millis: millis.sort((a, b) => a - b), statuses };
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** One socket with one question at a time; opened again when the server closed it meanwhile. */
class Connection {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  #answer: ((status: number) => void) | null = null;

  private constructor(host: string, port: number, socket: Socket) {
    this.#host = host;
    this.#port = port;
    this.#socket = this.#listen(socket);
  }

  static open(host: string, port: number): Promise<Connection> {
    return new Promise((done, fail) => {
      const socket = connect(port, host, () => done(new Connection(host, port, socket)));
      socket.once('error', fail);
    });
  }

  /** Resolves with the status; 0 when the connection was lost. */
  ask(request: string | Buffer): Promise<number> {
    return new Promise((done) => {
      this.#answer = done;
      if (!this.#socket.writable) this.#socket = this.#listen(connect(this.#port, this.#host));
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): Socket {
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (socket === this.#socket) this.#settle(0);
    });
    return socket;
  }

  #take(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const end = this.#buffer.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#buffer.subarray(0, end).toString('latin1');
    const declared = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    const isComplete =
      declared === undefined
        ? this.#buffer.subarray(-5).equals(LAST_CHUNK)
        : this.#buffer.length >= end + 4 + Number(declared);
    if (!isComplete) return;
    this.#settle(Number(head.slice(9, 12)));
  }

  #settle(status: number): void {
    this.#buffer = Buffer.alloc(0);
    const answer = this.#answer;
    this.#answer = null;
    answer?.(status);
  }
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
