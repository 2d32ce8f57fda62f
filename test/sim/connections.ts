/**
 * Which validators are connected. Connections break with lost packets and dead processes, and come
 * back by themselves. Each end opens its own way to send, so one end may be ready before the other:
 * what the other sends until then is lost.
 */

import type { Micros } from './queue.ts';
import type { Random } from './random.ts';

/** What connections need of the world. */
export interface ConnectionPort {
  now(): Micros;
  at(time: Micros, action: () => void): void;
  /** Says whether the process of a validator runs. */
  isUp(validator: number): boolean;
  /** Says whether packets get through both ways. */
  isReachable(a: number, b: number): boolean;
  /** What `from` hears of its way to `to`. */
  changed(from: number, to: number, up: boolean): void;
}

const CONNECT_MICROS = 20_000;
/** How much later than the one who dials the other end may be ready. */
const ANSWER_MICROS = 300_000;
const RETRY_MICROS = 300_000;
const NOTICE_MICROS = 60_000;

export class Connections {
  readonly #nodes: number;
  readonly #port: ConnectionPort;
  readonly #random: Random;
  /** 0 down, 1 being opened, 2 up; by sender and receiver. */
  readonly #state: Uint8Array;

  constructor(nodes: number, port: ConnectionPort, random: Random) {
    this.#nodes = nodes;
    this.#port = port;
    this.#random = random;
    this.#state = new Uint8Array(nodes * nodes);
  }

  /** Says whether `from` can send to `to`. */
  connected(from: number, to: number): boolean {
    return this.#state[from * this.#nodes + to] === 2;
  }

  /** A process started: it dials everybody, and they answer. */
  started(validator: number): void {
    for (let peer = 0; peer < this.#nodes; peer++)
      if (peer !== validator) this.#dial(validator, peer);
  }

  /** A process ended: its peers notice soon. */
  ended(validator: number): void {
    for (let peer = 0; peer < this.#nodes; peer++) {
      if (peer === validator) continue;
      this.#close(validator, peer);
      if (this.#close(peer, validator)) this.#port.changed(peer, validator, false);
    }
  }

  /** A stream broke: the connection ends, and is dialled again. */
  broke(a: number, b: number): void {
    const wasUp = [this.#close(a, b), this.#close(b, a)] as const;
    if (!wasUp[0] && !wasUp[1]) return;
    // The ends notice a little later, so what they send meanwhile is lost.
    this.#port.at(this.#port.now() + this.#random.below(NOTICE_MICROS), () => {
      if (wasUp[0] && !this.connected(a, b)) this.#port.changed(a, b, false);
      if (wasUp[1] && !this.connected(b, a)) this.#port.changed(b, a, false);
      this.#dial(a, b);
    });
  }

  #close(from: number, to: number): boolean {
    const wasUp = this.connected(from, to);
    this.#state[from * this.#nodes + to] = 0;
    return wasUp;
  }

  #dial(a: number, b: number): void {
    const now = this.#port.now();
    const soon = now + CONNECT_MICROS + this.#random.below(CONNECT_MICROS);
    // Who start together are ready together.
    const late = now === 0 ? 0 : this.#random.below(ANSWER_MICROS);
    this.#open(a, b, soon);
    this.#open(b, a, soon + late);
  }

  #open(from: number, to: number, at: Micros): void {
    const way = from * this.#nodes + to;
    if (this.#state[way] !== 0) return;
    this.#state[way] = 1;
    this.#attempt(from, to, at);
  }

  #attempt(from: number, to: number, at: Micros): void {
    const way = from * this.#nodes + to;
    this.#port.at(at, () => {
      if (this.#state[way] !== 1) return;
      if (!this.#port.isUp(from) || !this.#port.isUp(to)) {
        // Whoever is down will dial when it is back.
        this.#state[way] = 0;
        return;
      }
      if (!this.#port.isReachable(from, to)) {
        this.#attempt(from, to, at + RETRY_MICROS + this.#random.below(RETRY_MICROS));
        return;
      }
      this.#state[way] = 2;
      this.#port.changed(from, to, true);
    });
  }
}
