/**
 * Errors that a program can branch on and a person can act on.
 */

/** What may accompany an error's code and message. */
export interface ErrorDetails {
  /** What to do next, one or two sentences. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * Every error that Fanal throws on bad input.
 *
 * `code` is stable (`proof/root-mismatch`): the same string in the SDK, the API, the log and
 * `docs/errors.md`. `message` says what was expected and what came.
 */
export class FanalError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'FanalError';
    this.code = code;
    this.hint = details.hint;
  }
}

/**
 * Bytes or text that are not a canonical encoding of anything.
 */
export class DecodeError extends FanalError {
  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(code, message, details);
    this.name = 'DecodeError';
  }
}

/**
 * An answer that does not prove what it claims.
 *
 * `step` names the check that refused it, in the words of `docs/protocol.md`; `expected` and
 * `found` are short texts for a person.
 */
export class VerificationError extends FanalError {
  readonly step: string;
  readonly expected: string;
  readonly found: string;

  constructor(
    code: string,
    step: string,
    expected: string,
    found: string,
    details: ErrorDetails = {},
  ) {
    super(code, `${step}: expected ${expected}, found ${found}`, details);
    this.name = 'VerificationError';
    this.step = step;
    this.expected = expected;
    this.found = found;
  }
}
