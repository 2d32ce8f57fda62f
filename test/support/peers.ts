/**
 * Real network nodes on loopback, for tests.
 */
import { randomBytes } from 'node:crypto';
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import { type NetworkIdentity, networkIdentity } from 'fanal-node/network/identity.ts';
import { Network, type NetworkHandlers } from 'fanal-node/network/network.ts';
import { freePorts } from 'fanal-node/testnet/local.ts';

export const GENESIS_ID = new Uint8Array(32).fill(7) as Bytes32;

export interface TestPeer {
  readonly network: Network;
  readonly identity: NetworkIdentity;
  readonly port: number;
  readonly messages: { peer: string; lane: string; body: Uint8Array }[];
  readonly states: string[];
  /** Instances of our own key that others have shown us. */
  readonly twins: string[];
}

export interface TestPeerOptions {
  readonly identity?: NetworkIdentity;
  readonly port?: number;
  readonly genesisId?: Bytes32;
  readonly maxFollowers?: number;
  readonly answer?: NetworkHandlers['answer'];
}

const running = new Set<Network>();

/** Starts a node. `stopPeers` ends all of them. */
export async function startPeer(options: TestPeerOptions = {}): Promise<TestPeer> {
  const identity = options.identity ?? (await networkIdentity(new Uint8Array(randomBytes(32))));
  const port = options.port ?? ((await freePorts(1))[0] as number);
  const messages: TestPeer['messages'] = [];
  const states: string[] = [];
  const twins: string[] = [];
  const network = await Network.start({
    identity,
    genesisId: options.genesisId ?? GENESIS_ID,
    instance: new Uint8Array(randomBytes(16)),
    software: 'test/1',
    listen: [`127.0.0.1:${port}`],
    maxFollowers: options.maxFollowers ?? 8,
    handlers: {
      onMessage: (peer, lane, body) => messages.push({ peer, lane, body }),
      onState: (peer, up) => states.push(`${peer} ${up ? 'up' : 'down'}`),
      onOtherInstance: (witness) => twins.push(witness),
      onWelcome: () => {},
      answer:
        options.answer ??
        (() =>
          async function* () {
            yield Uint8Array.of(1);
          }),
    },
  });
  running.add(network);
  return { network, identity, port, messages, states, twins };
}

/** Tells every peer that all of them are members. */
export function makeMembers(peers: readonly TestPeer[]): void {
  const members = new Map(
    peers.map(({ identity, port }) => [identity.peer, [`127.0.0.1:${port}`]] as const),
  );
  for (const { network } of peers) network.setMembers(members);
}

export async function stopPeers(): Promise<void> {
  await Promise.all([...running].map((network) => network.stop()));
  running.clear();
}

/** Waits until `condition` holds, or says what did not happen. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMillis = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMillis;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMillis} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
