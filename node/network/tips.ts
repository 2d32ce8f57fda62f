/**
 * News for followers: one stream each, on which a node tells its newest certified tip. Only the
 * latest matters, so a slow reader skips some and costs nothing.
 */
import type { Connection, Stream } from '@libp2p/interface';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FrameReader, frame } from './frame.ts';
import { NETWORK_LIMITS } from './limits.ts';

const TIP_BYTES = 4 * 1_024;

/** The streams of those who listen to us. */
export class TipPublisher {
  readonly #streams = new Set<Stream>();
  readonly #timer: NodeJS.Timeout;
  #latest: Bytes | null = null;

  constructor() {
    // Told again when nothing is new, so that neither side takes the stream for dead.
    this.#timer = setInterval(() => this.#tellAll(), NETWORK_LIMITS.tipRepeatMillis);
    this.#timer.unref();
  }

  get listeners(): number {
    return this.#streams.size;
  }

  add(stream: Stream): void {
    if (this.#streams.size >= NETWORK_LIMITS.tipListeners) {
      stream.abort(new Error('too many listeners'));
      return;
    }
    this.#streams.add(stream);
    stream.addEventListener('close', () => this.#streams.delete(stream));
    // A listener has nothing to say; what it sends anyway is bounded by the stream's buffer.
    stream.addEventListener('message', () => stream.abort(new Error('a listener only listens')));
    stream.addEventListener('remoteCloseWrite', () => void stream.close().catch(() => {}));
    this.#tell(stream);
  }

  publish(tip: Bytes): void {
    this.#latest = frame(tip);
    this.#tellAll();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const stream of this.#streams) stream.abort(new Error('shutting down'));
  }

  #tellAll(): void {
    for (const stream of this.#streams) this.#tell(stream);
  }

  #tell(stream: Stream): void {
    if (this.#latest === null || stream.status !== 'open' || stream.writableNeedsDrain) return;
    try {
      stream.send(this.#latest);
    } catch (error) {
      stream.abort(error as Error);
    }
  }
}

/** Listens to a node's tips until the stream ends or `signal` aborts. */
export async function listenToTips(
  connection: Connection,
  protocol: string,
  signal: AbortSignal,
  onTip: (tip: Bytes) => void,
): Promise<void> {
  const stream = await connection.newStream(protocol, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(NETWORK_LIMITS.negotiationMillis)]),
    maxOutboundStreams: 1,
  });
  const reader = new FrameReader(TIP_BYTES);
  await new Promise<void>((resolve) => {
    let last = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - last > NETWORK_LIMITS.silenceMillis)
        stream.abort(new Error('silent'));
    }, NETWORK_LIMITS.pingMillis);
    const stop = () => stream.abort(new Error('no longer listening'));
    signal.addEventListener('abort', stop);
    const end = () => {
      clearInterval(watch);
      signal.removeEventListener('abort', stop);
      resolve();
    };
    stream.addEventListener('close', end);
    stream.addEventListener('remoteCloseWrite', () => stream.abort(new Error('the tips ended')));
    stream.addEventListener('message', (event) => {
      last = performance.now();
      try {
        reader.push(event.data, onTip);
      } catch (error) {
        stream.abort(error as Error);
      }
    });
    if (signal.aborted) stop();
    else if (stream.status !== 'open') end();
  });
}
