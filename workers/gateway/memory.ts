/**
 * Answers in this isolate's memory, by canonical target: bounded in bytes, gone with the isolate.
 */
import { cacheControl } from 'fanal/api/cache.ts';
import { LRUCache } from 'lru-cache';
import type { Answer } from './answer.ts';
import {
  MEMORY_CACHE_BYTES,
  MEMORY_CACHE_ENTRIES,
  MEMORY_CACHE_ENTRY_BYTES,
  NEGATIVE_MILLIS,
  REPORTED_MILLIS,
} from './limits.ts';

export class AnswerMemory {
  readonly #answers: LRUCache<string, Answer>;

  constructor(now: () => number) {
    this.#answers = new LRUCache<string, Answer>({
      max: MEMORY_CACHE_ENTRIES,
      maxSize: MEMORY_CACHE_BYTES,
      maxEntrySize: MEMORY_CACHE_ENTRY_BYTES,
      sizeCalculation: sizeOf,
      // No timer in the background: an isolate at rest must stay at rest.
      ttlResolution: 0,
      perf: { now },
    });
  }

  get(key: string): Answer | undefined {
    return this.#answers.get(key);
  }

  /** Keeps an answer for as long as its class says, and not at all where the class says so. */
  set(key: string, answer: Answer): void {
    if (!(answer.body instanceof Uint8Array) || cacheControl(answer.cache) === 'no-store') return;
    const ttl = TTL_MILLIS[answer.cache];
    this.#answers.set(key, answer, ttl === undefined ? {} : { ttl });
  }
}

/** Classes whose keys do not name a tip. The others last until memory is needed. */
const TTL_MILLIS: Partial<Record<Answer['cache'], number>> = {
  reported: REPORTED_MILLIS,
  absent: NEGATIVE_MILLIS,
};

function sizeOf(answer: Answer, key: string): number {
  const body = answer.body instanceof Uint8Array ? answer.body.length : 0;
  return body + 2 * key.length + 512;
}
