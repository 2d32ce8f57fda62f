/**
 * Addresses of nodes that may be worth dialling: from the settings, from other nodes, and from
 * what worked before. Kept in a file, so that a restart does not depend on one bootstrap node.
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { parseAddress } from './addresses.ts';
import type { PeerName } from './identity.ts';
import { NETWORK_LIMITS } from './limits.ts';

interface Entry {
  readonly peer: PeerName;
  readonly address: string;
  /** Milliseconds since 1970 of the last connection that worked; 0 for never. */
  lastGood: number;
  /** Failures since then. */
  failures: number;
  /** Not dialled before this time. */
  notBefore: number;
}

const SCHEMA = 'fanal.peers/1';
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_FAILURES = 10;
const FIRST_DELAY_MILLIS = 2_000;
const MAX_DELAY_MILLIS = 600_000;

export class AddressBook {
  readonly #path: string | null;
  readonly #now: () => number;
  readonly #entries = new Map<PeerName, Entry>();
  #changed = false;

  /** @param path where the book is kept; null for memory alone */
  constructor(path: string | null, now: () => number = Date.now) {
    this.#path = path;
    this.#now = now;
    if (path !== null) this.#read(path);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Notes an address that names its peer. Others' news never replaces what has worked. */
  add(address: string): void {
    let peer: string | undefined;
    try {
      peer = parseAddress(address)
        .getComponents()
        .find(({ name }) => name === 'p2p')?.value;
    } catch {
      return;
    }
    if (peer === undefined || address.length > 256) return;
    const known = this.#entries.get(peer);
    if (known !== undefined && (known.lastGood > 0 || known.address === address)) return;
    if (known === undefined && this.#entries.size >= NETWORK_LIMITS.bookEntries) this.#dropWorst();
    this.#entries.set(peer, { peer, address, lastGood: 0, failures: 0, notBefore: 0 });
    this.#changed = true;
  }

  /** The peer was reached at this address. */
  succeeded(peer: PeerName, address: string): void {
    this.#entries.set(peer, {
      peer,
      address,
      lastGood: this.#now(),
      failures: 0,
      notBefore: 0,
    });
    if (this.#entries.size > NETWORK_LIMITS.bookEntries) this.#dropWorst();
    this.#changed = true;
  }

  failed(peer: PeerName): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined) return;
    entry.failures++;
    entry.notBefore =
      this.#now() + Math.min(MAX_DELAY_MILLIS, FIRST_DELAY_MILLIS * 2 ** entry.failures);
    if (entry.failures >= MAX_FAILURES && entry.lastGood === 0) this.#entries.delete(peer);
    this.#changed = true;
  }

  /** Addresses to dial now: those that worked most recently first, then untried ones. */
  candidates(except: (peer: PeerName) => boolean): { peer: PeerName; address: string }[] {
    const now = this.#now();
    return [...this.#entries.values()]
      .filter((entry) => entry.notBefore <= now && !except(entry.peer))
      .sort((a, b) => b.lastGood - a.lastGood || a.failures - b.failures)
      .map(({ peer, address }) => ({ peer, address }));
  }

  /** Addresses to tell others: only those that worked here. */
  share(count: number): string[] {
    return [...this.#entries.values()]
      .filter(({ lastGood, failures }) => lastGood > 0 && failures === 0)
      .sort((a, b) => b.lastGood - a.lastGood)
      .slice(0, count)
      .map(({ address }) => address);
  }

  /** Writes the book if it changed. A book that cannot be written costs nothing but a restart. */
  save(): void {
    if (this.#path === null || !this.#changed) return;
    const entries = [...this.#entries.values()].map(({ peer, address, lastGood }) => ({
      peer,
      address,
      lastGood,
    }));
    try {
      writeFileSync(`${this.#path}.new`, `${JSON.stringify({ schema: SCHEMA, entries })}\n`);
      renameSync(`${this.#path}.new`, this.#path);
      this.#changed = false;
    } catch {
      // Kept in memory; the next save tries again.
    }
  }

  #read(path: string): void {
    try {
      if (statSync(path).size > MAX_FILE_BYTES) return;
      const json = JSON.parse(readFileSync(path, 'utf8'));
      if (json.schema !== SCHEMA) return;
      for (const { peer, address, lastGood } of json.entries) {
        if (typeof peer !== 'string' || typeof address !== 'string') continue;
        parseAddress(address);
        const at = Number.isFinite(lastGood) ? Number(lastGood) : 0;
        this.#entries.set(peer, { peer, address, lastGood: at, failures: 0, notBefore: 0 });
      }
    } catch {
      // No book, or not one of ours: it fills again.
    }
  }

  #dropWorst(): void {
    let worst: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (
        worst === undefined ||
        entry.lastGood < worst.lastGood ||
        (entry.lastGood === worst.lastGood && entry.failures > worst.failures)
      ) {
        worst = entry;
      }
    }
    if (worst !== undefined) this.#entries.delete(worst.peer);
  }
}
