/**
 * Errors on the wire: RFC 9457 `application/problem+json` with a stable `code`.
 *
 * A problem carries codes and values, never sentences a wallet would show: the SDK writes the words
 * itself, so that no server can put its own text before a user's eyes.
 */
import { FanalError } from '../primitives/errors.ts';

/** Every code, with the status it is answered with and its fixed title. */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is malformed.' },
  'not-found': { status: 404, title: 'There is no such thing.' },
  'method-not-allowed': { status: 405, title: 'The path does not take this method.' },
  'not-yet-certified': { status: 409, title: 'The size asked for is above the certified tip.' },
  pruned: { status: 410, title: 'This server no longer keeps what was asked for.' },
  'payload-too-large': { status: 413, title: 'The request is larger than allowed.' },
  'transaction-conflict': {
    status: 409,
    title: 'An input is spent already, or by a transaction that waits.',
  },
  'transaction-invalid': { status: 422, title: 'The transaction breaks a rule.' },
  'fee-too-low': { status: 422, title: 'The fee is below the minimum.' },
  'quota-exceeded': { status: 429, title: 'Too many requests.' },
  'mempool-full': { status: 503, title: 'No room for more transactions right now.' },
  syncing: { status: 503, title: 'This server is behind and catching up.' },
  'upstream-unverified': { status: 503, title: 'No upstream gave an answer that verifies.' },
  internal: { status: 500, title: 'Something broke on our side.' },
} as const satisfies Record<string, { status: number; title: string }>;

/** Stable codes of problems. */
export type ProblemCode = keyof typeof PROBLEMS;

/** One part of the request that was refused. */
export interface ProblemPointer {
  /** Where: `/query/limit`, `/path/height`, `/body/addresses/3`. */
  readonly pointer: string;
  /** What was expected there. */
  readonly detail: string;
}

/** The body of an error answer. */
export interface ProblemJson {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  /** The finer code of the rule that refused, from `docs/errors.md`. */
  readonly reason?: string;
  readonly errors?: readonly ProblemPointer[];
  /** Seconds to wait, as in `Retry-After`. */
  readonly retryAfter?: number;
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** What a server throws to answer with a problem. */
export class Problem extends FanalError {
  readonly problem: ProblemCode;
  readonly status: number;
  readonly reason: string | undefined;
  readonly errors: readonly ProblemPointer[];
  readonly retryAfterSeconds: number | undefined;

  constructor(
    problem: ProblemCode,
    details: {
      reason?: string;
      errors?: readonly ProblemPointer[];
      retryAfterSeconds?: number;
      cause?: unknown;
    } = {},
  ) {
    super(`api/${problem}`, details.reason ?? PROBLEMS[problem].title, { cause: details.cause });
    this.name = 'Problem';
    this.problem = problem;
    this.status = PROBLEMS[problem].status;
    this.reason = details.reason;
    this.errors = details.errors ?? [];
    this.retryAfterSeconds = details.retryAfterSeconds ?? (this.status === 503 ? 1 : undefined);
  }
}

/** Refuses one part of a request. */
export function invalidRequest(pointer: string, detail: string): Problem {
  return new Problem('invalid-request', { errors: [{ pointer, detail }] });
}

/** The body that answers a problem. */
export function problemToJson(problem: Problem): ProblemJson {
  return {
    type: `urn:fanal:problem:${problem.problem}`,
    title: PROBLEMS[problem.problem].title,
    status: problem.status,
    code: problem.problem,
    ...(problem.reason === undefined ? {} : { reason: problem.reason }),
    ...(problem.errors.length === 0 ? {} : { errors: problem.errors }),
    ...(problem.retryAfterSeconds === undefined ? {} : { retryAfter: problem.retryAfterSeconds }),
  };
}

/** Says whether a text from the wire is a code we know. */
export function isProblemCode(text: unknown): text is ProblemCode {
  return typeof text === 'string' && Object.hasOwn(PROBLEMS, text);
}
