/**
 * One load for all who ask for the same thing at the same time.
 *
 * On Workers the first caller's work dies with its request: `defer` keeps it alive, and a follower
 * that has waited long enough loads for itself. Only plain data may be the result, because an
 * isolate's requests may not share streams.
 */
import { Problem } from 'fanal/api/problem.ts';
import { FOLLOWER_PATIENCE_MILLIS, MAX_LOADS } from './limits.ts';

/** Keeps a promise running after its request has been answered (`ctx.waitUntil`). */
export type Defer = (work: Promise<unknown>) => void;

export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();
  readonly #patienceMillis: number;

  /** @param patienceMillis after which a follower loads for itself */
  constructor(patienceMillis = FOLLOWER_PATIENCE_MILLIS) {
    this.#patienceMillis = patienceMillis;
  }

  /**
   * Runs `load`, or waits for the one of the same key that is under way.
   *
   * @throws {Problem} `syncing` when too many different loads are under way
   */
  async run(key: string, load: () => Promise<T>, defer?: Defer): Promise<T> {
    const flight = this.#flights.get(key);
    if (flight === undefined) return this.#lead(key, load, defer);
    const outcome = await within(flight, this.#patienceMillis);
    if (outcome !== LATE) return outcome as T;
    // The leader is gone or stuck. Whoever notices first takes its place.
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    return this.run(key, load, defer);
  }

  #lead(key: string, load: () => Promise<T>, defer?: Defer): Promise<T> {
    if (this.#flights.size >= MAX_LOADS) throw new Problem('syncing', { reason: 'gateway/busy' });
    const flight = load().finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    defer?.(flight.catch(() => undefined));
    return flight;
  }
}

const LATE = Symbol('late');

async function within<T>(work: Promise<T>, millis: number): Promise<T | typeof LATE> {
  let timer!: ReturnType<typeof setTimeout>;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), millis);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
