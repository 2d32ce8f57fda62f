/**
 * How the node stands, for its API, its log and its operator.
 */
import type { NetworkPort, NetworkStatus, SyncStatus } from '../api/ports.ts';
import type { CoreStatus } from '../core/types.ts';
import type { Network } from '../network/network.ts';

/** Rounds within which an own vertex counts as of now. */
const NEAR_ROUNDS = 3;

export class NodeStatus implements NetworkPort {
  readonly #network: Network;
  readonly #consensus: () => CoreStatus | null;
  /** What this node signs as, while it does. */
  validator: string | null = null;
  sync: SyncStatus | null = null;
  /** What this validator signed last had to be asked of the others, and it has not signed since. */
  isAmnesiac = false;
  /** What keeps this node from being of use. */
  trouble: string | null = 'starting';

  constructor(network: Network, consensus: () => CoreStatus | null) {
    this.#network = network;
    this.#consensus = consensus;
  }

  status(): NetworkStatus {
    const peers = { inbound: 0, outbound: 0 };
    for (const { direction } of this.#network.peers()) peers[direction]++;
    const { validator, sync } = this;
    return { peers, validator, sync, trouble: this.trouble ?? this.#consensusTrouble() };
  }

  #consensusTrouble(): string | null {
    const status = this.#consensus();
    if (status === null) return null;
    // Before its first step the core does not know yet whether it may sign.
    if (status.phase === 'booting') return 'starting';
    if (this.isAmnesiac) {
      // It resumes above all that it may have signed; until then the others must do without it.
      if (status.phase === 'amnesia' || status.round + NEAR_ROUNDS < status.clockRound) {
        return 'asking the others what this validator signed last';
      }
      this.isAmnesiac = false;
    }
    if (status.phase === 'halted') return 'consensus has halted';
    return status.divergence;
  }
}
