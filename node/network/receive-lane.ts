/**
 * The other end of a send lane: a stream that a member opened. It must say hello within seconds;
 * after our welcome its messages are handed on, until its inbox is full and the stream is paused.
 */
import type { Stream } from '@libp2p/interface';
import { type Bytes, equalBytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { FrameReader } from './frame.ts';
import { type Hello, helloCodec, type Welcome, welcomeCodec } from './hello.ts';
import { NETWORK_LIMITS } from './limits.ts';
import {
  controlFrame,
  FRAME_CHALLENGE,
  FRAME_DATA,
  FRAME_HELLO,
  FRAME_PING,
  FRAME_PONG,
  FRAME_PROOF,
  FRAME_WELCOME,
} from './send-lane.ts';

export interface ReceiveLaneEvents {
  /** Decides about the peer; a verdict other than `welcome` closes the stream. */
  onHello(hello: Hello): Promise<Welcome>;
  onMessage(body: Bytes): void;
  onClosed(): void;
  /** The peer broke the rules of the stream. */
  onMalformed(error: Error): void;
}

type State = 'new' | 'deciding' | 'open' | 'closed';

/** Pings a second that are answered; an honest peer sends one in three. */
const PINGS_PER_SECOND = 4;

export class ReceiveLane {
  readonly #stream: Stream;
  readonly #events: ReceiveLaneEvents;
  readonly #reader = new FrameReader(NETWORK_LIMITS.consensusFrameBytes);
  readonly #timer: NodeJS.Timeout;
  #watch: NodeJS.Timeout | undefined;
  #state: State = 'new';
  #paused = false;
  #lastHeard = performance.now();
  #pings = 0;
  #pingSecond = 0;
  /** Those who wait for a proof; called with null when the lane closes. */
  readonly #proofs = new Set<(hello: Hello | null) => void>();

  constructor(stream: Stream, events: ReceiveLaneEvents) {
    this.#stream = stream;
    this.#events = events;
    this.#timer = setTimeout(
      () => this.abort(new FanalError('network/hello-timeout', 'no hello in time')),
      NETWORK_LIMITS.helloMillis,
    );
    stream.addEventListener('close', () => {
      clearTimeout(this.#timer);
      clearInterval(this.#watch);
      this.#state = 'closed';
      for (const onProof of [...this.#proofs]) onProof(null);
      events.onClosed();
    });
    stream.addEventListener('remoteCloseWrite', () => {
      this.abort(new FanalError('network/closed', 'the peer closed its lane'));
    });
    stream.addEventListener('message', (event) => {
      this.#lastHeard = performance.now();
      try {
        this.#reader.push(event.data, (body) => this.#take(body));
      } catch (error) {
        this.abort(error as Error);
        events.onMalformed(error as Error);
      }
    });
  }

  /**
   * Asks the peer to sign a number, to see whether it lives. Null: no answer to it in time. Whether
   * the signature is good is for the caller to see.
   */
  prove(number: Bytes, timeoutMillis: number): Promise<Hello | null> {
    if (this.#state !== 'open' || this.#stream.writableNeedsDrain) return Promise.resolve(null);
    return new Promise((resolve) => {
      const done = (hello: Hello | null) => {
        clearTimeout(timer);
        this.#proofs.delete(onProof);
        resolve(hello);
      };
      const timer = setTimeout(() => done(null), timeoutMillis);
      const onProof = (hello: Hello | null) => {
        if (hello === null || equalBytes(hello.challenge, number)) done(hello);
      };
      this.#proofs.add(onProof);
      this.#stream.send(controlFrame(FRAME_CHALLENGE, number));
    });
  }

  /** Stops reading: the peer's window fills and it has to wait. */
  pause(): void {
    if (this.#paused || this.#state === 'closed') return;
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#paused || this.#state === 'closed') return;
    this.#paused = false;
    this.#stream.resume();
  }

  abort(error: Error): void {
    this.#state = 'closed';
    this.#stream.abort(error);
  }

  #take(body: Bytes): void {
    const content = body.subarray(1);
    switch (this.#state) {
      case 'closed':
        return;
      case 'new': {
        if (body[0] !== FRAME_HELLO) throw unexpected('a hello', body[0]);
        clearTimeout(this.#timer);
        this.#state = 'deciding';
        void this.#decide(helloCodec.decode(content));
        return;
      }
      case 'deciding':
        // An honest peer waits for our welcome.
        throw unexpected('nothing before the welcome', body[0]);
      case 'open': {
        if (body[0] === FRAME_DATA) this.#events.onMessage(content);
        else if (body[0] === FRAME_PING && content.length === 8) this.#pong(content);
        else if (body[0] === FRAME_PROOF && this.#proofs.size > 0) {
          const hello = helloCodec.decode(content);
          for (const onProof of [...this.#proofs]) onProof(hello);
        } else if (body[0] !== FRAME_PROOF) throw unexpected('data or a ping', body[0]);
      }
    }
  }

  async #decide(hello: Hello): Promise<void> {
    let welcome: Welcome;
    try {
      welcome = await this.#events.onHello(hello);
    } catch (error) {
      this.abort(error as Error);
      return;
    }
    if (this.#stream.status !== 'open') return;
    this.#stream.send(controlFrame(FRAME_WELCOME, welcomeCodec.encode(welcome)));
    if (welcome.verdict === 'welcome') {
      this.#state = 'open';
      this.#lastHeard = performance.now();
      this.#watch = setInterval(() => {
        if (!this.#paused && performance.now() - this.#lastHeard > NETWORK_LIMITS.silenceMillis) {
          this.abort(new FanalError('network/silent', 'the peer fell silent'));
        }
      }, NETWORK_LIMITS.pingMillis);
      this.#watch.unref();
    } else {
      this.#state = 'closed';
      await this.#stream.close({ signal: AbortSignal.timeout(1_000) }).catch(() => {});
    }
  }

  #pong(time: Bytes): void {
    const second = Math.floor(this.#lastHeard / 1_000);
    if (second !== this.#pingSecond) {
      this.#pingSecond = second;
      this.#pings = 0;
    }
    if (++this.#pings > PINGS_PER_SECOND) throw unexpected('fewer pings', FRAME_PING);
    // A peer that pings and does not read gets no more answers than the stream buffers.
    if (!this.#stream.writableNeedsDrain) this.#stream.send(controlFrame(FRAME_PONG, time));
  }
}

function unexpected(expected: string, kind: number | undefined): FanalError {
  return new FanalError('network/unexpected-frame', `expected ${expected}, found kind ${kind}`);
}
