/**
 * Server-sent events: the fallback that any HTTP client can read.
 *
 * Each event's id is its height, so that a browser which reconnects says by itself what it saw
 * last.
 */
import { type ChainEvent, eventShape } from 'fanal/api/events.ts';
import {
  MAX_SOCKET_QUEUE_BYTES,
  MAX_SOCKET_QUEUE_MESSAGES,
  REQUEST_TIMEOUT_MILLIS,
} from 'fanal/chain/limits.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import type { Listener } from './hub.ts';

/** How long one stream may stay; clients come back by themselves. */
export const SSE_LIFE_MILLIS = 3_600_000;
const KEEP_ALIVE_MILLIS = 15_000;

/** Opens a stream. `open` adds the listener and returns how to take it away. */
export function eventStream(
  interest: Listener['interest'],
  open: (listener: Listener) => () => void,
  onClose: () => void,
): ReadableStream<Uint8Array> {
  let stop = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let messages = 0;
        const end = () => {
          stop();
          try {
            controller.close();
          } catch {
            // The reader closed it first.
          }
        };
        const write = (text: string) => {
          // The queue is over when the reader leaves more unread than we are ready to hold.
          messages = (controller.desiredSize ?? 0) >= MAX_SOCKET_QUEUE_BYTES ? 0 : messages + 1;
          if ((controller.desiredSize ?? 0) <= 0 || messages > MAX_SOCKET_QUEUE_MESSAGES) {
            end();
            return;
          }
          controller.enqueue(utf8(text));
        };
        write(`retry: ${REQUEST_TIMEOUT_MILLIS / 5}\n\n`);
        const close = open({ interest, deliver: (event) => write(frame(event)) });
        const keepAlive = setInterval(() => write(': still here\n\n'), KEEP_ALIVE_MILLIS);
        const life = setTimeout(end, SSE_LIFE_MILLIS);
        keepAlive.unref();
        life.unref();
        stop = once(() => {
          close();
          clearInterval(keepAlive);
          clearTimeout(life);
          onClose();
        });
      },
      cancel: () => stop(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_SOCKET_QUEUE_BYTES }),
  );
}

/** One event as the stream carries it. */
export function frame(event: ChainEvent): string {
  return `id: ${event.height}\nevent: ${event.kind}\ndata: ${JSON.stringify(eventShape.to(event))}\n\n`;
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
