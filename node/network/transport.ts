/**
 * The libp2p node underneath: tcp, noise, yamux and ping, and nothing else. No gossip, no DHT, no
 * relay and no identify: the set of peers that matter is known, and each extra protocol is a door.
 */
import type { ConnectionGater, Libp2p } from '@libp2p/interface';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { parseAddress } from './addresses.ts';
import { boundedYamux } from './bounded-muxer.ts';
import type { NetworkIdentity } from './identity.ts';
import { leanNoise } from './lean-noise.ts';
import { NETWORK_LIMITS } from './limits.ts';

export interface TransportOptions {
  readonly identity: NetworkIdentity;
  /** `host:port` or multiaddrs; none for a node that only dials out. */
  readonly listen: readonly string[];
  readonly gate: ConnectionGater;
  readonly maxConnections: number;
}

/** Starts listening. The node connects to nobody by itself. */
export async function startTransport(options: TransportOptions): Promise<Libp2p> {
  return createLibp2p({
    privateKey: options.identity.privateKey,
    addresses: { listen: options.listen.map((text) => parseAddress(text).toString()) },
    transports: [
      tcp({
        backlog: 64,
        // Sockets that stay mute: the keep-alive of the links is well inside of it.
        inboundSocketInactivityTimeout: 60_000,
        outboundSocketInactivityTimeout: 60_000,
      }),
    ],
    connectionEncrypters: [leanNoise()],
    streamMuxers: [
      boundedYamux(
        {
          enableKeepAlive: true,
          keepAliveInterval: 10_000,
          maxInboundStreams: 16,
          maxOutboundStreams: 64,
          maxEarlyStreams: 4,
          streamOptions: {
            maxStreamWindowSize: NETWORK_LIMITS.streamWindowBytes,
            // A paused stream may still receive one window.
            maxReadBufferLength:
              NETWORK_LIMITS.streamBufferBytes + NETWORK_LIMITS.streamWindowBytes,
            inactivityTimeout: 60_000,
          },
        },
        NETWORK_LIMITS.streamWindowBytes,
      ),
    ],
    connectionGater: options.gate,
    connectionManager: {
      // The gate counts strangers and members apart; these only back it up.
      maxConnections: options.maxConnections,
      maxIncomingPendingConnections: options.maxConnections,
      inboundConnectionThreshold: Number.POSITIVE_INFINITY,
      inboundUpgradeTimeout: NETWORK_LIMITS.handshakeMillis,
      outboundStreamProtocolNegotiationTimeout: NETWORK_LIMITS.negotiationMillis,
      inboundStreamProtocolNegotiationTimeout: NETWORK_LIMITS.negotiationMillis,
      dialTimeout: NETWORK_LIMITS.dialMillis,
      addressDialTimeout: NETWORK_LIMITS.dialMillis,
      maxParallelDials: 16,
      reconnectRetries: 0,
    },
    connectionMonitor: { enabled: true, pingInterval: 15_000, abortConnectionOnPingFailure: true },
    services: { ping: ping({ maxInboundStreams: 1, maxOutboundStreams: 1 }) },
  });
}
