/**
 * A node that follows: certified blocks from its peers, executed again here. A full node does only
 * this; a validator does it before it joins in, and while it is not in the set.
 */

import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import type { AsyncLedger } from '../ledger/ledger.ts';
import { addressOfPeer } from '../network/addresses.ts';
import type { AddressBook } from '../network/book.ts';
import { type PeerName, peerOfKey } from '../network/identity.ts';
import { NETWORK_LIMITS } from '../network/limits.ts';
import { Neighbours } from '../network/neighbours.ts';
import type { Network } from '../network/network.ts';
import { exchangeRequestCodec, peersAnswerCodec, tipNewsCodec } from './exchange.ts';
import { type LedgerSyncOptions, syncLedger } from './ledger-sync.ts';
import { RUNTIME_LIMITS } from './limits.ts';

export interface FollowerOptions extends Omit<LedgerSyncOptions, 'peers' | 'ask' | 'onFault'> {
  readonly network: Network;
  readonly book: AddressBook;
  /** Certified height that the peers speak of: how far there is to go. */
  onTarget(height: bigint): void;
  /** The ledger holds a newer certificate. */
  onCertified(): Promise<void>;
  /** Decides after each catch-up whether to go on following. */
  isDone(): Promise<boolean>;
  onError(error: unknown): void;
}

/** Follows until `isDone`, or until the signal aborts. */
export async function followLedger(options: FollowerOptions): Promise<void> {
  const { network, book, ledger, signal } = options;
  const news = new NewsBell();
  const claims = new Map<PeerName, bigint>();
  const neighbours = new Neighbours({
    network,
    book,
    onTip: (peer, bytes) => {
      try {
        const { size } = tipNewsCodec.decode(bytes);
        claims.set(peer, size);
        options.onTarget(size - 1n);
        news.ring();
      } catch {
        network.offend(peer, 'malformed');
      }
    },
    onConnected: (peer) => void askForPeers(network, book, peer),
  });
  const stop = () => news.ring();
  signal.addEventListener('abort', stop);
  const sync = syncOptions(options, () => neighbours.peers);
  try {
    for (;;) {
      signal.throwIfAborted();
      await bookValidators(ledger, book);
      const { size } = await ledger.certifiedTip();
      const isBehind = [...claims.values()].some((claimed) => claimed > size);
      if (isBehind) {
        try {
          await syncLedger(sync, false);
          await options.onCertified();
        } catch (error) {
          signal.throwIfAborted();
          options.onError(error);
          await news.wait(RUNTIME_LIMITS.syncRetryMillis);
        }
      }
      if (await options.isDone()) return;
      const after = await ledger.certifiedTip();
      if (![...claims.values()].some((claimed) => claimed > after.size)) {
        await news.wait(RUNTIME_LIMITS.followMillis);
      } else if (after.size === size) {
        // Someone claims more than anyone can prove: do not spin on it.
        await news.wait(RUNTIME_LIMITS.syncRetryMillis);
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    neighbours.close();
  }
}

/** What catching up needs, over the network's requests. */
export function syncOptions(
  options: Omit<LedgerSyncOptions, 'peers' | 'ask' | 'onFault'> & { readonly network: Network },
  peers: () => readonly PeerName[],
): LedgerSyncOptions {
  const { network } = options;
  return {
    ...options,
    peers,
    ask: (peer, request, ask) => network.ask(peer, request, ask),
    onFault: (peer, fault) => network.offend(peer, fault),
  };
}

/** Notes where the validators of the set in force can be reached. */
export async function bookValidators(ledger: AsyncLedger, book: AddressBook): Promise<void> {
  for (const { record, active } of await ledger.validators()) {
    if (!active) continue;
    const { networkKey, addresses } = validatorRecordCodec.decode(record);
    const peer = peerOfKey(networkKey);
    for (const address of addresses) {
      try {
        book.add(addressOfPeer(address, peer).toString());
      } catch {
        // A validator may have registered an address that nobody can dial.
      }
    }
  }
}

async function askForPeers(network: Network, book: AddressBook, peer: PeerName): Promise<void> {
  try {
    const request = exchangeRequestCodec.encode({ kind: 'peers' });
    const options = { maxFrames: 1, maxBytes: NETWORK_LIMITS.requestBytes };
    for await (const bytes of network.ask(peer, request, options)) {
      for (const address of peersAnswerCodec.decode(bytes)) book.add(address);
    }
  } catch {
    // It may be one that tells nothing.
  }
}

/** Wakes the one who waits, or the next one who will. */
class NewsBell {
  #rung = false;
  #wake: (() => void) | null = null;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Waits for news, at most so long. */
  async wait(millis: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, millis);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#rung = false;
    this.#wake = null;
  }
}
