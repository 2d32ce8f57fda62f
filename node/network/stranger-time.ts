/**
 * The share of the main thread that strangers may use, all together.
 *
 * Whatever a stranger sends (handshakes, empty frames, pings, garbage) costs time to decrypt and
 * take apart before any protocol sees it. That time is measured where bytes enter; when the share
 * is used up, strangers' sockets are not read until there is some again. Members are not counted.
 */
import type { MultiaddrConnection } from '@libp2p/interface';
import { NETWORK_LIMITS } from './limits.ts';
import { Quota } from './quota.ts';

/** The method of a connection through which every byte from its socket comes. */
type Entrance = { onData(data: Uint8Array): void };

export class StrangerTime {
  readonly #quota: Quota;
  readonly #now: () => number;
  readonly #counted = new Map<MultiaddrConnection, () => void>();
  readonly #paused = new Set<MultiaddrConnection>();
  #timer: NodeJS.Timeout | undefined;
  /** Milliseconds used so far, for the metrics. */
  usedMillis = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#quota = new Quota(
      NETWORK_LIMITS.strangerMillisPerSecond,
      NETWORK_LIMITS.strangerMillisBurst,
      now(),
    );
  }

  /** Counts what the connection's bytes cost, until it closes or turns out to be a member's. */
  count(connection: MultiaddrConnection): void {
    if (this.#counted.has(connection)) return;
    const entrance = connection as unknown as Entrance;
    const onData = entrance.onData.bind(connection);
    entrance.onData = (data) => {
      const start = this.#now();
      onData(data);
      this.#charge(connection, this.#now() - start);
    };
    this.#counted.set(connection, () => {
      entrance.onData = onData;
    });
    connection.addEventListener('close', () => {
      this.#counted.delete(connection);
      this.#paused.delete(connection);
    });
  }

  /** The connection is a member's: it is not counted any more. */
  release(connection: MultiaddrConnection): void {
    this.#counted.get(connection)?.();
    this.#counted.delete(connection);
    if (this.#paused.delete(connection)) connection.resume();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #charge(connection: MultiaddrConnection, millis: number): void {
    this.usedMillis += millis;
    this.#quota.charge(millis, this.#now());
    if (this.#quota.waitMillis(1, this.#now()) === 0) return;
    if (connection.status !== 'open' || !this.#counted.has(connection)) return;
    this.#paused.add(connection);
    connection.pause();
    this.#timer ??= setTimeout(
      () => this.#resume(),
      Math.min(1_000, this.#quota.waitMillis(1, this.#now()) + 5),
    );
    this.#timer.unref();
  }

  #resume(): void {
    this.#timer = undefined;
    const paused = [...this.#paused];
    this.#paused.clear();
    for (const connection of paused) if (connection.status === 'open') connection.resume();
  }
}
