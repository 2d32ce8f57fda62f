/**
 * Collects what one step decides: writes, effects, and how durable the writes must be.
 */
import type { Durability, Effect, MarkName, StepResult, Write } from './types.ts';

const NO_WRITES: readonly Write[] = [];
const NO_EFFECTS: readonly Effect[] = [];
/** The answer of a step in which nothing happened. */
const NOTHING: StepResult = {
  writes: NO_WRITES,
  durability: 'none',
  now: NO_EFFECTS,
  afterSync: NO_EFFECTS,
};

export class StepOutput {
  #writes: Write[] = [];
  #durability: Durability = 'none';
  #now: Effect[] = [];
  #afterSync: Effect[] = [];
  readonly #marks = new Map<MarkName, number>();

  /** A write that may be made later, with the next one that may not. */
  writeLazily(write: Write): void {
    this.#writes.push(write);
    if (this.#durability === 'none') this.#durability = 'lazy';
  }

  /** A write that must be durable before any `afterSync` effect runs. */
  write(write: Write): void {
    this.#writes.push(write);
    this.#durability = 'sync';
  }

  /** An effect that depends on nothing that is written. */
  run(effect: Effect): void {
    this.#now.push(effect);
  }

  /** An effect that must not be seen before this step's writes, and all before, are durable. */
  runAfterSync(effect: Effect): void {
    this.#afterSync.push(effect);
    this.#durability = 'sync';
  }

  /** Counts something noteworthy. */
  mark(name: MarkName, count = 1): void {
    this.#marks.set(name, (this.#marks.get(name) ?? 0) + count);
  }

  /** The step's answer. The next step starts empty. */
  take(): StepResult {
    for (const [name, count] of this.#marks) this.#now.push({ kind: 'mark', name, count });
    this.#marks.clear();
    if (this.#writes.length === 0 && this.#now.length === 0 && this.#afterSync.length === 0) {
      return NOTHING;
    }
    const result: StepResult = {
      writes: this.#writes,
      durability: this.#durability,
      now: this.#now,
      afterSync: this.#afterSync,
    };
    this.#writes = [];
    this.#durability = 'none';
    this.#now = [];
    this.#afterSync = [];
    return result;
  }
}
