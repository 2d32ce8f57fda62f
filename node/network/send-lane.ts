/**
 * One direction of one kind of talk with a member: a long-lived stream that we opened and write
 * to. The other side only answers our hello, and our pings.
 *
 * Frames on it: a kind byte, then the body. Back-pressure is the stream's: when it is full, frames
 * wait in the outbox, the most urgent first.
 */
import type { Stream } from '@libp2p/interface';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { FrameReader, frame } from './frame.ts';
import { type Hello, helloCodec, INSTANCE_BYTES, type Welcome, welcomeCodec } from './hello.ts';
import { NETWORK_LIMITS } from './limits.ts';
import type { Outbox, QueueName } from './outbox.ts';
import { Quota } from './quota.ts';

export const FRAME_DATA = 0;
export const FRAME_HELLO = 1;
export const FRAME_WELCOME = 2;
export const FRAME_PING = 3;
export const FRAME_PONG = 4;
/** To the sender: sign this number, if you are alive. And its answer. */
export const FRAME_CHALLENGE = 5;
export const FRAME_PROOF = 6;

const KIND = [0, 1, 2, 3, 4, 5, 6].map((kind) => Uint8Array.of(kind));
const ANSWER_BYTES = 2_048;

/** Puts a message into the frame in which it travels; made once, sent to many. */
export function dataFrame(body: Bytes): Bytes {
  return frame(KIND[FRAME_DATA] as Bytes, body);
}

export function controlFrame(kind: number, body: Bytes): Bytes {
  return frame(KIND[kind] as Bytes, body);
}

export interface SendLaneEvents {
  onClosed(error: Error | undefined): void;
  onRoundTrip(millis: number): void;
  onSent(bytes: number): void;
  /** The peer has met another instance of us, and asks whether we are alive. */
  onChallenge(number: Bytes): Promise<Hello>;
}

/** Signatures that one peer may ask for in a minute. */
const CHALLENGES_PER_MINUTE = 20;

export class SendLane {
  readonly #stream: Stream;
  readonly #outbox: Outbox;
  readonly #queues: readonly QueueName[];
  readonly #events: SendLaneEvents;
  readonly #reader = new FrameReader(ANSWER_BYTES);
  #timer: NodeJS.Timeout | undefined;
  #welcomed: ((welcome: Welcome) => void) | null = null;
  #open = false;
  #pumping = false;
  #lastHeard = performance.now();
  readonly #challenges = new Quota(CHALLENGES_PER_MINUTE / 60, CHALLENGES_PER_MINUTE, 0);

  constructor(
    stream: Stream,
    outbox: Outbox,
    queues: readonly QueueName[],
    events: SendLaneEvents,
  ) {
    this.#stream = stream;
    this.#outbox = outbox;
    this.#queues = queues;
    this.#events = events;
    stream.addEventListener('message', (event) => {
      try {
        this.#reader.push(event.data, (body) => this.#answered(body));
      } catch (error) {
        this.abort(error as Error);
      }
    });
    stream.addEventListener('drain', () => {
      // The peer takes what we send: that is a sign of life too.
      this.#lastHeard = performance.now();
      this.pump();
    });
    stream.addEventListener('close', (event) => {
      clearInterval(this.#timer);
      this.#open = false;
      events.onClosed(event.error);
    });
  }

  /** Says hello and waits for the answer. Frames flow only after a `welcome`. */
  greet(hello: Hello): Promise<Welcome> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.abort(new FanalError('network/hello-timeout', 'the peer did not answer our hello'));
        reject(new FanalError('network/hello-timeout', 'the peer did not answer our hello'));
      }, NETWORK_LIMITS.welcomeMillis);
      this.#stream.addEventListener('close', () => {
        clearTimeout(timer);
        reject(new FanalError('network/closed', 'the stream closed during the hello'));
      });
      this.#welcomed = (welcome) => {
        clearTimeout(timer);
        if (welcome.verdict === 'welcome') this.#start();
        resolve(welcome);
      };
      this.#write(controlFrame(FRAME_HELLO, helloCodec.encode(hello)));
    });
  }

  /** Sends what waits, as far as the stream takes it. */
  pump(): void {
    if (!this.#open || this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#stream.status === 'open' && !this.#stream.writableNeedsDrain) {
        const next = this.#outbox.shift(this.#queues);
        if (next === undefined) break;
        this.#write(next);
      }
    } finally {
      this.#pumping = false;
    }
  }

  abort(error: Error): void {
    this.#stream.abort(error);
  }

  #start(): void {
    this.#open = true;
    this.#lastHeard = performance.now();
    this.#timer = setInterval(() => this.#keepAlive(), NETWORK_LIMITS.pingMillis);
    this.#timer.unref();
    this.pump();
  }

  #keepAlive(): void {
    const now = performance.now();
    if (now - this.#lastHeard > NETWORK_LIMITS.silenceMillis) {
      this.abort(
        new FanalError('network/silent', `no answer for ${Math.round(now - this.#lastHeard)} ms`),
      );
      return;
    }
    const time = new Uint8Array(8);
    new DataView(time.buffer).setFloat64(0, now);
    if (this.#stream.status === 'open' && !this.#stream.writableNeedsDrain) {
      this.#write(controlFrame(FRAME_PING, time));
    }
  }

  #answered(body: Bytes): void {
    this.#lastHeard = performance.now();
    const content = body.subarray(1);
    if (body[0] === FRAME_WELCOME && this.#welcomed !== null) {
      const welcomed = this.#welcomed;
      this.#welcomed = null;
      welcomed(welcomeCodec.decode(content));
    } else if (body[0] === FRAME_PONG && content.length === 8) {
      const sent = new DataView(content.buffer, content.byteOffset).getFloat64(0);
      const millis = this.#lastHeard - sent;
      if (millis >= 0 && millis < 60_000) this.#events.onRoundTrip(millis);
    } else if (body[0] === FRAME_CHALLENGE && content.length === INSTANCE_BYTES) {
      if (this.#challenges.take(1, this.#lastHeard)) void this.#prove(content.slice());
    } else {
      throw new FanalError('network/unexpected-frame', `expected an answer, found kind ${body[0]}`);
    }
  }

  async #prove(number: Bytes): Promise<void> {
    const hello = await this.#events.onChallenge(number);
    if (this.#open && this.#stream.status === 'open') {
      this.#write(controlFrame(FRAME_PROOF, helloCodec.encode(hello)));
    }
  }

  #write(bytes: Bytes): void {
    try {
      this.#stream.send(bytes);
      this.#events.onSent(bytes.length);
    } catch (error) {
      this.abort(error as Error);
    }
  }
}
