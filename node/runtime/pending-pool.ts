/**
 * The transactions that wait for a block: who pays most goes first, who spends the same coin comes
 * too late, and nobody waits in front of what he spends.
 *
 * A plain data structure: nothing here checks signatures or coins.
 */
import { assert } from 'fanal/primitives/assert.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { MempoolLimits } from './mempool-limits.ts';

/** A transaction that was checked and may wait. */
export interface Candidate {
  readonly txid: Bytes32;
  readonly bytes: Bytes;
  readonly feeUnits: bigint;
  /** The last height at which it may be included. */
  readonly expiry: bigint;
  /** Its own name and those of the coins it spends, of the addresses it spends from. */
  readonly name: string;
  readonly coins: readonly string[];
  readonly owners: readonly string[];
  /** Waiting transactions whose outputs it spends. */
  readonly parents: readonly string[];
  readonly source: string;
  /** Among the proposers of this transaction we are number `rank`, from 0. */
  readonly rank: number;
}

/** A transaction that waits. */
export interface Pending extends Candidate {
  readonly addedAt: number;
  /** Units for each byte: what decides who goes first. */
  readonly rate: number;
  readonly order: number;
  readonly children: Set<string>;
  readonly waitsFor: Set<string>;
  /** When it was last seen in the DAG; null while it is not. */
  proposedAt: number | null;
  retries: number;
}

export type AddRefusal =
  | 'transaction/conflict'
  | 'mempool/owner-limit'
  | 'mempool/source-limit'
  | 'mempool/chain-limit'
  | 'mempool/full';

export type AddResult =
  | { readonly kind: 'added'; readonly pending: Pending; readonly evicted: readonly Pending[] }
  | { readonly kind: 'refused'; readonly code: AddRefusal };

export class PendingPool {
  readonly #limits: MempoolLimits;
  /** In order of arrival. */
  readonly #byName = new Map<string, Pending>();
  /** Ascending by rate; of equals the later first, so that the earlier is proposed first. */
  readonly #byRate: Pending[] = [];
  readonly #spenders = new Map<string, string>();
  readonly #countByOwner = new Map<string, number>();
  readonly #countBySource = new Map<string, number>();
  #bytes = 0;
  #nextOrder = 0;

  constructor(limits: MempoolLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#byName.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(name: string): Pending | undefined {
    return this.#byName.get(name);
  }

  /** Who spends a coin. */
  spender(coin: string): Pending | undefined {
    const name = this.#spenders.get(coin);
    return name === undefined ? undefined : this.#byName.get(name);
  }

  /** How many more transactions a source may have here. */
  roomFor(source: string): number {
    return this.#limits.maxPerSource - (this.#countBySource.get(source) ?? 0);
  }

  /** Units a byte that a transaction must pay more than to get in; 0 while there is room. */
  get floorRate(): number {
    const isFull = this.#bytes * 20 > this.#limits.maxBytes * 19;
    const isCrowded = this.count * 20 > this.#limits.maxTransactions * 19;
    return isFull || isCrowded ? (this.#byRate[0]?.rate ?? 0) : 0;
  }

  add(candidate: Candidate, now: number): AddResult {
    assert(!this.#byName.has(candidate.name), 'a transaction waits once');
    const refuse = (code: AddRefusal): AddResult => ({ kind: 'refused', code });
    if (candidate.coins.some((coin) => this.#spenders.has(coin))) {
      return refuse('transaction/conflict');
    }
    const { maxPerOwner } = this.#limits;
    if (candidate.owners.some((owner) => (this.#countByOwner.get(owner) ?? 0) >= maxPerOwner)) {
      return refuse('mempool/owner-limit');
    }
    if (this.roomFor(candidate.source) <= 0) return refuse('mempool/source-limit');
    const ancestors = this.#ancestorsOf(candidate.parents);
    if (!this.#isShort(ancestors)) return refuse('mempool/chain-limit');
    const rate = Number(candidate.feeUnits) / candidate.bytes.length;
    const evicted = this.#makeRoom(candidate.bytes.length, rate, ancestors);
    if (evicted === null) return refuse('mempool/full');
    return { kind: 'added', pending: this.#insert(candidate, rate, now), evicted };
  }

  /** Takes out a transaction that is in a block: what waited for it waits for it no longer. */
  include(name: string): Pending | undefined {
    const pending = this.#byName.get(name);
    if (pending === undefined) return undefined;
    for (const child of pending.children) this.#byName.get(child)?.waitsFor.delete(name);
    this.#remove(pending);
    return pending;
  }

  /** Takes out a transaction and everything that waits for it. */
  drop(name: string): Pending[] {
    const pending = this.#byName.get(name);
    if (pending === undefined) return [];
    const dropped = [pending, ...this.#descendantsOf(pending)];
    for (const each of dropped) this.#remove(each);
    return dropped;
  }

  /** Those that have waited too long, or can no longer be in the block after `height`. */
  overdue(now: number, height: bigint): Pending[] {
    const overdue: Pending[] = [];
    for (const pending of this.#byName.values()) {
      const isOld = now - pending.addedAt > this.#limits.maxAgeMillis;
      if (isOld || pending.expiry <= height) overdue.push(pending);
    }
    return overdue;
  }

  /**
   * Picks what to propose: the best payers that are ours to propose by now, each after what it waits
   * for.
   */
  select(maxBytes: number, maxTransactions: number, now: number): Pending[] {
    const picked = new Set<Pending>();
    let bytes = 0;
    for (let i = this.#byRate.length - 1; i >= 0 && picked.size < maxTransactions; i--) {
      const best = this.#byRate[i] as Pending;
      if (picked.has(best) || !this.#isReady(best, now)) continue;
      const chain = this.#unproposedAncestors(best, picked, now);
      const size = chain.reduce((sum, each) => sum + each.bytes.length, best.bytes.length);
      if (bytes + size > maxBytes || picked.size + chain.length + 1 > maxTransactions) continue;
      for (const each of chain) picked.add(each);
      picked.add(best);
      bytes += size;
    }
    return [...picked];
  }

  #isReady(pending: Pending, now: number): boolean {
    if (now < pending.addedAt + pending.rank * this.#limits.rankMillis) return false;
    return !this.#isProposed(pending, now);
  }

  #isProposed({ proposedAt }: Pending, now: number): boolean {
    return proposedAt !== null && now - proposedAt < this.#limits.proposedMillis;
  }

  /** What must stand before a transaction and is in no vertex yet, first ancestors first. */
  #unproposedAncestors(pending: Pending, picked: ReadonlySet<Pending>, now: number): Pending[] {
    const found: Pending[] = [];
    const visit = (each: Pending) => {
      for (const name of each.waitsFor) {
        const parent = this.#byName.get(name);
        if (parent === undefined || picked.has(parent) || found.includes(parent)) continue;
        if (this.#isProposed(parent, now)) continue;
        visit(parent);
        found.push(parent);
      }
    };
    visit(pending);
    return found;
  }

  #ancestorsOf(parents: readonly string[]): Set<Pending> {
    const found = new Set<Pending>();
    const waiting = [...parents];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const pending = this.#byName.get(name);
      if (pending === undefined || found.has(pending)) continue;
      found.add(pending);
      waiting.push(...pending.waitsFor);
    }
    return found;
  }

  #descendantsOf(pending: Pending): Set<Pending> {
    const found = new Set<Pending>();
    const waiting = [...pending.children];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const child = this.#byName.get(name);
      if (child === undefined || found.has(child)) continue;
      found.add(child);
      waiting.push(...child.children);
    }
    return found;
  }

  /** Says whether one more after these ancestors keeps every chain within the limit. */
  #isShort(ancestors: ReadonlySet<Pending>): boolean {
    const { maxChain } = this.#limits;
    if (ancestors.size + 1 > maxChain) return false;
    for (const each of ancestors) {
      if (this.#descendantsOf(each).size + 2 > maxChain) return false;
    }
    return true;
  }

  /** Drops the worst payers until there is room; null when there is none for such a rate. */
  #makeRoom(size: number, rate: number, keep: ReadonlySet<Pending>): Pending[] | null {
    const { maxBytes, maxTransactions } = this.#limits;
    const chosen = new Set<Pending>();
    let bytes = this.#bytes + size;
    let at = 0;
    while (bytes > maxBytes || this.count - chosen.size + 1 > maxTransactions) {
      const worst = this.#byRate[at++];
      if (worst === undefined || worst.rate >= rate) return null;
      if (chosen.has(worst) || keep.has(worst)) continue;
      for (const each of [worst, ...this.#descendantsOf(worst)]) {
        if (chosen.has(each)) continue;
        chosen.add(each);
        bytes -= each.bytes.length;
      }
    }
    for (const each of chosen) this.#remove(each);
    return [...chosen];
  }

  #insert(candidate: Candidate, rate: number, now: number): Pending {
    const pending: Pending = {
      ...candidate,
      ...{ addedAt: now, rate, order: this.#nextOrder++ },
      children: new Set(),
      waitsFor: new Set(candidate.parents.filter((name) => this.#byName.has(name))),
      proposedAt: null,
      retries: 0,
    };
    const { name } = pending;
    for (const parent of pending.waitsFor) this.#byName.get(parent)?.children.add(name);
    for (const coin of pending.coins) this.#spenders.set(coin, name);
    for (const owner of pending.owners) bump(this.#countByOwner, owner, 1);
    bump(this.#countBySource, pending.source, 1);
    this.#byName.set(name, pending);
    this.#byRate.splice(this.#placeOf(pending), 0, pending);
    this.#bytes += pending.bytes.length;
    return pending;
  }

  #remove(pending: Pending): void {
    const { name } = pending;
    if (!this.#byName.delete(name)) return;
    for (const parent of pending.waitsFor) this.#byName.get(parent)?.children.delete(name);
    for (const coin of pending.coins) this.#spenders.delete(coin);
    for (const owner of pending.owners) bump(this.#countByOwner, owner, -1);
    bump(this.#countBySource, pending.source, -1);
    const place = this.#placeOf(pending);
    assert(this.#byRate[place] === pending, 'every waiting transaction has a place');
    this.#byRate.splice(place, 1);
    this.#bytes -= pending.bytes.length;
  }

  /** Where a transaction stands, or would stand, among the rates. */
  #placeOf({ rate, order }: Pending): number {
    let low = 0;
    let high = this.#byRate.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#byRate[middle] as Pending;
      if (other.rate < rate || (other.rate === rate && other.order > order)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
