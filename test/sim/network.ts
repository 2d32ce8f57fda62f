/**
 * The simulated network: what is sent arrives late, twice, out of order, or never.
 *
 * Delay of a packet = waiting for the sender's uplink + the way + jitter, sometimes a long tail +
 * waiting for the receiver's downlink. Links are streams, so packets of a link stay in order unless
 * the plan lets them overtake. A lost packet breaks its stream as it would break a connection, or
 * vanishes in silence, as the plan says.
 */
import { oneWayMicros, regionOf } from './latency.ts';
import type { NetworkOptions } from './plan.ts';
import type { Micros } from './queue.ts';
import type { Random } from './random.ts';

/** What travels: `message` is shared, never changed, by whoever receives it. */
export interface Packet<M> {
  readonly from: number;
  readonly to: number;
  readonly message: M;
  readonly sizeBytes: number;
  readonly sentAt: Micros;
  /** An answer: it goes behind what consensus sends by itself, and shares nothing with other peers. */
  readonly isAnswer?: boolean;
}

/** How a packet ends up: the times at which copies of it arrive. None: it is lost. */
export interface Route {
  readonly arrivals: readonly Micros[];
  /** The link was cut or its stream broke: both ends will see a reconnect. */
  readonly broken: boolean;
}

/**
 * Delays one packet by its content, for ever when infinite; how a scheduler in league with the
 * faulty ones works.
 */
export type Scheduler<M> = (packet: Packet<M>) => Micros;

/** The part of a sender's bandwidth that answers to one peer may take. */
const ANSWER_SHARE = 0.25;
/** Old packets kept of each link for replays. */
const REPLAY_KEPT = 16;

export class Network<M> {
  readonly #options: NetworkOptions;
  readonly #random: Random;
  readonly #nodes: number;
  readonly #base: Float64Array;
  /** How many faults cut the link now. */
  readonly #cuts: Uint16Array;
  readonly #cloggedUntil: Float64Array;
  readonly #lastArrival: Float64Array;
  readonly #uplinkFree: Float64Array;
  readonly #downlinkFree: Float64Array;
  /** By link. */
  readonly #answersFree: Float64Array;
  /** Extra way to and from a node, while a fault makes it slow. */
  readonly #slowBy: Float64Array;
  readonly #old: Packet<M>[][];
  #schedulers: Scheduler<M>[] = [];
  #calm = false;

  constructor(nodes: number, options: NetworkOptions, random: Random) {
    this.#nodes = nodes;
    this.#options = options;
    this.#random = random;
    this.#base = new Float64Array(nodes * nodes);
    for (let from = 0; from < nodes; from++) {
      for (let to = 0; to < nodes; to++) {
        this.#base[from * nodes + to] = this.#baseDelay(from, to);
      }
    }
    this.#cuts = new Uint16Array(nodes * nodes);
    this.#cloggedUntil = new Float64Array(nodes * nodes);
    this.#lastArrival = new Float64Array(nodes * nodes);
    this.#uplinkFree = new Float64Array(nodes);
    this.#downlinkFree = new Float64Array(nodes);
    this.#answersFree = new Float64Array(nodes * nodes);
    this.#slowBy = new Float64Array(nodes);
    this.#old = options.replay > 0 ? Array.from({ length: nodes * nodes }, () => []) : [];
  }

  #baseDelay(from: number, to: number): number {
    if (this.#options.geography === 'measured') {
      return oneWayMicros(regionOf(from, this.#nodes), regionOf(to, this.#nodes));
    }
    const spread = this.#options.geography === 'even' ? 1 : this.#random.real(0.3, 1.7);
    return spread * this.#options.meanMillis * 1_000;
  }

  /** Decides what becomes of a packet sent now. */
  send(packet: Packet<M>): Route {
    const { from, to } = packet;
    const link = from * this.#nodes + to;
    const random = this.#random;
    const options = this.#options;
    if ((this.#cuts[link] as number) > 0) return { arrivals: [], broken: true };
    const faulty = !this.#calm;
    if (faulty && options.loss > 0 && random.chance(options.loss)) {
      return { arrivals: [], broken: options.lossBreaks };
    }
    const arrival = this.#arrival(packet, link);
    if (arrival === undefined) {
      return { arrivals: [], broken: options.lossBreaks && packet.isAnswer !== true };
    }
    if (arrival === Number.POSITIVE_INFINITY) return { arrivals: [], broken: false };
    const arrivals = [arrival];
    if (faulty && options.duplicate > 0 && random.chance(options.duplicate)) {
      arrivals.push(arrival + random.exponential(options.meanMillis * 2_000));
    }
    if (faulty && options.replay > 0) this.#remember(link, packet);
    return { arrivals, broken: false };
  }

  #arrival(packet: Packet<M>, link: number): Micros | undefined {
    const { from, to, sentAt: now, sizeBytes } = packet;
    const random = this.#random;
    const options = this.#options;
    const { isAnswer = false } = packet;
    const bytesPerMicro = (options.megabitsPerSecond / 8) * (isAnswer ? ANSWER_SHARE : 1);
    const wire = sizeBytes / bytesPerMicro;
    const [free, lane] = isAnswer ? [this.#answersFree, link] : [this.#uplinkFree, from];
    const begins = Math.max(now, free[lane] as number);
    const leaves = begins + wire;
    // Of an answer only what waits before it counts: it is written as fast as the link takes it.
    const waiting = (isAnswer ? begins : leaves) - now;
    const isFull = waiting * bytesPerMicro > options.queueBytes;
    if (isFull && (isAnswer || !this.#calm)) return undefined;
    free[lane] = leaves;
    const base = this.#base[link] as number;
    let way = base * (1 + options.jitter * random.fraction());
    if (!this.#calm && options.tailChance > 0 && random.chance(options.tailChance)) {
      way += Math.min(random.lognormal(base, options.tailSigma), options.tailMaxMillis * 1_000);
    }
    way += (this.#slowBy[from] as number) + (this.#slowBy[to] as number);
    for (const scheduler of this.#schedulers) way += scheduler(packet);
    if (way === Number.POSITIVE_INFINITY) return way;
    let arrival = leaves + way;
    arrival = Math.max(arrival, this.#cloggedUntil[link] as number);
    if (!options.overtaking || this.#calm) {
      arrival = Math.max(arrival, this.#lastArrival[link] as number);
      this.#lastArrival[link] = arrival;
    }
    return Math.round(arrival);
  }

  /** When the last byte of a packet that arrives now is through the receiver's downlink. */
  received(to: number, sizeBytes: number, now: Micros): Micros {
    const wire = (sizeBytes * 8) / this.#options.megabitsPerSecond;
    const taken = Math.max(now, this.#downlinkFree[to] as number) + wire;
    this.#downlinkFree[to] = taken;
    return Math.round(taken);
  }

  /** An old packet of a random link, to arrive once more; undefined when none is kept. */
  replay(): Packet<M> | undefined {
    if (this.#calm || this.#old.length === 0) return undefined;
    const kept = this.#old[this.#random.below(this.#old.length)] as Packet<M>[];
    return kept.length === 0 ? undefined : this.#random.pick(kept);
  }

  #remember(link: number, packet: Packet<M>): void {
    const kept = this.#old[link] as Packet<M>[];
    if (kept.length < REPLAY_KEPT) kept.push(packet);
    else if (this.#random.chance(0.05)) kept[this.#random.below(REPLAY_KEPT)] = packet;
  }

  /** Cuts, or no longer cuts, the way from one node to another. Cuts add up. */
  cut(from: number, to: number, on: boolean): void {
    const link = from * this.#nodes + to;
    this.#cuts[link] = Math.max(0, (this.#cuts[link] as number) + (on ? 1 : -1));
  }

  isCut(from: number, to: number): boolean {
    return (this.#cuts[from * this.#nodes + to] as number) > 0;
  }

  /** Nothing of this link arrives before `until`. */
  clog(from: number, to: number, until: Micros): void {
    const link = from * this.#nodes + to;
    this.#cloggedUntil[link] = Math.max(this.#cloggedUntil[link] as number, until);
  }

  slow(node: number, by: Micros): void {
    this.#slowBy[node] = by;
  }

  schedule(scheduler: Scheduler<M>): void {
    this.#schedulers.push(scheduler);
  }

  unschedule(scheduler: Scheduler<M>): void {
    this.#schedulers = this.#schedulers.filter((other) => other !== scheduler);
  }

  /** From now on: every packet arrives once, in order, within a known delay. */
  heal(): void {
    this.#calm = true;
    this.#cuts.fill(0);
    this.#cloggedUntil.fill(0);
    this.#slowBy.fill(0);
    // Nothing that is sent from now on waits behind what is still on its way.
    this.#lastArrival.fill(0);
    this.#schedulers = [];
  }
}
