/**
 * How the node stands, for its API, its log and its operator.
 */
import type { NetworkPort, NetworkStatus, SyncStatus } from '../api/ports.ts';
import type { Network } from '../network/network.ts';

export class NodeStatus implements NetworkPort {
  readonly #network: () => Network | null;
  /** What this node signs as, while it does. */
  validator: string | null = null;
  sync: SyncStatus | null = null;
  /** What keeps this node from being of use. */
  trouble: string | null = 'starting';

  constructor(network: () => Network | null) {
    this.#network = network;
  }

  status(): NetworkStatus {
    const peers = { inbound: 0, outbound: 0 };
    for (const { direction } of this.#network()?.peers() ?? []) peers[direction]++;
    const { validator, sync, trouble } = this;
    return { peers, validator, sync, trouble };
  }
}
