/**
 * What a wallet may have to tell its user, each with a class of its own.
 *
 * Every text here is ours: nothing that a server wrote is ever part of a message.
 */
import { PROBLEMS, type ProblemCode } from '../api/problem.ts';
import type { Bytes } from '../primitives/bytes.ts';
import { FanalError } from '../primitives/errors.ts';
import { formatCoins } from './amounts.ts';

/** No server could be reached, or none answered in time. */
export class NetworkError extends FanalError {
  /** Seconds that a server asked to wait before the next try; 0 where none said so. */
  readonly retryAfter: number;

  constructor(message: string, cause?: unknown, retryAfter = 0) {
    super('client/network', message, {
      hint: 'Check the connection, or add another gateway.',
      cause,
    });
    this.name = 'NetworkError';
    this.retryAfter = retryAfter;
  }
}

/** A server refused the request and said why, by a code. */
export class ProblemError extends FanalError {
  readonly problem: ProblemCode;
  readonly status: number;
  /** The finer code of the rule that refused, such as `transaction/coin-spent`. */
  readonly reason: string | null;

  constructor(problem: ProblemCode, status: number, reason: string | null) {
    super(
      `problem/${problem}`,
      `${PROBLEMS[problem].title}${reason === null ? '' : ` (${reason})`}`,
    );
    this.name = 'ProblemError';
    this.problem = problem;
    this.status = status;
    this.reason = reason;
  }
}

/** A server asks to be left alone for a while. */
export class RateLimitError extends FanalError {
  /** Seconds to wait. */
  readonly retryAfter: number;

  constructor(retryAfter: number) {
    super('client/rate-limit', `asked to wait ${retryAfter} s before the next request`, {
      hint: 'Wait, or add another gateway.',
    });
    this.name = 'RateLimitError';
    this.retryAfter = retryAfter;
  }
}

/** The newest state that anyone vouches for is too old to act on. */
export class StaleError extends FanalError {
  /** When a third of the stake last vouched for the state we hold, in ms since 1970. */
  readonly since: bigint;

  constructor(since: bigint, ageMillis: bigint) {
    super('client/stale', `the newest certified state is ${ageMillis} ms old`, {
      hint: 'The network may have stopped, or every gateway asked hides what is new. Ask another.',
    });
    this.name = 'StaleError';
    this.since = since;
  }
}

/** The client slept longer than the trusting period: its trust must be renewed by other means. */
export class TrustExpiredError extends FanalError {
  constructor(message: string) {
    super('trust/expired', message, {
      hint: 'Get a fresh trust file from a source you trust, and start from it.',
    });
    this.name = 'TrustExpiredError';
  }
}

/** Two certified states of one chain contradict each other: the network itself is broken. */
export class ForkError extends FanalError {
  /** The evidence file: keep it and publish it. It names the validators that signed both. */
  readonly evidence: Bytes;

  constructor(message: string, evidence: Bytes) {
    super('follow/fork', message, {
      hint: 'Stop paying and accepting payments on this network, and publish the evidence.',
    });
    this.name = 'ForkError';
    this.evidence = evidence;
  }
}

/** The wallet cannot pay that much. `needed` and `available` are units; the message says coins. */
export class InsufficientFundsError extends FanalError {
  readonly needed: bigint;
  readonly available: bigint;

  constructor(needed: bigint, available: bigint, hint?: string) {
    super(
      'wallet/insufficient-funds',
      `${formatCoins(needed)} coins are needed, ${formatCoins(available)} can be spent`,
      hint === undefined ? {} : { hint },
    );
    this.name = 'InsufficientFundsError';
    this.needed = needed;
    this.available = available;
  }
}
