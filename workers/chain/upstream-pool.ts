/**
 * The nodes we ask, together: best first, a second one when the first dawdles, and an answer only
 * once it has been verified. The first *verified* answer wins, and whoever said something false is
 * shut out.
 */
import { BulkheadRejectedError, bulkhead } from 'cockatiel';
import { Problem } from 'fanal/api/problem.ts';
import { MAX_UPSTREAM_CALLS, REQUEST_TIMEOUT_MILLIS } from 'fanal/chain/limits.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { Metrics } from '../gateway/metrics.ts';
import {
  HEDGE_BUDGET,
  MAX_RETRIES,
  MAX_UPSTREAM_FLIGHTS,
  RETRY_MAX_MILLIS,
  RETRY_MIN_MILLIS,
} from './limits.ts';
import type { Upstream } from './upstream.ts';
import { UpstreamFailure } from './upstream-failure.ts';

export interface PoolOptions {
  readonly upstreams: readonly Upstream[];
  readonly metrics: Metrics;
  readonly now: () => number;
  /** A number in [0, 1) for jitter. */
  readonly random: () => number;
  /** Told what a node said that is not so, for the operator's log. */
  readonly onLie?: (text: string) => void;
}

/** What is asked of the nodes, and what makes an answer true. */
export interface Question<T> {
  readonly target: string;
  readonly maxBytes: number;
  /** Gives what the answer proves. Throws when it proves nothing. */
  readonly verify: (body: Bytes, upstream: Upstream) => Promise<T> | T;
  /** Nodes not to be asked again for this. */
  readonly except?: ReadonlySet<Upstream>;
  readonly signal?: AbortSignal;
}

/** What one node said to a transaction. */
export interface RelayAnswer {
  readonly upstream: Upstream;
  readonly status: number;
  readonly body: Bytes;
}

/** Thrown by `verify` when the answer is not false, only of no use (an older size, say). */
export class Unhelpful extends FanalError {
  constructor(message: string) {
    super('upstream/unhelpful', message);
    this.name = 'Unhelpful';
  }
}

export class UpstreamPool {
  readonly upstreams: readonly Upstream[];
  readonly #metrics: Metrics;
  readonly #onLie: (text: string) => void;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #bulkhead = bulkhead(MAX_UPSTREAM_FLIGHTS, 0);
  #hedges = 1;

  constructor(options: PoolOptions) {
    this.upstreams = options.upstreams;
    this.#metrics = options.metrics;
    this.#onLie = options.onLie ?? (() => undefined);
    this.#now = options.now;
    this.#random = options.random;
  }

  /** The nodes in the order we would ask them. */
  ranked(except?: ReadonlySet<Upstream>): Upstream[] {
    const known = this.upstreams.filter((upstream) => !except?.has(upstream));
    const fit = known.filter(({ standing }) => standing < 2);
    // With nobody else left, those who are shut out get a trial: else one bad minute of all nodes
    // would be ten.
    if (fit.length === 0) return known.filter(({ isDueForTrial }) => isDueForTrial);
    return fit.sort(
      (a, b) =>
        a.standing - b.standing ||
        a.troubles - b.troubles ||
        (a.verifiedSize === b.verifiedSize ? 0 : a.verifiedSize < b.verifiedSize ? 1 : -1) ||
        a.latencyMillis - b.latencyMillis,
    );
  }

  /**
   * Finds one verified answer.
   *
   * @throws {Problem} what the nodes say there is not (`not-found`, `not-yet-certified`, `pruned`),
   *   `syncing` when too much is under way, or `upstream-unverified`
   */
  async find<T>(question: Question<T>): Promise<T> {
    try {
      return await this.#bulkhead.execute(() => this.#search(question));
    } catch (cause) {
      if (!(cause instanceof BulkheadRejectedError)) throw cause;
      throw new Problem('syncing', { reason: 'gateway/busy', cause });
    }
  }

  /** Looks whether nodes that were broken are back, so that no request has to find out. */
  async probe(): Promise<void> {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MILLIS);
    const broken = this.upstreams.filter(({ standing }) => standing === 1);
    // Being alive closes a breaker; that it helps, a node has to show again.
    await Promise.allSettled(
      broken.map((upstream) => upstream.ask('/livez', { maxBytes: 64, signal })),
    );
  }

  /** Asks one node, and counts what came of it. */
  async ask<T>(upstream: Upstream, question: Question<T>, signal: AbortSignal): Promise<T> {
    const { target, maxBytes, verify } = question;
    const started = this.#now();
    let outcome: 'success' | 'timeout' | 'error' | 'unverified' = 'success';
    try {
      const answer = await upstream.ask(target, { maxBytes, signal });
      if (answer.kind === 'problem') {
        throw new UpstreamFailure('absent', `${upstream.name} says ${answer.code}`, {
          problem: answer.code,
          reason: answer.reason,
        });
      }
      const value = await this.#verified(upstream, answer.body, verify);
      upstream.helped();
      return value;
    } catch (cause) {
      if (cause instanceof UpstreamFailure) {
        if (cause.kind !== 'absent' && cause.kind !== 'cancelled') upstream.troubled();
        if (cause.kind === 'unverified' || cause.kind === 'timeout') outcome = cause.kind;
        else if (cause.kind === 'error') outcome = 'error';
      }
      throw cause;
    } finally {
      const labels = { upstream: upstream.name };
      this.#metrics.count('upstream_requests_total', { ...labels, outcome });
      this.#metrics.observe(
        'upstream_request_duration_seconds',
        (this.#now() - started) / 1000,
        labels,
      );
      this.#metrics.set('upstream_up', upstream.standing === 0 ? 1 : 0, labels);
    }
  }

  async #verified<T>(upstream: Upstream, body: Bytes, verify: Question<T>['verify']): Promise<T> {
    try {
      return await verify(body, upstream);
    } catch (cause) {
      if (cause instanceof Unhelpful || !(cause instanceof FanalError)) throw cause;
      // A problem is ours (no tile to check against, say), not the node's.
      if (cause instanceof Problem || cause instanceof UpstreamFailure) throw cause;
      upstream.lied();
      this.#onLie(`refused an answer of ${upstream.name}: ${cause.code}: ${cause.message}`);
      const labels = { upstream: upstream.name, reason: cause.code };
      this.#metrics.count('verify_failures_total', labels);
      throw new UpstreamFailure('unverified', `${upstream.name}: ${cause.message}`, { cause });
    }
  }

  async #search<T>(question: Question<T>): Promise<T> {
    const stop = new AbortController();
    const deadline = setTimeout(() => stop.abort(), REQUEST_TIMEOUT_MILLIS);
    const onAbort = () => stop.abort();
    question.signal?.addEventListener('abort', onAbort, { once: true });
    const failures: unknown[] = [];
    let isAlone = false;
    try {
      let calls = 0;
      for (let round = 0; round <= MAX_RETRIES; round++) {
        if (round > 0) await this.#pause(round, stop.signal);
        const candidates = this.ranked(question.except).slice(0, MAX_UPSTREAM_CALLS - calls);
        if (candidates.length === 0 || stop.signal.aborted) break;
        calls += candidates.length;
        const result = await this.#race(candidates, question, stop.signal);
        if (result.kind === 'found') {
          isAlone = result.isAlone;
          return result.value;
        }
        failures.push(...result.failures);
        // When everyone answered that there is no such thing, asking again changes nothing.
        if (result.failures.every(isAbsence)) break;
      }
      throw problemOf(failures);
    } finally {
      clearTimeout(deadline);
      question.signal?.removeEventListener('abort', onAbort);
      // Ends those who still look for what was found; where nobody does, that would be dear.
      if (!isAlone) stop.abort();
    }
  }

  /** Asks one after the other; at most one hedge runs beside the one whose turn it is. */
  #race<T>(
    candidates: readonly Upstream[],
    question: Question<T>,
    signal: AbortSignal,
  ): Promise<Found<T>> {
    return new Promise((resolve) => {
      const failures: unknown[] = [];
      const waiting = [...candidates];
      let running = 0;
      let hedged = false;
      let settled = false;
      let calmDown = () => {};
      const settle = (result: Found<T>) => {
        settled = true;
        calmDown();
        resolve(result);
      };
      const start = () => {
        const upstream = waiting.shift();
        if (upstream === undefined) return;
        running++;
        this.#hedges = Math.min(this.#hedges + HEDGE_BUDGET, 10);
        if (!hedged && waiting.length > 0) {
          calmDown();
          const hedge = setTimeout(() => {
            if (settled || hedged || this.#hedges < 1) return;
            hedged = true;
            this.#hedges--;
            start();
          }, upstream.patienceMillis);
          calmDown = () => clearTimeout(hedge);
        }
        this.ask(upstream, question, signal).then(
          (value) => {
            if (!settled) settle({ kind: 'found', value, isAlone: running === 1 });
          },
          (failure) => {
            running--;
            failures.push(failure);
            if (settled) return;
            if (signal.aborted) settle({ kind: 'failed', failures });
            else if (waiting.length > 0 && running === 0) start();
            else if (running === 0) settle({ kind: 'failed', failures });
          },
        );
      };
      start();
    });
  }

  /** Exponential, with full jitter. */
  async #pause(round: number, signal: AbortSignal): Promise<void> {
    const most = Math.min(RETRY_MIN_MILLIS * 4 ** round, RETRY_MAX_MILLIS);
    const millis = RETRY_MIN_MILLIS + this.#random() * (most - RETRY_MIN_MILLIS);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, millis);
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
  }
}

type Found<T> =
  | { readonly kind: 'found'; readonly value: T; readonly isAlone: boolean }
  | { readonly kind: 'failed'; readonly failures: readonly unknown[] };

function isAbsence(failure: unknown): boolean {
  return failure instanceof UpstreamFailure && failure.kind === 'absent';
}

/** What to tell the client: an absence if a node spoke of one, else that nobody can be believed. */
function problemOf(failures: readonly unknown[]): Problem {
  for (const failure of failures) {
    if (failure instanceof Problem) return failure;
    if (failure instanceof UpstreamFailure && failure.problem !== undefined) {
      return new Problem(failure.problem, {
        ...(failure.reason === undefined ? {} : { reason: failure.reason }),
        cause: failure,
      });
    }
    if (!(failure instanceof FanalError)) throw failure;
  }
  return new Problem('upstream-unverified', { retryAfterSeconds: 1, cause: failures[0] });
}
