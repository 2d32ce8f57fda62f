/**
 * Slim vertices on their way in, until all that they name is known (docs/consensus.md §3, rule V4).
 */
import { equalBytes } from 'fanal/primitives/bytes.ts';
import { type AuthorSet, countOf, forEachAuthor, removeAuthor } from './author-set.ts';
import { ANY_VERTEX } from './fetch-answer.ts';
import type { KnownSlots } from './known-slots.ts';
import {
  MAX_SLIM_PER_AUTHOR,
  MAX_SLOTS_ASKED_AT_ONCE,
  MAX_SLOTS_ASKED_PER_MEMBER,
  SLIM_KEEP_MILLIS,
  SLIM_WAIT_MILLIS,
} from './limits.ts';
import type { VertexRef } from './types.ts';

/** What waits for the vertices that it names by their authors. */
interface Waiting<T> {
  readonly slim: T;
  readonly since: number;
  /** Authors of whom nothing is known in the round before. */
  readonly missing: AuthorSet;
  missingCount: number;
  isAsked: boolean;
}

/** One whose full form is to be asked for, with the slots that it misses. */
export interface Due<T> {
  readonly slim: T;
  readonly missing: readonly Pick<VertexRef, 'round' | 'author'>[];
}

/** A slot that is overdue: of how many of those who name it the full form may be asked now. */
interface Asked {
  at: number;
  times: number;
  left: number;
}

export class SlimInbox<T extends { readonly ref: VertexRef; readonly named: AuthorSet }> {
  readonly #slots: KnownSlots;
  /** By the slot of the vertex. */
  readonly #waiting = new Map<number, Waiting<T>>();
  readonly #byAuthor: Int32Array;
  /** By the round that they wait for. */
  readonly #byRound = new Map<number, Set<Waiting<T>>>();
  /** By slot. */
  readonly #asked = new Map<number, Asked>();

  constructor(slots: KnownSlots) {
    this.#slots = slots;
    this.#byAuthor = new Int32Array(slots.committee.size);
  }

  get count(): number {
    return this.#waiting.size;
  }

  /**
   * Takes one in.
   *
   * @returns `known` when nothing is missing, `waits`, `due` when it waits and may be overdue at
   *   once, or `full` when too many of its author wait, or another one of its slot
   */
  offer(slim: T, now: number): 'known' | 'waits' | 'due' | 'full' {
    const { round, author, digest } = slim.ref;
    const key = slotKey(round, author);
    const same = this.#waiting.get(key);
    if (same !== undefined) return equalBytes(same.slim.ref.digest, digest) ? 'waits' : 'full';
    const missing = this.#slots.missing(round - 1, slim.named);
    const missingCount = countOf(missing);
    if (missingCount === 0) return 'known';
    if ((this.#byAuthor[author] as number) >= MAX_SLIM_PER_AUTHOR) return 'full';
    const waiting: Waiting<T> = { slim, since: now, missing, missingCount, isAsked: false };
    this.#waiting.set(key, waiting);
    this.#byAuthor[author] = (this.#byAuthor[author] as number) + 1;
    const others = this.#byRound.get(round - 1);
    if (others === undefined) this.#byRound.set(round - 1, new Set([waiting]));
    else others.add(waiting);
    return this.#missesSuspect(waiting) ? 'due' : 'waits';
  }

  /** A vertex with a good signature is here. Returns those that are complete with it. */
  shown(ref: VertexRef): readonly T[] {
    const wasTold = this.#slots.note(ref);
    // Somebody had it long before it came here, so others may lack it still.
    if (this.#asked.delete(slotKey(ref.round, ref.author)) && wasTold) this.#slots.suspect(ref);
    // It came in another way.
    const itself = this.#waiting.get(slotKey(ref.round, ref.author));
    if (itself !== undefined) this.#forget(itself);
    return this.#complete(ref);
  }

  /** Somebody names a vertex. Returns those that are complete if that is true. */
  told(ref: VertexRef): readonly T[] {
    return this.#slots.hear(ref) ? this.#complete(ref) : [];
  }

  #complete({ round, author }: VertexRef): readonly T[] {
    const complete: T[] = [];
    for (const one of this.#byRound.get(round) ?? []) {
      if (!removeAuthor(one.missing, author)) continue;
      one.missingCount--;
      if (one.missingCount > 0) continue;
      this.#forget(one);
      complete.push(one.slim);
    }
    return complete;
  }

  /**
   * Says whose full form is to be asked for: of those that wait for long, or for a suspect, for
   * something that is not itself waiting here; two for each such slot, then four more, then eight.
   * One full form tells of everything that it names, and what builds on it follows. After some time
   * one that waits is given up: whoever builds on it names it in full.
   */
  overdue(now: number): readonly Due<T>[] {
    for (const [slot, { at }] of this.#asked) {
      if (now - at >= SLIM_KEEP_MILLIS) this.#asked.delete(slot);
    }
    const due: Due<T>[] = [];
    for (const one of this.#waiting.values()) {
      if (now - one.since >= SLIM_KEEP_MILLIS) {
        this.#forget(one);
        continue;
      }
      const missing = one.isAsked ? [] : this.#toAsk(one, now);
      if (missing.length === 0) continue;
      one.isAsked = true;
      due.push({ slim: one.slim, missing });
    }
    return due;
  }

  /** The slots that it waits for which may be asked for now. */
  #toAsk({ slim, since, missing }: Waiting<T>, now: number): Due<T>['missing'] {
    const round = slim.ref.round - 1;
    const isLate = now - since >= SLIM_WAIT_MILLIS;
    const slots: Pick<VertexRef, 'round' | 'author'>[] = [];
    forEachAuthor(missing, (author) => {
      if (slots.length === MAX_SLOTS_ASKED_AT_ONCE) return;
      if (!isLate && !this.#slots.isSuspect({ round, author })) return;
      const slot = slotKey(round, author);
      if (!this.#waiting.has(slot) && this.#mayAsk(slot, now)) slots.push({ round, author });
    });
    return slots;
  }

  #missesSuspect({ slim, missing }: Waiting<T>): boolean {
    const round = slim.ref.round - 1;
    let isSo = false;
    forEachAuthor(missing, (author) => {
      if (this.#slots.isSuspect({ round, author })) isSo = true;
    });
    return isSo;
  }

  #mayAsk(slot: number, now: number): boolean {
    let asked = this.#asked.get(slot);
    if (asked === undefined) {
      const limit = MAX_SLOTS_ASKED_PER_MEMBER * this.#slots.committee.size;
      if (this.#asked.size >= limit) return true;
      asked = { at: now, times: 1, left: 2 };
      this.#asked.set(slot, asked);
    } else if (now - asked.at >= 2 * SLIM_WAIT_MILLIS) {
      asked.at = now;
      asked.times++;
      asked.left = 2 ** asked.times;
    }
    if (asked.left === 0) return false;
    asked.left--;
    return true;
  }

  #forget(one: Waiting<T>): void {
    const { round, author } = one.slim.ref;
    this.#waiting.delete(slotKey(round, author));
    this.#byAuthor[author] = (this.#byAuthor[author] as number) - 1;
    const others = this.#byRound.get(round - 1);
    others?.delete(one);
    if (others?.size === 0) this.#byRound.delete(round - 1);
  }
}

/** What is asked of the author of a slim vertex. */
export function withMissing(ref: VertexRef, missing: Due<unknown>['missing']): VertexRef[] {
  return [...missing.map((slot) => ({ ...slot, digest: ANY_VERTEX })), ref];
}

function slotKey(round: number, author: number): number {
  return round * 0x1_0000 + author;
}
