/**
 * Which validators are connected. Connections break with lost packets and dead processes, and come
 * back by themselves; both ends hear of it.
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
  changed(a: number, b: number, up: boolean): void;
}

const CONNECT_MICROS = 20_000;
const RETRY_MICROS = 300_000;
const NOTICE_MICROS = 60_000;

export class Connections {
  readonly #nodes: number;
  readonly #port: ConnectionPort;
  readonly #random: Random;
  /** 0 down, 1 being dialled, 2 up; for a < b. */
  readonly #state: Uint8Array;

  constructor(nodes: number, port: ConnectionPort, random: Random) {
    this.#nodes = nodes;
    this.#port = port;
    this.#random = random;
    this.#state = new Uint8Array(nodes * nodes);
  }

  connected(a: number, b: number): boolean {
    return this.#state[this.#pair(a, b)] === 2;
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
      const pair = this.#pair(validator, peer);
      const was = this.#state[pair];
      this.#state[pair] = 0;
      if (was === 2) this.#port.changed(validator, peer, false);
    }
  }

  /** A stream broke: the connection ends, and is dialled again. */
  broke(a: number, b: number): void {
    const pair = this.#pair(a, b);
    if (this.#state[pair] !== 2) return;
    this.#state[pair] = 0;
    // The ends notice a little later, so what they send meanwhile is lost.
    this.#port.at(this.#port.now() + this.#random.below(NOTICE_MICROS), () => {
      if (this.#state[pair] === 2) return;
      this.#port.changed(a, b, false);
      this.#dial(a, b);
    });
  }

  /** Ends and dials every connection anew, so that both ends send what the other may miss. */
  renewAll(): void {
    for (let a = 0; a < this.#nodes; a++) {
      for (let b = a + 1; b < this.#nodes; b++) {
        const pair = this.#pair(a, b);
        if (this.#state[pair] === 2) this.#port.changed(a, b, false);
        this.#state[pair] = 0;
        this.#dial(a, b);
      }
    }
  }

  #dial(a: number, b: number): void {
    const pair = this.#pair(a, b);
    if (this.#state[pair] !== 0) return;
    this.#state[pair] = 1;
    this.#attempt(
      a,
      b,
      pair,
      this.#port.now() + CONNECT_MICROS + this.#random.below(CONNECT_MICROS),
    );
  }

  #attempt(a: number, b: number, pair: number, at: Micros): void {
    this.#port.at(at, () => {
      if (this.#state[pair] !== 1) return;
      if (!this.#port.isUp(a) || !this.#port.isUp(b)) {
        // Whoever is down will dial when it is back.
        this.#state[pair] = 0;
        return;
      }
      if (!this.#port.isReachable(a, b)) {
        this.#attempt(a, b, pair, at + RETRY_MICROS + this.#random.below(RETRY_MICROS));
        return;
      }
      this.#state[pair] = 2;
      this.#port.changed(a, b, true);
    });
  }

  #pair(a: number, b: number): number {
    return a < b ? a * this.#nodes + b : b * this.#nodes + a;
  }
}
