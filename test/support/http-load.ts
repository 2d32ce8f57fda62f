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
  /** Milliseconds from due to answered, sorted: one for every question, whatever came of it. */
  readonly millis: readonly number[];
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** The longest time in which this process itself did nothing: no server is to blame for that. */
  readonly longestPauseMillis: number;
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
    const opened = Array.from({ length: connections }, () => new Connection(hostname, port));
    await Promise.all(opened.map((connection) => connection.open()));
    return new HttpLoad(opened);
  }

  /**
   * Asks `count` questions, each connection the next one as soon as it has its answer.
   *
   * @throws {Error} for a status that is not expected
   */
  burst(questions: Questions, count: number, expected: readonly number[] = [200]): Promise<number> {
    let asked = 0;
    let answered = 0;
    return new Promise((done, fail) => {
      const next = (connection: Connection) => {
        if (asked === count) return;
        asked++;
        connection.ask(questions(), (status) => {
          if (!expected.includes(status)) fail(new Error(`answered with status ${status}`));
          else if (++answered === count) done(count);
          else next(connection);
        });
      };
      for (const connection of this.#connections) next(connection);
    });
  }

  /** Asks at a fixed rate for some seconds. */
  steady(questions: Questions, perSecond: number, seconds: number): Promise<Steady> {
    const total = Math.round(perSecond * seconds);
    const apart = 1000 / perSecond;
    const millis = new Float64Array(total);
    const statuses = new Map<number, number>();
    const idle = this.#connections.slice();
    const begin = performance.now();
    let asked = 0;
    let answered = 0;
    let awake = begin;
    let longestPauseMillis = 0;
    return new Promise((done) => {
      // Timers ring a millisecond apart at best, so every answer looks for what is due, too.
      const send = (now: number) => {
        longestPauseMillis = Math.max(longestPauseMillis, now - awake);
        awake = now;
        while (asked < total && begin + asked * apart <= now) {
          const connection = idle.pop();
          if (connection === undefined) return;
          const due = begin + asked++ * apart;
          connection.ask(questions(), (status) => {
            const then = performance.now();
            millis[answered++] = then - due;
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            idle.push(connection);
            if (answered < total) {
              send(then);
            } else {
              clearInterval(timer);
              done({ millis: [...millis.sort()], statuses, longestPauseMillis });
            }
          });
        }
      };
      const timer = setInterval(() => send(performance.now()), 1);
    });
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

const BUFFER_BYTES = 64 * 1024;
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/**
 * One socket with one question at a time; opened again when the server closed it meanwhile.
 *
 * Reads into one buffer for good: a new one for each answer is most of what a client like this
 * would otherwise have to clean up.
 */
class Connection {
  readonly #host: string;
  readonly #port: number;
  #socket!: Socket;
  /** The beginning of an answer whose end has not come yet. */
  #begun: Buffer | null = null;
  #answer: ((status: number) => void) | null = null;

  constructor(host: string, port: string) {
    this.#host = host;
    this.#port = Number(port);
  }

  open(): Promise<void> {
    return new Promise((done, fail) => {
      this.#socket = this.#connect();
      this.#socket.once('connect', done);
      this.#socket.once('error', fail);
    });
  }

  /** Calls back with the status; 0 when the connection was lost. */
  ask(request: string | Buffer, answer: (status: number) => void): void {
    this.#answer = answer;
    if (!this.#socket.writable) this.#socket = this.#connect();
    this.#socket.write(request, 'latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  #connect(): Socket {
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    const take = (length: number) => {
      this.#take(buffer.subarray(0, length));
      return true;
    };
    const socket = connect({
      ...{ host: this.#host, port: this.#port, noDelay: true },
      onread: { buffer, callback: take },
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (socket === this.#socket) this.#settle(0);
    });
    return socket;
  }

  #take(chunk: Buffer): void {
    const all = this.#begun === null ? chunk : Buffer.concat([this.#begun, chunk]);
    if (isComplete(all)) {
      this.#settle(Number(all.toString('latin1', 9, 12)));
    } else {
      // The next chunk is read over this one.
      this.#begun = all === chunk ? Buffer.from(chunk) : all;
    }
  }

  #settle(status: number): void {
    this.#begun = null;
    const answer = this.#answer;
    this.#answer = null;
    answer?.(status);
  }
}

/** Whether an answer is there to its last byte. */
function isComplete(answer: Buffer): boolean {
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const declared = /\r\ncontent-length: (\d+)/i.exec(answer.toString('latin1', 0, end))?.[1];
  return declared === undefined
    ? answer.subarray(-5).equals(LAST_CHUNK)
    : answer.length >= end + 4 + Number(declared);
}
