/**
 * Fetches missing ancestors (docs/consensus.md §8).
 *
 * Rule Y1: a missing ref is asked of those whose vertices wait for it, of its author, then of the others in
 * turn, two at a time. It is never given up; the pauses grow, to a bound.
 */
import type { Committee } from './committee.ts';
import type { Entry } from './entry.ts';
import {
  MAX_FETCH_VERTICES,
  MAX_FETCHES_PER_PEER,
  MAX_FETCHES_PER_REF,
  MAX_SLOW_FETCHES_PER_REF,
} from './limits.ts';
import type { StepOutput } from './output.ts';
import type { LocalParams } from './params.ts';
import type { Pending } from './vertex-manager.ts';

interface Request {
  readonly to: number;
  readonly entries: readonly Entry[];
}

interface RefState {
  inFlight: number;
  tries: number;
  /** How many authors waited for it at the last look. */
  wanted: number;
  askedAt: number;
  nextAt: number;
}

const NEVER = Number.NEGATIVE_INFINITY;

/**
 * Doublings of the pause between two tries, and of the time that one may take. Few: a vertex that
 * nobody had for long may be what everything waits for once an honest validator names it.
 */
const MAX_BACKOFF_DOUBLINGS = 3;
/** Tries after which they double: by then several that should have it were asked. */
const TRIES_PER_DOUBLING = 4;

export class Synchronizer {
  readonly #committee: Committee;
  readonly #self: number | null;
  readonly #local: LocalParams;
  readonly #output: StepOutput;
  readonly #nextId: () => number;
  readonly #waitersOf: (entry: Entry) => readonly number[];
  readonly #requests = new Map<number, Request>();
  readonly #refs = new Map<Entry, RefState>();
  readonly #inFlightByPeer: Int32Array;
  readonly #down: Uint8Array;

  constructor(
    committee: Committee,
    self: number | null,
    local: LocalParams,
    output: StepOutput,
    nextId: () => number,
    waitersOf: (entry: Entry) => readonly number[],
  ) {
    this.#committee = committee;
    this.#self = self;
    this.#local = local;
    this.#output = output;
    this.#nextId = nextId;
    this.#waitersOf = waitersOf;
    this.#inFlightByPeer = new Int32Array(committee.size);
    this.#down = new Uint8Array(committee.size);
  }

  get fetching(): number {
    return this.#requests.size;
  }

  /** A peer that comes may have what is missing: the pauses begin anew. */
  setUp(peer: number, up: boolean, now: number): void {
    this.#down[peer] = up ? 0 : 1;
    if (!up) return;
    for (const state of this.#refs.values()) {
      state.tries = 0;
      state.nextAt = Math.min(state.nextAt, now);
    }
  }

  /**
   * Asks for what is missing and due.
   *
   * @param missing lowest round first
   * @returns when to look again; null when nothing is missing
   */
  plan(missing: readonly Pending[], now: number): number | null {
    if (missing.length === 0) {
      this.#refs.clear();
      return null;
    }
    this.#forget(missing);
    const byPeer = new Map<number, Entry[]>();
    let left = this.#capacity();
    for (const pending of missing) {
      const due = pending.since + this.#local.fetchDelay;
      let state = this.#refs.get(pending.entry);
      if (state === undefined) {
        state = { inFlight: 0, tries: 0, wanted: 0, askedAt: NEVER, nextAt: due };
        this.#refs.set(pending.entry, state);
      }
      if (pending.wantedBy.size > state.wanted) {
        // Whoever came to wait for it has it, if honest: what was in vain before says nothing now.
        if (state.tries > 0) Object.assign(state, { tries: 0, askedAt: NEVER, nextAt: now });
        state.wanted = pending.wantedBy.size;
      }
      if (state.nextAt > now || state.inFlight >= this.#mostInFlight(state, now)) continue;
      if (left === 0) break;
      const peer = this.#choose(pending, state, byPeer);
      if (peer === null) continue;
      left--;
      state.inFlight += 1;
      state.tries += 1;
      state.askedAt = now;
      state.nextAt = now + this.#local.fetchInterval * 2 ** doublings(state.tries);
      const batch = byPeer.get(peer);
      if (batch === undefined) byPeer.set(peer, [pending.entry]);
      else batch.push(pending.entry);
    }
    for (const peer of [...byPeer.keys()].sort((a, b) => a - b)) {
      this.#ask(peer, byPeer.get(peer) as Entry[], now);
    }
    return now + this.#local.fetchInterval;
  }

  /** A fetch was answered, or failed. What it did not bring stays missing. */
  finished(requestId: number): void {
    const request = this.#requests.get(requestId);
    if (request === undefined) return;
    this.#requests.delete(requestId);
    this.#inFlightByPeer[request.to] = (this.#inFlightByPeer[request.to] as number) - 1;
    for (const entry of request.entries) {
      const state = this.#refs.get(entry);
      if (state !== undefined) state.inFlight -= 1;
    }
  }

  /** Who lets us wait for an answer does not keep us from asking others. */
  #mostInFlight({ askedAt }: RefState, now: number): number {
    const isSlow = now - askedAt >= this.#local.fetchTimeout / 2;
    return isSlow ? MAX_SLOW_FETCHES_PER_REF : MAX_FETCHES_PER_REF;
  }

  isWaitingFor(requestId: number): boolean {
    return this.#requests.has(requestId);
  }

  /** Refs that came meanwhile are no longer followed; their requests end by themselves. */
  #forget(missing: readonly Pending[]): void {
    if (this.#refs.size <= missing.length) return;
    const wanted = new Set(missing.map(({ entry }) => entry));
    for (const entry of this.#refs.keys()) if (!wanted.has(entry)) this.#refs.delete(entry);
  }

  /** How many more vertices all peers together may be asked for. */
  #capacity(): number {
    let requests = 0;
    for (let peer = 0; peer < this.#committee.size; peer++) {
      if (peer === this.#self || this.#down[peer] === 1) continue;
      requests += MAX_FETCHES_PER_PEER - (this.#inFlightByPeer[peer] as number);
    }
    return requests * MAX_FETCH_VERTICES;
  }

  /** The next in turn that can be asked: who waits for it, its author, then all the others. */
  #choose(
    { entry }: Pending,
    { tries }: RefState,
    byPeer: ReadonlyMap<number, Entry[]>,
  ): number | null {
    const { size } = this.#committee;
    const waiters = this.#waitersOf(entry);
    const turns = waiters.length + size;
    for (let step = 0; step < turns; step++) {
      const turn = (tries + step) % turns;
      const peer = waiters[turn] ?? (entry.author + turn - waiters.length) % size;
      if (peer === this.#self || this.#down[peer] === 1) continue;
      const planned = byPeer.get(peer)?.length ?? 0;
      const requests = Math.ceil((planned + 1) / MAX_FETCH_VERTICES);
      if ((this.#inFlightByPeer[peer] as number) + requests > MAX_FETCHES_PER_PEER) continue;
      return peer;
    }
    return null;
  }

  #ask(peer: number, entries: readonly Entry[], now: number): void {
    for (let first = 0; first < entries.length; first += MAX_FETCH_VERTICES) {
      const batch = entries.slice(first, first + MAX_FETCH_VERTICES);
      const requestId = this.#nextId();
      let tries = 0;
      for (const entry of batch) tries = Math.max(tries, this.#refs.get(entry)?.tries ?? 0);
      const timeout = Math.min(
        this.#local.maxFetchTimeout,
        this.#local.fetchTimeout * 2 ** doublings(tries),
      );
      this.#requests.set(requestId, { to: peer, entries: batch });
      this.#inFlightByPeer[peer] = (this.#inFlightByPeer[peer] as number) + 1;
      this.#output.mark(tries > 1 ? 'fetchRetry' : 'fetch');
      this.#output.run({
        kind: 'fetch',
        to: peer,
        requestId,
        request: {
          kind: 'vertices',
          epoch: this.#committee.epoch,
          refs: batch.map(({ ref }) => ref),
        },
        deadline: now + timeout,
      });
    }
  }
}

function doublings(tries: number): number {
  return Math.min(Math.floor(tries / TRIES_PER_DOUBLING), MAX_BACKOFF_DOUBLINGS);
}
