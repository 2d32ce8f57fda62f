/**
 * One stream of server-sent events.
 */
import { MAX_SOCKET_QUEUE_BYTES, REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import { utf8 } from 'fanal/primitives/bytes.ts';
import type { Carrier } from './room.ts';
import type { Seat } from './seat.ts';

export interface EventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly carrier: Carrier;
}

/** How long one stream may stay; clients come back by themselves. */
export const STREAM_LIFE_MILLIS = 300_000;
const KEEP_ALIVE_MILLIS = 15_000;

/** Opens a stream for a seat. `onClose` hears of its end, whoever ended it. */
export function openEventStream(first: Seat, onClose: () => void): EventStream {
  let seat = first;
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  let keepAlive: ReturnType<typeof setInterval> | null = null;
  let life: ReturnType<typeof setTimeout> | null = null;
  const end = () => {
    if (controller === null) return;
    const open = controller;
    controller = null;
    if (keepAlive !== null) clearInterval(keepAlive);
    if (life !== null) clearTimeout(life);
    onClose();
    try {
      open.close();
    } catch {
      // The reader closed it first.
    }
  };
  const write = (text: string) => {
    if (controller === null) return;
    // The queue is full when the reader leaves more unread than we are ready to hold.
    if ((controller.desiredSize ?? 0) <= 0) return end();
    controller.enqueue(utf8(text));
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(opened) {
        controller = opened;
        write(`retry: ${REQUEST_TIMEOUT_MILLIS / 5}\n\n`);
      },
      cancel: end,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_SOCKET_QUEUE_BYTES }),
  );
  keepAlive = setInterval(() => write(': still here\n\n'), KEEP_ALIVE_MILLIS);
  life = setTimeout(end, STREAM_LIFE_MILLIS);
  const carrier: Carrier = {
    seat: () => seat,
    // A stream cannot answer; its queue says whether it is read, and its life is limited.
    keep: (next) => {
      seat = { ...next, heardAt: Date.now(), unanswered: 0, unansweredBytes: 0 };
    },
    send: (kind, json, height) =>
      write(`${height === null ? '' : `id: ${height}\n`}event: ${kind}\ndata: ${json}\n\n`),
    close: end,
  };
  return { body, carrier };
}
