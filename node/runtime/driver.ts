/**
 * The loop around the consensus core: the only caller of `step`.
 *
 * One event at a time goes in. Its writes go to the journal; its effects run at once, or when the
 * journal says that they and everything before them is on disk. A crash anywhere in between is
 * what the core is built for.
 */
import { assert } from 'fanal/primitives/assert.ts';
import type { Core, Effect, Event, Millis, TimerId, Write } from '../core/types.ts';
import { RUNTIME_LIMITS } from './limits.ts';

/** What the driver needs of the journal. */
export interface DriverJournal {
  write(writes: readonly Write[]): void;
  /** Calls back, in order, once everything written so far is durable. */
  afterSync(callback: () => void): void;
  readonly isBehind: boolean;
}

/** Effects that the driver carries out itself. */
type OwnEffect = Extract<Effect, { kind: 'timer' | 'cancel' }>;
export type WorldEffect = Exclude<Effect, OwnEffect>;

export interface DriverOptions {
  readonly core: Core;
  readonly journal: DriverJournal;
  /** Whole milliseconds, never falling. */
  readonly now: () => Millis;
  /** Carries out an effect. It may call `push`, and must not block or throw. */
  readonly onEffect: (effect: WorldEffect) => void;
  /** The core or an effect broke: nothing may go on. */
  readonly onFailure: (error: Error) => void;
  readonly onStep?: (event: Event, millis: number) => void;
}

export class Driver {
  readonly #options: DriverOptions;
  #queue: Event[] = [];
  /** Index of the next event: shifting a long array each time would be slow. */
  #head = 0;
  readonly #timers = new Map<TimerId, NodeJS.Timeout>();
  #scheduled = false;
  #stopped = false;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** Events that wait. */
  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  /** Whether messages from peers should wait for a while. */
  get isBusy(): boolean {
    return this.waiting > RUNTIME_LIMITS.driverBusyEvents || this.#options.journal.isBehind;
  }

  push(event: Event): void {
    if (this.#stopped) return;
    this.#queue.push(event);
    this.#schedule();
  }

  /** Puts an answer that the core waits for before everything else. */
  pushFirst(event: Event): void {
    if (this.#stopped) return;
    if (this.#head > 0) this.#queue[--this.#head] = event;
    else this.#queue.unshift(event);
    this.#schedule();
  }

  /** No event is handled and no effect run after this. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#queue = [];
    this.#head = 0;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  /** Handles events for a few milliseconds, then lets sockets and timers have theirs. */
  #turn(): void {
    const deadline = performance.now() + RUNTIME_LIMITS.driverTurnMillis;
    for (let count = 0; count < RUNTIME_LIMITS.driverTurnEvents; count++) {
      if (this.#stopped || this.#head === this.#queue.length) break;
      const event = this.#queue[this.#head++] as Event;
      try {
        this.#step(event);
      } catch (error) {
        this.#fail(error as Error);
        return;
      }
      if (performance.now() > deadline) break;
    }
    if (this.#head === this.#queue.length || this.#head > 1_024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    if (this.#queue.length > this.#head && !this.#stopped) this.#schedule();
  }

  #step(event: Event): void {
    const { core, journal, now, onStep } = this.#options;
    const start = performance.now();
    const result = core.step(now(), event);
    if (result.durability !== 'none') journal.write(result.writes);
    else assert(result.writes.length === 0, 'a step without durability has no writes');
    this.#run(result.now);
    if (result.afterSync.length > 0) {
      const effects = result.afterSync;
      journal.afterSync(() => {
        try {
          this.#run(effects);
        } catch (error) {
          this.#fail(error as Error);
        }
      });
    }
    onStep?.(event, performance.now() - start);
  }

  #run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (this.#stopped) return;
      if (effect.kind === 'timer') this.#arm(effect.id, effect.generation, effect.at);
      else if (effect.kind === 'cancel') this.#disarm(effect.id);
      else this.#options.onEffect(effect);
    }
  }

  #arm(id: TimerId, generation: number, at: Millis): void {
    this.#disarm(id);
    const millis = Math.max(0, at - this.#options.now());
    const timer = setTimeout(() => {
      this.#timers.delete(id);
      this.push({ kind: 'timer', id, generation });
    }, millis);
    this.#timers.set(id, timer);
  }

  #disarm(id: TimerId): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#timers.delete(id);
  }

  #fail(error: Error): void {
    if (this.#stopped) return;
    this.stop();
    this.#options.onFailure(error);
  }
}
