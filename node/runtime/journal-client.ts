/**
 * The journal as the driver sees it: writes go out in order, and what must wait for the disk is
 * called back when it may go on.
 *
 * One batch is on its way at a time. What comes meanwhile makes the next one, so under load many
 * steps share a disk sync.
 */
import type { Write } from '../core/types.ts';
import type { BootFacts } from '../store/journal.ts';
import type { SigningStart } from '../store/sign-guard.ts';
import { type StoredWrite, storedWrite } from '../store/stored-write.ts';
import type { JournalCalls, JournalThreadData } from './journal-calls.ts';
import { RUNTIME_LIMITS } from './limits.ts';
import { startThread, type Thread } from './thread.ts';

export class JournalClient {
  readonly #thread: Thread<JournalCalls>;
  readonly #onFailure: (error: Error) => void;
  #waiting: StoredWrite[] = [];
  #callbacks: (() => void)[] = [];
  #inFlight = false;
  /** A batch did not reach the disk: nothing is called back any more. */
  #isBroken = false;
  #onBroken: () => void = () => {};
  #lazyTimer: NodeJS.Timeout | undefined;
  /** Milliseconds that the last batches took, for the metrics. */
  onBatch: (millis: number, writes: number) => void = () => {};

  constructor(data: JournalThreadData, onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
    this.#thread = startThread(
      new URL('./journal-worker.ts', import.meta.url),
      'journal',
      data,
      onFailure,
    );
  }

  /** Writes that are not durable yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether the disk cannot keep up and the driver should take a rest. */
  get isBehind(): boolean {
    return this.#waiting.length > RUNTIME_LIMITS.journalWaitingWrites;
  }

  /** Queues one step's writes: on disk before anything that is written later. */
  write(writes: readonly Write[]): void {
    for (const write of writes) this.#waiting.push(storedWrite(write));
    if (this.#lazyTimer === undefined && writes.length > 0) {
      this.#lazyTimer = setTimeout(() => this.#pump(), RUNTIME_LIMITS.journalLazyMillis);
    }
  }

  /** Calls back once everything written so far is durable; at once when it already is. */
  afterSync(callback: () => void): void {
    if (this.#waiting.length === 0 && !this.#inFlight) {
      callback();
      return;
    }
    this.#callbacks.push(callback);
    this.#pump();
  }

  /** What a core starts from. */
  load(facts: BootFacts): Promise<{
    stored: import('../core/types.ts').StoredState;
    signing: SigningStart;
  }> {
    return this.#thread.call('load', [facts]);
  }

  /** Anything else that the journal can do. */
  get call(): Thread<JournalCalls>['call'] {
    return this.#thread.call;
  }

  /** Waits for what is on its way to the disk, unless the disk has failed. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onBroken = resolve;
      if (this.#isBroken) resolve();
      else this.afterSync(resolve);
    });
    await this.#thread.close();
  }

  #pump(): void {
    if (this.#inFlight) return;
    clearTimeout(this.#lazyTimer);
    this.#lazyTimer = undefined;
    const writes = this.#waiting;
    const callbacks = this.#callbacks;
    if (writes.length === 0 && callbacks.length === 0) return;
    this.#waiting = [];
    this.#callbacks = [];
    this.#inFlight = true;
    const start = performance.now();
    this.#thread.call('write', [writes]).then(
      () => {
        this.#inFlight = false;
        this.onBatch(performance.now() - start, writes.length);
        // The next batch leaves before the effects of this one run: they may take a while.
        if (this.#callbacks.length > 0) this.#pump();
        else if (this.#waiting.length > 0 && this.#lazyTimer === undefined) {
          this.#lazyTimer = setTimeout(() => this.#pump(), RUNTIME_LIMITS.journalLazyMillis);
        }
        for (const callback of callbacks) callback();
      },
      (error: Error) => {
        this.#isBroken = true;
        this.#onFailure(error);
        this.#onBroken();
      },
    );
  }
}
