/** A state that our own code can never reach was reached. The process should stop. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/**
 * Stops on an impossible state. Never for input from outside: that gets a `FanalError`.
 *
 * @throws {AssertionError} when `condition` is false
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Marks a place that the types say is never reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
