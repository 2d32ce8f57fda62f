/**
 * Asks sources until one answer verifies.
 *
 * A source that failed is asked last for a while, one that lied for longer. Nothing is cached and
 * nothing is believed here: `read` verifies, and what it throws decides who is asked next.
 */

import type { Bytes } from '../primitives/bytes.ts';
import { DecodeError, FanalError, VerificationError } from '../primitives/errors.ts';
import { NetworkError, ProblemError, RateLimitError } from './errors.ts';
import type { Source, SourceCall, Transport } from './transport.ts';

/** How long a source that failed, or lied, comes last. */
export const FAILURE_PENALTY_MILLIS = 5_000n;
export const LIE_PENALTY_MILLIS = 300_000n;

/** What became of asking one source. */
export type Attempt<T> =
  | { readonly kind: 'answered'; readonly source: Source; readonly value: T }
  | { readonly kind: 'failed'; readonly source: Source; readonly error: unknown };

export class Sources {
  readonly compare: number;
  readonly #sources: readonly Source[];
  readonly #now: () => bigint;
  readonly #penalties = new Map<Source, bigint>();

  constructor(transport: Transport, now: () => bigint) {
    this.#sources = transport.sources;
    this.#now = now;
    this.compare = transport.compare;
  }

  /** Sources in the order they are to be asked. */
  ranked(): Source[] {
    const now = this.#now();
    const until = (source: Source) => {
      const penalty = this.#penalties.get(source) ?? 0n;
      return penalty > now ? penalty : 0n;
    };
    return this.#sources
      .map((source, order) => ({ source, order, until: until(source) }))
      .sort((a, b) => (a.until === b.until ? a.order - b.order : a.until < b.until ? -1 : 1))
      .map(({ source }) => source);
  }

  /** Asks one source, and remembers how it did. */
  async ask<T>(
    source: Source,
    call: SourceCall,
    read: (bytes: Bytes) => T | Promise<T>,
  ): Promise<Attempt<T>> {
    try {
      const value = await read(await source.request(call));
      this.#penalties.delete(source);
      return { kind: 'answered', source, value };
    } catch (error) {
      if (!(error instanceof FanalError)) throw error;
      if (call.signal?.aborted === true) throw error;
      const penalty = penaltyOf(error);
      if (penalty > 0n) this.#penalties.set(source, this.#now() + penalty);
      return { kind: 'failed', source, error };
    }
  }

  /**
   * Asks one source after another until one answers with what verifies.
   *
   * @throws the most telling of their errors: a lie before a refusal, a refusal before silence
   */
  async first<T>(
    call: SourceCall,
    read: (bytes: Bytes, source: Source) => T | Promise<T>,
  ): Promise<T> {
    const errors: unknown[] = [];
    for (const source of this.ranked()) {
      const attempt = await this.ask(source, call, (bytes) => read(bytes, source));
      if (attempt.kind === 'answered') return attempt.value;
      errors.push(attempt.error);
    }
    throw mostTelling(errors);
  }

  /** Asks several at once: the first `count` in rank, and further ones as others fail. */
  async several<T>(
    count: number,
    call: SourceCall,
    read: (bytes: Bytes) => T | Promise<T>,
  ): Promise<Attempt<T>[]> {
    const waiting = this.ranked();
    const attempts = await Promise.all(
      waiting.splice(0, count).map((source) => this.ask(source, call, read)),
    );
    const answered = () => attempts.filter(({ kind }) => kind === 'answered').length;
    while (answered() < count && waiting.length > 0) {
      attempts.push(await this.ask(waiting.shift() as Source, call, read));
    }
    return attempts;
  }
}

/** Of what several sources failed with, what the caller should know first. */
export function mostTelling(errors: readonly unknown[]): unknown {
  const weight = (error: unknown) =>
    error instanceof VerificationError
      ? 4
      : error instanceof DecodeError
        ? 3
        : error instanceof ProblemError
          ? 2
          : error instanceof RateLimitError
            ? 1
            : 0;
  return (
    errors.toSorted((a, b) => weight(b) - weight(a))[0] ?? new NetworkError('there is no source')
  );
}

/** Says whether a server said that there is no such thing. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ProblemError && error.problem === 'not-found';
}

/** Says whether a server cannot answer at the size asked: it is behind, or has forgotten. */
export function isOutOfReach(error: unknown): boolean {
  return (
    error instanceof ProblemError &&
    (error.problem === 'not-yet-certified' || error.problem === 'pruned')
  );
}

function penaltyOf(error: FanalError): bigint {
  if (error instanceof VerificationError || error instanceof DecodeError) return LIE_PENALTY_MILLIS;
  if (error instanceof RateLimitError) return BigInt(error.retryAfter) * 1000n;
  if (error instanceof ProblemError) return isOutOfReach(error) ? FAILURE_PENALTY_MILLIS / 5n : 0n;
  return FAILURE_PENALTY_MILLIS;
}
