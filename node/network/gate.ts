/**
 * Who may connect. Before the handshake only the address is known: banned ones are turned away,
 * and no stranger's address may hold more than its share of handshakes. After it the peer id is
 * known: members of the consensus always have room, everyone else shares the rest.
 */
import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface';
import { addressGroup, hostOf } from './addresses.ts';
import type { PeerName } from './identity.ts';
import { NETWORK_LIMITS } from './limits.ts';
import type { PeerScores } from './score.ts';
import { StrangerTime } from './stranger-time.ts';

/** What the gate asks about the world. */
export interface GateView {
  isMember(peer: PeerName): boolean;
  isMemberHost(host: string): boolean;
  connectionsOf(peer: PeerName): number;
  followerConnections(): number;
  now(): number;
  onRefused(reason: RefusalReason): void;
}

export type RefusalReason =
  | 'banned'
  | 'address-rate'
  | 'handshakes-full'
  | 'followers-full'
  | 'peer-full';

interface AddressUse {
  pending: number;
  /** Starts in the current second. */
  second: number;
  count: number;
}

const PENDING_PER_ADDRESS = 2;
/** A member that lost power may leave two dead connections behind and needs room for new ones. */
const CONNECTIONS_PER_MEMBER = 4;

export class Gate implements ConnectionGater {
  readonly #view: GateView;
  readonly #scores: PeerScores;
  readonly #maxFollowers: number;
  readonly strangerTime = new StrangerTime();
  readonly #uses = new Map<string, AddressUse>();
  readonly #pending = new Set<MultiaddrConnection>();

  constructor(view: GateView, scores: PeerScores, maxFollowers: number) {
    this.#view = view;
    this.#scores = scores;
    this.#maxFollowers = maxFollowers;
  }

  denyDialPeer = (peerId: PeerId): boolean => this.#scores.isBanned(peerId.toString());

  denyInboundConnection = (connection: MultiaddrConnection): boolean => {
    const host = hostOf(connection.remoteAddr);
    if (host === null || this.#view.isMemberHost(host)) return false;
    const group = addressGroup(host);
    if (this.#scores.isBanned(group)) return this.#refuse('banned');
    const use = this.#use(group);
    const second = Math.floor(this.#view.now() / 1_000);
    if (use.second !== second) {
      use.second = second;
      use.count = 0;
    }
    if (use.count >= NETWORK_LIMITS.newConnectionsPerSecond) return this.#refuse('address-rate');
    if (
      use.pending >= PENDING_PER_ADDRESS ||
      this.#pending.size >= NETWORK_LIMITS.pendingConnections
    ) {
      return this.#refuse('handshakes-full');
    }
    use.count++;
    use.pending++;
    this.#pending.add(connection);
    this.strangerTime.count(connection);
    connection.addEventListener('close', () => this.#settled(connection));
    return false;
  };

  denyInboundEncryptedConnection = (peerId: PeerId, connection: MultiaddrConnection): boolean => {
    this.#settled(connection);
    const peer = peerId.toString();
    if (this.#scores.isBanned(peer)) return this.#refuse('banned');
    const isMember = this.#view.isMember(peer);
    const most = isMember ? CONNECTIONS_PER_MEMBER : NETWORK_LIMITS.connectionsPerPeer;
    if (this.#view.connectionsOf(peer) >= most) return this.#refuse('peer-full');
    if (isMember) {
      this.strangerTime.release(connection);
      return false;
    }
    this.strangerTime.count(connection);
    if (this.#view.followerConnections() >= this.#maxFollowers)
      return this.#refuse('followers-full');
    return false;
  };

  /** The handshake is over, one way or the other: give the address its share back, once. */
  #settled(connection: MultiaddrConnection): void {
    if (!this.#pending.delete(connection)) return;
    const host = hostOf(connection.remoteAddr);
    if (host === null) return;
    const use = this.#uses.get(addressGroup(host));
    if (use !== undefined && use.pending > 0) use.pending--;
  }

  #use(group: string): AddressUse {
    let use = this.#uses.get(group);
    if (use === undefined) {
      if (this.#uses.size >= NETWORK_LIMITS.bannedAddresses) {
        for (const [key, { pending }] of this.#uses) {
          if (pending === 0) {
            this.#uses.delete(key);
            break;
          }
        }
      }
      use = { pending: 0, second: 0, count: 0 };
      this.#uses.set(group, use);
    }
    return use;
  }

  #refuse(reason: RefusalReason): true {
    this.#view.onRefused(reason);
    return true;
  }
}
