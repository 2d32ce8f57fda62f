/**
 * Hints that something is new: by server-sent events, by a WebSocket, or by the clock.
 *
 * A hint proves nothing and its loss costs only time: whoever hears one syncs and verifies, and
 * the clock ticks beside every stream, so a server that stays silent is asked all the same.
 */
import { type ChainEvent, eventShape } from '../api/events.ts';
import { parseJson } from '../api/json.ts';
import { targetOf } from '../api/match.ts';
import { type Bytes, concat, EMPTY_BYTES, utf8 } from '../primitives/bytes.ts';
import { FanalError } from '../primitives/errors.ts';
import type { AbortSignalLike, FetchResponse, Platform, WebSocketLike } from './platform.ts';
import type { Source } from './transport.ts';

/** What a watcher wants to be woken for: every tip, or what changes of one address. */
export interface HintRequest {
  readonly address: string | null;
  /** The height that is known already. */
  readonly after: bigint;
  readonly signal: AbortSignalLike;
}

/** The longest event that is read. */
const MAX_EVENT_BYTES = 4_096;

/**
 * Listens to one source until it ends, calling back for each event.
 *
 * Resolves when the stream ended, and rejects when there was none. By WebSocket where the platform
 * has no streaming `fetch`, as on React Native.
 */
export function listen(
  source: Source,
  platform: Platform,
  request: HintRequest,
  onEvent: (event: ChainEvent) => void,
): Promise<void> {
  const target = targetOf('events', {
    topics: request.address === null ? ['tip'] : ['tip', 'address'],
    ...(request.address === null ? {} : { address: request.address }),
  });
  return platform.webSocket === null
    ? listenByFetch(source, platform, target, request, onEvent)
    : listenBySocket(source, platform.webSocket, target, request, onEvent);
}

async function listenByFetch(
  source: Source,
  platform: Platform,
  target: string,
  { after, signal }: HintRequest,
  onEvent: (event: ChainEvent) => void,
): Promise<void> {
  const response: FetchResponse = await platform.fetch(source.url + target, {
    method: 'GET',
    headers: { accept: 'text/event-stream', 'last-event-id': after.toString() },
    signal,
    redirect: 'manual',
  });
  const reader = response.body?.getReader?.();
  if (response.status !== 200 || reader === undefined) {
    throw new FanalError('client/no-stream', 'this source or platform has no event stream');
  }
  let rest: Bytes = EMPTY_BYTES;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined) return;
    const { frames, tail } = splitFrames(concat(rest, value));
    rest = tail;
    for (const data of frames) {
      const event = readEvent(data);
      if (event !== null) onEvent(event);
    }
    if (rest.length > MAX_EVENT_BYTES) {
      void reader.cancel().catch(() => {});
      throw new FanalError('client/no-stream', 'an event longer than any of ours');
    }
  }
}

function listenBySocket(
  source: Source,
  open: (url: string) => WebSocketLike,
  target: string,
  { signal }: HintRequest,
  onEvent: (event: ChainEvent) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = open(source.url.replace(/^http/, 'ws') + target);
    const stop = () => socket.close();
    signal.addEventListener('abort', stop, { once: true });
    socket.onmessage = ({ data }) => {
      const event =
        typeof data === 'string' && data.length <= MAX_EVENT_BYTES ? readEvent(utf8(data)) : null;
      if (event !== null) onEvent(event);
    };
    socket.onerror = () => reject(new FanalError('client/no-stream', 'the socket did not open'));
    socket.onclose = () => {
      signal.removeEventListener('abort', stop);
      resolve();
    };
  });
}

const LINE_FEED = 0x0a;

/** The `data` of each whole event in a stream's bytes, and what is left of the next one. */
export function splitFrames(bytes: Bytes): { frames: Bytes[]; tail: Bytes } {
  const frames: Bytes[] = [];
  let lineStart = 0;
  let rest = 0;
  let data: Bytes | null = null;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== LINE_FEED) continue;
    const line = bytes.subarray(lineStart, i);
    lineStart = i + 1;
    if (line.length === 0) {
      if (data !== null) frames.push(data);
      data = null;
      rest = lineStart;
    } else if (isData(line)) {
      data = line.slice(6);
    }
  }
  return { frames, tail: bytes.slice(rest) };
}

const DATA = utf8('data: ');

function isData(line: Bytes): boolean {
  return DATA.every((byte, i) => line[i] === byte);
}

function readEvent(data: Bytes): ChainEvent | null {
  try {
    return eventShape.from(parseJson(data));
  } catch (error) {
    if (error instanceof FanalError) return null;
    throw error;
  }
}
