/**
 * Who is who: the committees of recent epochs, and which peer stands for which author in each.
 */
import { type Committee, createCommittee } from '../core/committee.ts';
import { genesisVertices } from '../core/entry.ts';
import type { Author, EpochRecord } from '../core/types.ts';
import type { VerifyContext } from '../core/verify.ts';
import { type PeerName, peerOfKey } from '../network/identity.ts';
import { nativeTaggedHash, nativeTransactionId } from './native-crypto.ts';

/** One epoch's members, by author and by peer. */
export interface EpochRoster {
  readonly record: EpochRecord;
  readonly committee: Committee;
  readonly peers: readonly PeerName[];
  readonly authors: ReadonlyMap<PeerName, Author>;
  /** What vertices of the epoch are checked against. */
  readonly checks: VerifyContext;
}

/** Epochs whose members are still known: the running one, and those that peers may lag in. */
const KEPT_EPOCHS = 3;

export class Roster {
  readonly #transactionId: VerifyContext['transactionId'];
  readonly #epochs = new Map<number, EpochRoster>();
  #current: EpochRoster | null = null;

  constructor(transactionId: VerifyContext['transactionId'] = nativeTransactionId) {
    this.#transactionId = transactionId;
  }

  /** The running epoch's; null before the first. */
  get current(): EpochRoster | null {
    return this.#current;
  }

  /** Makes `record` the running epoch. */
  begin(record: EpochRecord): EpochRoster {
    const peers = record.members.map(({ networkKey }) => peerOfKey(networkKey));
    const committee = createCommittee(record.epoch, record.members);
    const roster: EpochRoster = {
      ...{ record, committee, peers },
      authors: new Map(peers.map((peer, author) => [peer, author])),
      checks: {
        ...{ record, committee },
        genesis: genesisVertices(nativeTaggedHash, record),
        hash: nativeTaggedHash,
        transactionId: this.#transactionId,
      },
    };
    this.#epochs.set(record.epoch, roster);
    for (const epoch of this.#epochs.keys()) {
      if (epoch <= record.epoch - KEPT_EPOCHS) this.#epochs.delete(epoch);
    }
    this.#current = roster;
    return roster;
  }

  epoch(epoch: number): EpochRoster | undefined {
    return this.#epochs.get(epoch);
  }

  /** The author that a peer is in the running epoch. */
  author(peer: PeerName): Author | undefined {
    return this.#current?.authors.get(peer);
  }

  /** The peer of an author in the running epoch. */
  peer(author: Author): PeerName | undefined {
    return this.#current?.peers[author];
  }
}
