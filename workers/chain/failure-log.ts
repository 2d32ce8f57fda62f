/**
 * Tells the operator what goes wrong, and what goes on going wrong only now and then: a loop that
 * fails four times a second must not bury everything else that was said.
 */
import { SAME_FAILURE_MILLIS } from './limits.ts';

/** Causes of a failure that are told. */
const MAX_CAUSES = 4;

export class FailureLog {
  readonly #now: () => number;
  readonly #tell: (text: string) => void;
  #last = '';
  #at = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, tell: (text: string) => void) {
    this.#now = now;
    this.#tell = tell;
  }

  failed(what: string, error: unknown): void {
    const text = `${what} failed: ${explain(error)}`;
    if (text === this.#last && this.#now() - this.#at < SAME_FAILURE_MILLIS) return;
    this.#last = text;
    this.#at = this.#now();
    this.#tell(text);
  }
}

/** A failure with what caused it, and what caused that. */
function explain(error: unknown): string {
  const words: string[] = [];
  for (let at = error; at instanceof Error && words.length < MAX_CAUSES; at = at.cause) {
    words.push(at.message);
  }
  return words.length === 0 ? String(error) : words.join(': ');
}
