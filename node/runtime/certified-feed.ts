/**
 * News of certified blocks, for the API's streams and everyone else on this node.
 */
import type { CertifiedEvent, CertifiedFeed } from '../api/ports.ts';
import { RUNTIME_LIMITS } from './limits.ts';

export class CertifiedEvents implements CertifiedFeed {
  readonly #listeners = new Set<(event: CertifiedEvent) => void>();
  /** The most recent events, oldest first. */
  readonly #recent: CertifiedEvent[] = [];
  /** Height of the newest event that is not remembered. */
  #forgotten: bigint;

  /** @param height what was certified when this node started */
  constructor(height: bigint) {
    this.#forgotten = height;
  }

  subscribe(listener: (event: CertifiedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  since(height: bigint): readonly CertifiedEvent[] | null {
    if (height < this.#forgotten) return null;
    return this.#recent.filter(({ tip }) => tip.height > height);
  }

  publish(event: CertifiedEvent): void {
    this.#recent.push(event);
    if (this.#recent.length > RUNTIME_LIMITS.certifiedEvents) {
      this.#forgotten = (this.#recent.shift() as CertifiedEvent).tip.height;
    }
    for (const listener of this.#listeners) listener(event);
  }
}
