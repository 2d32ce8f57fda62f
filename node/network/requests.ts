/**
 * Questions and answers between any two nodes: one short stream each, a request, then frames of
 * an answer. Both ends bound the count, the bytes and the time; a server also bounds what one
 * peer may ask of it.
 */
import type { Connection, Stream } from '@libp2p/interface';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { FrameReader, frame } from './frame.ts';
import { NETWORK_LIMITS } from './limits.ts';

/** First byte of an answer frame: more of the answer, or why there is none. */
const ANSWER = Uint8Array.of(0);
const REFUSAL = Uint8Array.of(1);
const REFUSAL_BYTES = 64;

export interface AskOptions {
  readonly signal?: AbortSignal;
  readonly maxBytes?: number;
  readonly maxFrames?: number;
  readonly timeoutMillis?: number;
}

/**
 * Asks and yields each frame of the answer as it comes.
 *
 * @throws {FanalError} `network/refused` with the server's reason; `network/answer` when it is cut
 * short, too long or too slow
 */
export async function* ask(
  connection: Connection,
  protocol: string,
  request: Bytes,
  options: AskOptions = {},
): AsyncGenerator<Bytes> {
  const maxBytes = options.maxBytes ?? NETWORK_LIMITS.answerBytes;
  const maxFrames = options.maxFrames ?? NETWORK_LIMITS.answerFrames;
  const timeout = AbortSignal.timeout(options.timeoutMillis ?? NETWORK_LIMITS.requestMillis);
  const signal =
    options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  const stream = await connection.newStream(protocol, {
    signal,
    maxOutboundStreams: NETWORK_LIMITS.streamsPerProtocol,
  });
  const onAbort = () =>
    stream.abort(new FanalError('network/answer', 'the answer did not come in time'));
  signal.addEventListener('abort', onAbort);
  try {
    const frames = receive(stream, NETWORK_LIMITS.answerFrameBytes);
    stream.send(frame(request));
    await stream.close({ signal });
    let bytes = 0;
    let count = 0;
    for await (const body of frames) {
      bytes += body.length;
      if (bytes > maxBytes || ++count > maxFrames) {
        throw new FanalError(
          'network/answer',
          `expected at most ${maxBytes} bytes in ${maxFrames} frames`,
        );
      }
      if (body[0] === REFUSAL[0]) {
        throw new FanalError('network/refused', printable(body.subarray(1, 1 + REFUSAL_BYTES)));
      }
      yield body.subarray(1);
    }
    if (signal.aborted) throw new FanalError('network/answer', 'the answer did not come in time');
  } catch (cause) {
    if (cause instanceof FanalError) throw cause;
    throw new FanalError('network/answer', 'the connection broke before the answer was whole', {
      cause,
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (stream.status === 'open' || stream.status === 'closing') {
      stream.abort(new Error('no longer interested'));
    }
  }
}

/** Answers one request; each yielded item becomes a frame. Throwing a `FanalError` refuses. */
export type Answer = (request: Bytes, signal: AbortSignal) => AsyncIterable<Bytes>;

/** What a server may spend on the peer that asks. */
export interface AskerQuota {
  /** Milliseconds until the next request may be served, or -1 to refuse it. */
  admit(): number;
  charge(bytes: number): void;
}

/** Serves one stream: reads the request, sends the answer, closes. Never throws. */
export async function serve(
  stream: Stream,
  quota: AskerQuota,
  answer: Answer,
): Promise<'served' | 'malformed' | 'refused'> {
  const signal = AbortSignal.timeout(NETWORK_LIMITS.requestMillis * 2);
  const onAbort = () => stream.abort(new FanalError('network/answer', 'the peer reads too slowly'));
  signal.addEventListener('abort', onAbort);
  try {
    const request = await firstFrame(stream, signal);
    if (request === null) return 'malformed';
    const wait = quota.admit();
    if (wait !== 0) {
      await send(stream, frame(REFUSAL, ascii('network/quota')));
      await stream.close({ signal });
      return 'refused';
    }
    try {
      for await (const item of answer(request, signal)) {
        const bytes = frame(ANSWER, item);
        quota.charge(bytes.length);
        await send(stream, bytes);
      }
    } catch (error) {
      if (!(error instanceof FanalError)) throw error;
      await send(stream, frame(REFUSAL, ascii(error.code.slice(0, REFUSAL_BYTES))));
      await stream.close({ signal });
      return error.name === 'DecodeError' ? 'malformed' : 'refused';
    }
    await stream.close({ signal });
    return 'served';
  } catch (error) {
    stream.abort(error as Error);
    return 'refused';
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Sends, and waits until what was sent has left. libp2p's own `onDrain` waits only the first time
 * (3.3.11 keeps one promise for good), so that an endless answer would fill the memory.
 */
async function send(stream: Stream, bytes: Bytes): Promise<void> {
  if (stream.send(bytes) || stream.writeBufferLength === 0) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.removeEventListener('idle', done);
      stream.removeEventListener('close', done);
      resolve();
    };
    stream.addEventListener('idle', done);
    stream.addEventListener('close', done);
  });
}

async function firstFrame(stream: Stream, signal: AbortSignal): Promise<Bytes | null> {
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(NETWORK_LIMITS.helloMillis)]);
  const late = () => stream.abort(new FanalError('network/request', 'no request in time'));
  timeout.addEventListener('abort', late);
  try {
    for await (const body of receive(stream, NETWORK_LIMITS.requestBytes)) return body;
    return null;
  } catch {
    return null;
  } finally {
    timeout.removeEventListener('abort', late);
  }
}

/** The frames of a stream, read one at a time: the stream is paused while one is being used. */
async function* receive(stream: Stream, maxFrameBytes: number): AsyncGenerator<Bytes> {
  const reader = new FrameReader(maxFrameBytes);
  const waiting: Bytes[] = [];
  let failure: Error | null = null;
  let ended = false;
  let wake: () => void = () => {};
  const onMessage = (event: { data: Uint8Array | Iterable<Uint8Array> }) => {
    try {
      reader.push(event.data, (body) => waiting.push(body));
    } catch (error) {
      failure = error as Error;
      stream.abort(failure);
    }
    if (waiting.length > 0) stream.pause();
    wake();
  };
  const onEnd = () => {
    ended = true;
    wake();
  };
  const onClose = (event: { error?: Error }) => {
    // Between two frames, too: only the peer's own word says that there are no more.
    if (event.error !== undefined) failure ??= event.error;
    else if (!ended) failure ??= new FanalError('network/closed', 'the connection closed');
    onEnd();
  };
  stream.addEventListener('message', onMessage);
  stream.addEventListener('remoteCloseWrite', onEnd);
  stream.addEventListener('close', onClose);
  try {
    for (;;) {
      const body = waiting.shift();
      if (body !== undefined) {
        yield body;
        continue;
      }
      if (failure !== null) throw failure;
      if (stream.readStatus === 'paused') {
        stream.resume();
        if (waiting.length > 0) continue;
      }
      if (ended && stream.readBufferLength === 0) {
        if (!reader.atBoundary) throw new FanalError('network/answer', 'the answer was cut short');
        return;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    stream.removeEventListener('message', onMessage);
    stream.removeEventListener('remoteCloseWrite', onEnd);
    stream.removeEventListener('close', onClose);
    if (stream.readStatus === 'paused') stream.resume();
  }
}

function ascii(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0x7f);
}

/** A stranger's words, with everything but plain letters taken out. */
function printable(bytes: Bytes): string {
  return [...bytes]
    .map((byte) => (byte >= 0x21 && byte <= 0x7e ? String.fromCharCode(byte) : '?'))
    .join('');
}
