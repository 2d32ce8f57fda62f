/**
 * A validator's way into the running epoch: what it missed of earlier ones from the ledgers of its
 * peers, then the word of a quorum that no other instance of it is about.
 */
import { FanalError } from 'fanal/primitives/errors.ts';
import type { Hello } from '../network/hello.ts';
import type { PeerName } from '../network/identity.ts';
import type { Network } from '../network/network.ts';
import { type LedgerSyncOptions, syncLedger } from './ledger-sync.ts';
import { RUNTIME_LIMITS } from './limits.ts';
import type { EpochRoster } from './roster.ts';

/** Who has let this instance in, and whether another one was seen. */
export class InstanceWatch {
  readonly #welcomed = new Set<PeerName>();
  #other: { hello: Hello; witness: PeerName } | null = null;
  #confirmed = false;
  /** Whether the watch for a twin is over. */
  hasWatched = false;
  #wake: () => void = () => {};

  /** Whether a quorum has let this instance in since the process started. */
  get isConfirmed(): boolean {
    return this.#confirmed;
  }

  welcomed(peer: PeerName): void {
    this.#welcomed.add(peer);
    this.#wake();
  }

  /** A member proved that another instance lives. */
  otherSeen(witness: PeerName, hello: Hello): void {
    this.#other = { hello, witness };
    this.#wake();
  }

  /**
   * Waits until members with a quorum of stake, ourselves included, have let this instance in. Any
   * two quorums share an honest member, so two copies cannot both get that far.
   *
   * @throws {FanalError} `safety/other-instance`
   */
  async quorum(epoch: EpochRoster, author: number, signal: AbortSignal): Promise<void> {
    const stop = () => this.#wake();
    signal.addEventListener('abort', stop);
    try {
      while (!this.#confirmed) {
        signal.throwIfAborted();
        this.requireAlone();
        if (this.stake(epoch, author) >= epoch.committee.quorum) this.#confirmed = true;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Stake of the members that have let this instance in, and our own. */
  stake(epoch: EpochRoster, author: number): number {
    let sum = epoch.committee.stakes[author] ?? 0;
    for (const [peer, index] of epoch.authors) {
      if (index !== author && this.#welcomed.has(peer)) sum += epoch.committee.stakes[index] ?? 0;
    }
    return sum;
  }

  /** @throws {FanalError} `safety/other-instance` before this instance was confirmed */
  requireAlone(): void {
    if (this.#other === null || this.#confirmed) return;
    const { hello, witness } = this.#other;
    throw new FanalError(
      'safety/other-instance',
      `another node runs with this validator’s keys: it answered ${witness} at ${new Date(
        Number(hello.time),
      ).toISOString()}`,
      {
        hint: 'Two copies that sign destroy the validator’s stake. Find the other one, and stop one of them.',
      },
    );
  }
}

/**
 * Catches up with epochs that ended while this node was away. Comes back when no connected peer is
 * in a later epoch, or when nobody can be reached for a while: then the consensus itself waits.
 *
 * @param untilEpochStart false: with the running epoch, too, as far as it is certified
 */
export async function catchUp(
  network: Network,
  sync: LedgerSyncOptions,
  onError: (error: unknown) => void,
  untilEpochStart = true,
): Promise<void> {
  const { signal } = sync;
  const deadline = performance.now() + RUNTIME_LIMITS.peersMillis;
  while (network.connected().length === 0 && performance.now() < deadline) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (let attempt = 0; attempt < RUNTIME_LIMITS.catchUpAttempts; attempt++) {
    try {
      await syncLedger(sync, untilEpochStart);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FanalError && /^(store|safety|internal)\//.test(error.code)) throw error;
      onError(error);
      await new Promise((resolve) => setTimeout(resolve, RUNTIME_LIMITS.syncRetryMillis));
    }
  }
}
