/**
 * One HTTP/1.1 connection that sends requests without waiting for answers: the cheapest way to
 * load a server from the same machine.
 */
import { connect, type Socket } from 'node:net';

export interface PipelinedAnswer {
  readonly status: number;
  readonly body: Buffer;
}

interface Waiter {
  resolve(answer: PipelinedAnswer): void;
  reject(error: Error): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
/** Servers close a connection after so many requests; a new one is opened before. */
const MAX_REQUESTS = 5_000;

export class Pipeline {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | null = null;
  #sent = 0;
  #closed = false;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  get(path: string): Promise<PipelinedAnswer> {
    return this.#send(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n\r\n`));
  }

  /** Posts octets. */
  post(path: string, body: Uint8Array, headers = ''): Promise<PipelinedAnswer> {
    const head =
      `POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${headers}` +
      `Content-Type: application/octet-stream\r\nContent-Length: ${body.length}\r\n\r\n`;
    return this.#send(Buffer.concat([Buffer.from(head), body]));
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #send(request: Buffer): Promise<PipelinedAnswer> {
    if (this.#closed) return Promise.reject(new Error('closed'));
    if (this.#socket === null || this.#sent >= MAX_REQUESTS) {
      const before = this.#socket;
      this.#socket = this.#open();
      if (before !== null) this.#retire(before);
      this.#sent = 0;
    }
    this.#sent++;
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      (waitersOf.get(socket) as Waiter[]).push({ resolve, reject });
      socket.write(request);
    });
  }

  /** Ends a connection of the past once everything is answered: servers drop what is not by then. */
  #retire(socket: Socket): void {
    if (socket !== this.#socket && waitersOf.get(socket)?.length === 0) socket.end();
  }

  #open(): Socket {
    const socket = connect(this.#port, this.#host);
    socket.setNoDelay(true);
    const waiters: Waiter[] = [];
    waitersOf.set(socket, waiters);
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (data: Buffer) => {
      rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
      for (;;) {
        const answer = readAnswer(rest);
        if (answer === null) return;
        rest = rest.subarray(answer.length);
        waiters.shift()?.resolve(answer);
        this.#retire(socket);
      }
    });
    const fail = (error: Error) => {
      if (this.#socket === socket) this.#socket = null;
      for (const { reject } of waiters.splice(0)) reject(error);
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the server closed the connection')));
    return socket;
  }
}

const waitersOf = new WeakMap<Socket, Waiter[]>();

/** The first whole answer in a buffer, and how many bytes it takes. */
function readAnswer(buffer: Buffer): (PipelinedAnswer & { length: number }) | null {
  const end = buffer.indexOf(HEAD_END);
  if (end < 0) return null;
  const head = buffer.toString('latin1', 0, end);
  const status = Number(head.slice(9, 12));
  const start = end + HEAD_END.length;
  const declared = /\r\ncontent-length: (\d+)/i.exec(head);
  if (declared !== null) {
    const length = start + Number(declared[1]);
    if (buffer.length < length) return null;
    return { status, body: buffer.subarray(start, length), length };
  }
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) return { status, body: EMPTY, length: start };
  const parts: Buffer[] = [];
  for (let at = start; ; ) {
    const line = buffer.indexOf('\r\n', at);
    if (line < 0) return null;
    const size = Number.parseInt(buffer.toString('latin1', at, line), 16);
    const next = line + 2 + size + 2;
    if (buffer.length < next) return null;
    if (size === 0) return { status, body: Buffer.concat(parts), length: next };
    parts.push(buffer.subarray(line + 2, line + 2 + size));
    at = next;
  }
}

const EMPTY = Buffer.alloc(0);
