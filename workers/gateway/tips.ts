/**
 * The chain as this isolate knows it: the newest verified tip, read again four times a second at
 * most, and the proofs that are made from it.
 */
import { Problem } from 'fanal/api/problem.ts';
import { entriesPath, tilePath } from 'fanal/merkle/tiles.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { ChainView } from '../chain/chain-view.ts';
import { isStale, type Tip, tipCodec, tipSize } from '../chain/tip.ts';
import { TIP_MEMORY_MILLIS } from './limits.ts';
import type { ChainPort } from './ports.ts';
import { SingleFlight } from './single-flight.ts';

export interface TipsPorts {
  readonly chain: ChainPort;
  readonly now: () => number;
  /** Verified bytes of a tile or bundle. */
  readonly load: (target: string) => Promise<Bytes>;
}

export class Tips {
  readonly #ports: TipsPorts;
  readonly #flights = new SingleFlight<void>(2_000);
  #view: ChainView | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  #conflicts = 0;

  constructor(ports: TipsPorts) {
    this.#ports = ports;
  }

  /** The view if it was read a moment ago; null when it has to be read again. */
  get recent(): ChainView | null {
    return this.#ports.now() - this.#readAt < TIP_MEMORY_MILLIS ? this.#view : null;
  }

  /** Whether the tip is too old to speak of now. */
  get isStale(): boolean {
    return this.#view !== null && isStale(this.#view.tip, BigInt(Math.floor(this.#ports.now())));
  }

  /** Forks that the chain's one writer has seen. */
  get conflicts(): number {
    return this.#conflicts;
  }

  /**
   * The chain as of the newest verified tip, however old that is.
   *
   * @throws {Problem} `syncing` before there is one
   */
  async view(): Promise<ChainView> {
    const recent = this.recent;
    if (recent !== null) return recent;
    try {
      await this.#flights.run('tip', () => this.#read());
    } catch (cause) {
      // What was verified stays true while its keeper cannot be reached; its age says the rest.
      if (this.#view === null) throw cause;
    }
    if (this.#view === null) throw new Problem('syncing', { reason: 'gateway/no-checkpoint' });
    return this.#view;
  }

  /**
   * The same, for answers that speak of now.
   *
   * @throws {Problem} `syncing` when the tip is too old to speak of now
   */
  async fresh(): Promise<ChainView> {
    const view = await this.view();
    if (this.isStale) {
      throw new Problem('syncing', { reason: 'gateway/stale-checkpoint', retryAfterSeconds: 5 });
    }
    return view;
  }

  async #read(): Promise<void> {
    const known = this.#view?.size ?? 0n;
    const reading = await this.#ports.chain.read(known);
    if (reading === null) return;
    this.#conflicts = reading.conflicts;
    const { verifiedAt, sources } = reading;
    if (reading.tip === null) {
      const tip = this.#view?.tip;
      if (tip !== undefined) this.#view?.advance({ ...tip, verifiedAt, sources });
    } else {
      const tip = { ...tipCodec.decode(reading.tip), verifiedAt, sources };
      // A size never shrinks, whoever says so.
      if (tipSize(tip) >= known) this.#take(tip);
    }
    this.#readAt = this.#ports.now();
  }

  #take(tip: Tip): void {
    const { load } = this.#ports;
    if (this.#view !== null) {
      this.#view.advance(tip);
      return;
    }
    this.#view = new ChainView(tip, {
      tile: (tile) => load(`/${tilePath(tile)}`),
      entries: (bundle) => load(`/${entriesPath(bundle)}`),
    });
  }
}
