/**
 * How long the main thread keeps others waiting. Consensus, sockets and timers share it, so its
 * worst moments are the node's.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface LoopLag {
  readonly p50Millis: number;
  readonly p99Millis: number;
  readonly maxMillis: number;
}

export class LoopMonitor {
  readonly #histogram = monitorEventLoopDelay({ resolution: 10 });

  constructor() {
    this.#histogram.enable();
  }

  /** The delays since the last look. */
  take(): LoopLag {
    // The histogram counts the timer's own 10 ms along.
    const own = 10;
    const millis = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - own);
    const lag = {
      p50Millis: millis(this.#histogram.percentile(50)),
      p99Millis: millis(this.#histogram.percentile(99)),
      maxMillis: millis(this.#histogram.max),
    };
    this.#histogram.reset();
    return lag;
  }

  close(): void {
    this.#histogram.disable();
  }
}
