/**
 * What an isolate counts of the requests it answered, until it hands that on.
 */
import { HealthWindow } from './health.ts';
import { METRICS_FLUSH_MILLIS } from './limits.ts';
import type { MetricsRegistry } from './metrics.ts';
import type { Call, PulsePort } from './ports.ts';

export interface TallyPorts {
  readonly metrics: MetricsRegistry;
  readonly pulse: PulsePort;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

/** Routes that say how the gateway is doing: they count for nothing and are always answered. */
const HEALTH_ROUTES: ReadonlySet<string> = new Set(['livez', 'readyz', 'status', 'metrics']);

export class Tally {
  readonly #ports: TallyPorts;
  readonly #health = new HealthWindow();
  readonly #meters = new Map<string, Meter>();
  #flushedAt = 0;

  constructor(ports: TallyPorts) {
    this.#ports = ports;
  }

  /** Counts one answer, and hands on what has come together when it is time. */
  count(route: string, method: string, status: number, millis: number, call: Call): void {
    if (HEALTH_ROUTES.has(route)) return;
    const now = this.#ports.now();
    const meter = this.#meter(route, method, status);
    meter.count();
    meter.time(millis / 1000);
    this.#health.record(now, status >= 500, millis);
    if (now - this.#flushedAt >= METRICS_FLUSH_MILLIS) call.defer(this.flush());
  }

  /** Hands on what has come together. */
  flush(): Promise<void> {
    const { metrics, pulse, now, onError } = this.#ports;
    this.#flushedAt = now();
    return pulse.report(metrics.drain(), this.#health.drain()).catch(onError);
  }

  #meter(route: string, method: string, status: number): Meter {
    const known = method === 'GET' || method === 'POST' || method === 'HEAD' ? method : 'other';
    const key = `${route} ${known} ${status}`;
    let meter = this.#meters.get(key);
    if (meter === undefined) {
      const { metrics } = this.#ports;
      const labels = { route, method: known };
      meter = {
        count: metrics.counter('http_requests_total', { ...labels, code: String(status) }),
        time: metrics.histogram('http_request_duration_seconds', labels),
      };
      this.#meters.set(key, meter);
    }
    return meter;
  }
}

/** How often one route gave one status, and how fast. */
interface Meter {
  readonly count: () => void;
  readonly time: (seconds: number) => void;
}
