/**
 * Why a node gave us nothing we can use.
 */
import type { ProblemCode } from 'fanal/api/problem.ts';
import { FanalError } from 'fanal/primitives/errors.ts';

export type UpstreamFailureKind =
  /** It took too long. */
  | 'timeout'
  /** It could not be reached, broke off, or answered what is no answer. */
  | 'error'
  /** It says, in the protocol's words, that it has no such thing. */
  | 'absent'
  /** It answered, and the answer is not proved by what we have verified. */
  | 'unverified'
  /** We no longer wanted to know. */
  | 'cancelled';

export class UpstreamFailure extends FanalError {
  readonly kind: UpstreamFailureKind;
  /** What the node said, where it said something we understand. */
  readonly problem: ProblemCode | undefined;
  readonly reason: string | undefined;

  constructor(
    kind: UpstreamFailureKind,
    message: string,
    details: { problem?: ProblemCode; reason?: string | undefined; cause?: unknown } = {},
  ) {
    super(`upstream/${kind}`, message, { cause: details.cause });
    this.name = 'UpstreamFailure';
    this.kind = kind;
    this.problem = details.problem;
    this.reason = details.reason;
  }
}
