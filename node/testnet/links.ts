/**
 * Links between validators of one process: every pair is a stream with delay, jitter and loss.
 *
 * As on TCP, a lost message is sent again and holds up those behind it, so a link is late but
 * never out of order. Deliveries of a few milliseconds share one timer.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { type LinkOptions, TESTNET_LIMITS } from './options.ts';
import type { SeededRandom } from './random.ts';

/** What TCP waits at least before it sends a lost segment again (Linux: 200 ms). */
const RETRANSMIT_MILLIS = 200;
/** Deliveries within so many milliseconds go together. */
const SLOT_MILLIS = 2;

interface Delivery {
  readonly from: number;
  readonly to: number;
  readonly bytes: Bytes;
}

export class Links {
  readonly #options: LinkOptions;
  readonly #random: SeededRandom;
  readonly #deliver: (from: number, to: number, bytes: Bytes) => void;
  /** By `from * 65536 + to`: when the last message on the link arrives. */
  readonly #lastArrival = new Map<number, number>();
  readonly #slots = new Map<number, Delivery[]>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Validators that stand still, with what came for them meanwhile. */
  readonly #held = new Map<number, Delivery[]>();
  #cut: ReadonlySet<number> = new Set();
  #closed = false;
  bytes = 0;
  messages = 0;
  lost = 0;

  constructor(
    options: LinkOptions,
    random: SeededRandom,
    deliver: (from: number, to: number, bytes: Bytes) => void,
  ) {
    this.#options = options;
    this.#random = random;
    this.#deliver = deliver;
  }

  send(from: number, to: number, bytes: Bytes): void {
    if (this.#closed || this.isCut(from, to)) return;
    const { latencyMillis, jitterMillis, loss } = this.#options;
    this.bytes += bytes.length;
    this.messages++;
    let delay = latencyMillis + jitterMillis * this.#random.next();
    while (loss > 0 && this.#random.next() < loss) {
      delay += RETRANSMIT_MILLIS + 2 * latencyMillis;
      this.lost++;
    }
    const link = from * 0x1_0000 + to;
    const at = Math.max(performance.now() + delay, this.#lastArrival.get(link) ?? 0);
    this.#lastArrival.set(link, at);
    this.#schedule(at, { from, to, bytes });
  }

  isCut(a: number, b: number): boolean {
    return this.#cut.has(a) !== this.#cut.has(b);
  }

  /** Nothing passes between these validators and the others. */
  cut(side: readonly number[]): void {
    this.#cut = new Set(side);
  }

  /** What comes for a validator waits until it is released, and then comes at once. */
  hold(validator: number): void {
    if (!this.#held.has(validator)) this.#held.set(validator, []);
  }

  release(validator: number): void {
    const waiting = this.#held.get(validator) ?? [];
    this.#held.delete(validator);
    for (const { from, to, bytes } of waiting) this.#deliver(from, to, bytes);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#slots.clear();
  }

  #schedule(at: number, delivery: Delivery): void {
    const slot = Math.ceil(at / SLOT_MILLIS);
    const known = this.#slots.get(slot);
    if (known !== undefined) {
      known.push(delivery);
      return;
    }
    const deliveries = [delivery];
    this.#slots.set(slot, deliveries);
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.#slots.delete(slot);
        for (const each of deliveries) this.#arrive(each);
      },
      Math.max(0, slot * SLOT_MILLIS - performance.now()),
    );
    this.#timers.add(timer);
  }

  #arrive(delivery: Delivery): void {
    const { from, to, bytes } = delivery;
    if (this.isCut(from, to)) return;
    const held = this.#held.get(to);
    if (held === undefined) this.#deliver(from, to, bytes);
    else if (held.length < TESTNET_LIMITS.heldMessages) held.push(delivery);
  }
}
