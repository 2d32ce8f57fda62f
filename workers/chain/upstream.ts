/**
 * One node that we ask: how it has answered lately, and whether to ask it at all.
 *
 * A breaker opens after three failures in a row and lets one probe through after a pause that
 * doubles. A node that answered with something false is shut out at once, and for longer: it is
 * broken in a way that a pause does not mend.
 */

import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
} from 'cockatiel';
import { UPSTREAM_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import {
  BREAKER_FAILURES,
  BREAKER_OPEN_MAX_MILLIS,
  BREAKER_OPEN_MILLIS,
  HEDGE_MIN_MILLIS,
  LIAR_OPEN_MAX_MILLIS,
  LIAR_OPEN_MILLIS,
  LIAR_TRIAL_MILLIS,
  TROUBLE_HALF_LIFE_MILLIS,
} from './limits.ts';
import { type Exchange, exchange, type Fetch, type UpstreamAnswer } from './upstream-answer.ts';
import { UpstreamFailure } from './upstream-failure.ts';

export interface UpstreamOptions {
  readonly url: string;
  readonly fetch: Fetch;
  /** Milliseconds, of a clock that moves on. */
  readonly now: () => number;
  readonly timeoutMillis?: number;
}

export interface Ask {
  readonly method?: 'GET' | 'POST';
  readonly body?: Bytes;
  readonly type?: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export class Upstream {
  /** Host and port: the label in metrics. */
  readonly name: string;
  /** The largest certified size that this node has shown us. */
  verifiedSize = 0n;
  readonly #options: UpstreamOptions;
  readonly #breaker = circuitBreaker(
    handleWhen((error) => error instanceof UpstreamFailure && isFailure(error)),
    {
      breaker: new ConsecutiveBreaker(BREAKER_FAILURES),
      halfOpenAfter: new ExponentialBackoff({
        initialDelay: BREAKER_OPEN_MILLIS,
        maxDelay: BREAKER_OPEN_MAX_MILLIS,
      }),
    },
  );
  readonly #timeout;
  #shutOutUntil = 0;
  #lies = 0;
  #lastLie = 0;
  #triedAt = Number.NEGATIVE_INFINITY;
  /** Failures since the last answer that was of use, fading with time. */
  #troubles = 0;
  #troubledAt = 0;
  #meanMillis = 0;
  #deviationMillis = 0;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.name = new URL(options.url).host;
    this.#timeout = timeout(options.timeoutMillis ?? UPSTREAM_TIMEOUT_MILLIS, {
      strategy: TimeoutStrategy.Aggressive,
      // Ending what has ended already is dear, and whoever fails half-way ends its own reading.
      abortOnReturn: false,
    });
  }

  /** 0 ready, 1 broken and due for a probe some time, 2 not to be asked. */
  get standing(): 0 | 1 | 2 {
    if (this.#isShutOut) return 2;
    if (this.#breaker.state === CircuitState.Closed) return 0;
    return this.#breaker.state === CircuitState.Open ? 1 : 2;
  }

  /** How often it lied, and until when it is shut out for that. */
  get shutOut(): { readonly lies: number; readonly until: number } {
    return { lies: this.#lies, until: this.#shutOutUntil };
  }

  /**
   * Whether a node that is shut out may be asked once more, where nobody else is left: what it says
   * is checked as well as ever.
   */
  get isDueForTrial(): boolean {
    return this.#isShutOut && this.#options.now() - this.#triedAt >= LIAR_TRIAL_MILLIS;
  }

  get #isShutOut(): boolean {
    return this.#options.now() < this.#shutOutUntil;
  }

  /** Shuts the node out as it was before a restart. */
  restoreShutOut(lies: number, until: number): void {
    this.#lies = lies;
    if (until <= this.#options.now()) return;
    this.#lastLie = this.#options.now();
    this.#shutOutUntil = Math.max(this.#shutOutUntil, until);
  }

  /**
   * How much trouble it has been lately: whole failures, halved every half minute. A node that is
   * fine but for the one thing that is asked of it does not get to be first in line for that.
   */
  get troubles(): number {
    const age = this.#options.now() - this.#troubledAt;
    return Math.round(this.#troubles * 0.5 ** (age / TROUBLE_HALF_LIFE_MILLIS));
  }

  /** It failed to help. */
  troubled(): void {
    this.#troubles = this.troubles + 1;
    this.#troubledAt = this.#options.now();
  }

  /** It gave an answer that was verified. On trial, that lets it in again. */
  helped(): void {
    if (this.#triedAt > this.#lastLie) this.#shutOutUntil = 0;
    this.#troubles = Math.floor(this.troubles / 2);
    this.#troubledAt = this.#options.now();
  }

  /** Mean answer time. */
  get latencyMillis(): number {
    return this.#meanMillis;
  }

  /** The time within which nearly all of its answers came, by moving mean and deviation. */
  get patienceMillis(): number {
    return Math.max(HEDGE_MIN_MILLIS, this.#meanMillis + 2 * this.#deviationMillis);
  }

  /**
   * Asks the node for a canonical target (path and query).
   *
   * @throws {UpstreamFailure}
   */
  async ask(target: string, ask: Ask): Promise<UpstreamAnswer> {
    const started = this.#options.now();
    const { method = 'GET', ...rest } = ask;
    const attempt = () => this.#attempt(target, { method, ...rest });
    try {
      // On trial: the breaker has no say in that.
      if (this.#isShutOut) this.#triedAt = started;
      const answer = await (this.#isShutOut ? attempt() : this.#breaker.execute(attempt));
      this.#measure(this.#options.now() - started);
      return answer;
    } catch (cause) {
      if (cause instanceof BrokenCircuitError) {
        throw new UpstreamFailure('error', `${this.name} is being left alone`, { cause });
      }
      throw cause;
    }
  }

  /** Shuts the node out: what it said is not so. */
  lied(): void {
    const now = this.#options.now();
    if (now - this.#lastLie > LIAR_OPEN_MAX_MILLIS) this.#lies = 0;
    this.#lastLie = now;
    const millis = Math.min(LIAR_OPEN_MILLIS * 2 ** this.#lies++, LIAR_OPEN_MAX_MILLIS);
    this.#shutOutUntil = now + millis;
    this.#triedAt = now;
  }

  async #attempt(target: string, ask: Exchange): Promise<UpstreamAnswer> {
    const { fetch, url } = this.#options;
    try {
      return await this.#timeout.execute(
        ({ signal }) => exchange(fetch, url + target, { ...ask, signal }),
        ask.signal,
      );
    } catch (cause) {
      if (ask.signal.aborted) {
        throw new UpstreamFailure('cancelled', 'no longer wanted', { cause });
      }
      if (cause instanceof TaskCancelledError || isCancelled(cause)) {
        throw new UpstreamFailure('timeout', `${this.name} took too long`, { cause });
      }
      throw cause;
    }
  }

  #measure(millis: number): void {
    if (this.#meanMillis === 0) {
      this.#meanMillis = millis;
      this.#deviationMillis = millis / 2;
      return;
    }
    const difference = Math.abs(millis - this.#meanMillis);
    this.#meanMillis += (millis - this.#meanMillis) / 8;
    this.#deviationMillis += (difference - this.#deviationMillis) / 4;
  }
}

function isFailure({ kind }: UpstreamFailure): boolean {
  return kind === 'timeout' || kind === 'error';
}

/** The node's own timeout aborts the exchange, which then says "cancelled". */
function isCancelled(cause: unknown): boolean {
  return cause instanceof UpstreamFailure && cause.kind === 'cancelled';
}
