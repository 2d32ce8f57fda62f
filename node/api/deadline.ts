/**
 * When a request's time is up: after its seconds, when the server closes, or when a client that
 * was made to wait has left. One controller and one timer a request; signals combined of several
 * would cost as much as most answers.
 */
import { Problem } from 'fanal/api/problem.ts';

export interface Deadline {
  readonly signal: AbortSignal;
  /** The request is over: nothing is held for it any more. */
  end(): void;
}

export class Deadlines {
  readonly #open = new Set<AbortController>();
  #closed = false;

  /** @param waiting a request whose client may leave while it waits */
  begin(millis: number, waiting: Request | null): Deadline {
    const controller = new AbortController();
    if (this.#closed) controller.abort(new Problem('syncing'));
    this.#open.add(controller);
    const timer = setTimeout(() => controller.abort(new Problem('syncing')), millis);
    const leave = () => controller.abort(new Problem('syncing'));
    waiting?.signal.addEventListener('abort', leave, { once: true });
    return {
      signal: controller.signal,
      end: () => {
        clearTimeout(timer);
        this.#open.delete(controller);
        waiting?.signal.removeEventListener('abort', leave);
      },
    };
  }

  /** Ends every request, and every later one at once. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#open) controller.abort(new Problem('syncing'));
  }
}
