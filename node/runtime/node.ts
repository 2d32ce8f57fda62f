/**
 * A running node: its parts opened, its place on the network taken, its API served, its roles
 * played, until it is stopped or something breaks that it must stop for.
 */

import { fromHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { openMetrics } from '../api/metrics.ts';
import type { ApiPorts } from '../api/ports.ts';
import { type RunningApi, serveApi } from '../api/server.ts';
import { ConfigError, type LoadedConfig } from '../config.ts';
import { dialBack } from '../network/dial-back.ts';
import { NETWORK_LIMITS } from '../network/limits.ts';
import { Network } from '../network/network.ts';
import { serveAdmin } from './admin.ts';
import { ConsensusWatch } from './consensus-watch.ts';
import { Faucet } from './faucet.ts';
import { InstanceWatch } from './join.ts';
import { RUNTIME_LIMITS } from './limits.ts';
import { LoopMonitor } from './loop-lag.ts';
import type { NodeContext } from './node-context.ts';
import { NodeMempool } from './node-mempool.ts';
import { readMetrics, watchParts } from './node-metrics.ts';
import { NodeStatus } from './node-status.ts';
import { type NodeParts, openNode } from './open-node.ts';
import { ProposerOrder } from './proposers.ts';
import { findReach, type Reach } from './reach.ts';
import { runRoles } from './roles.ts';
import { Roster } from './roster.ts';
import { readSecret } from './secret-file.ts';
import { answerWith } from './serve.ts';
import { SnapshotFolder } from './snapshot-source.ts';
import { VerifiedPayloads } from './verified-payloads.ts';

export interface NodeVersion {
  readonly version: string;
  readonly commit: string;
  /** What the node calls itself to peers. */
  readonly software: string;
}

export interface RunningNode {
  readonly context: NodeContext;
  readonly url: string | null;
  /** Settles when the node has stopped: rejects with what it had to stop for. */
  readonly ended: Promise<void>;
  /** Stops within seconds. May be called more than once. */
  stop(): Promise<void>;
}

/** Starts a node on an initialised folder. */
export async function startNode(loaded: LoadedConfig, version: NodeVersion): Promise<RunningNode> {
  const abort = new AbortController();
  const fail = (error: Error) => abort.abort(error);
  const parts = await openNode(loaded, fail);
  const closers: (() => Promise<void> | void)[] = [() => parts.close()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) {
      await Promise.resolve(closer()).catch((error) => {
        parts.log.error({ err: error }, 'closing failed');
      });
    }
  };
  try {
    const context = await makeContext(parts, version, abort.signal, fail);
    closers.push(() => parts.book.save());
    closers.push(() => context.network.stop());
    closers.push(() => context.mempool.close());
    const lag = watchLoop(context);
    closers.push(() => lag.close());
    const api = await startApi(context, version);
    if (api !== null) closers.push(() => api.close());
    const admin = await serveAdmin(parts.home.root, {
      status: () => ({
        ...context.status.status(),
        ...context.heights,
        consensus: context.consensus?.status() ?? null,
        waiting: context.consensus?.waiting ?? null,
      }),
      peers: () => ({ peers: namedPeers(context) }),
      reach: async () => ({ addresses: await reachOf(context) }),
      stop: () => {
        abort.abort(STOPPED);
        return { stopping: true };
      },
    });
    if (admin !== null) closers.push(() => admin.close());
    const ended = runRoles(context)
      .catch((error: Error) => (abort.signal.aborted ? (abort.signal.reason as Error) : error))
      .then(async (reason) => {
        abort.abort(reason);
        context.status.trouble = 'stopping';
        // Said before anything is closed: on a broken disk that may not end well.
        if (reason !== STOPPED) parts.log.fatal({ err: reason }, 'this node has to stop');
        if (!(await settles(close(), RUNTIME_LIMITS.shutdownMillis))) {
          parts.log.fatal('did not stop in time');
          // The command has the time to say what happened and to choose its exit code.
          setTimeout(() => process.exit(), RUNTIME_LIMITS.lastWordsMillis);
          if (reason === STOPPED) throw new FanalError('runtime/stuck', 'did not stop in time');
        }
        if (reason !== STOPPED) throw reason;
      });
    // Whoever waits for the end hears of it; nobody else has to.
    ended.catch(() => {});
    return {
      context,
      url: api?.url ?? null,
      ended,
      stop: () => {
        abort.abort(STOPPED);
        return ended.catch(() => {});
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Why a node ends that was asked to. */
const STOPPED = new FanalError('runtime/stopped', 'the node was asked to stop');

/** Says whether something comes to its end within some time. */
async function settles(work: Promise<void>, millis: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), millis);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function makeContext(
  parts: NodeParts,
  version: NodeVersion,
  signal: AbortSignal,
  fail: (error: Error) => void,
): Promise<NodeContext> {
  const { chain, log, pool, ledger, book } = parts;
  const { config } = parts.loaded;
  const [tip, certified] = await Promise.all([ledger.tip(), ledger.certifiedTip()]);
  const roster = new Roster();
  const watch = new InstanceWatch();
  const snapshots = new SnapshotFolder(parts.home.snapshots);
  for (const address of config.network.peers) book.add(address);
  const network = await Network.start({
    identity: parts.identity,
    genesisId: chain.genesisId,
    instance: parts.instance,
    software: version.software,
    listen: config.network.listen,
    maxFollowers: config.network.max_followers,
    handlers: {
      onMessage: (peer, lane, body) => context.consensus?.onMessage(peer, lane, body),
      onState: (peer, up) => {
        log.debug({ peer: memberName(roster, peer) ?? peer, up }, 'link to a member');
        context.consensus?.onState(peer, up);
      },
      onOtherInstance: (witness, other) => {
        log.error({ witness, since: other.time.toString() }, 'another node runs with our keys');
        watch.otherSeen(witness, other);
      },
      onWelcome: (peer) => watch.welcomed(peer),
      answer: (peer) =>
        answerWith({
          ledger,
          submit: (transactions) => context.mempool.receive(peer, transactions),
          peers: () => book.share(RUNTIME_LIMITS.sharedPeers),
          dialBack: (address) => dialBack(address, seenAt(context, peer)),
          snapshots: snapshots.source,
        }),
    },
  }).catch((cause) => {
    throw cannotListen(cause, 'network.listen');
  });
  const order = new ProposerOrder();
  const status = new NodeStatus(network, () => context.consensus?.status() ?? null);
  const mempool = new NodeMempool({
    config: config.mempool,
    ...{ ledger, pool, roster, network },
    rules: parts.rules,
    proposers: (epoch, txid) => order.of(epoch, txid),
    isClosed: () => status.sync !== null,
    executedHeight: tip.height,
  });
  const context: NodeContext = {
    ...{ parts, network, mempool, status, roster, watch, signal, fail },
    metrics: openMetrics(chain.origin.split('/').at(-1) as string),
    payloads: new VerifiedPayloads(pool, mempool.pool),
    heights: { executed: tip.height, certified: certified.height },
    seen: new ConsensusWatch(),
    consensus: null,
  };
  const { metrics } = context;
  metrics.set('build_info', 1, {
    version: version.version,
    commit: version.commit,
    node: process.version,
  });
  watchParts(context);
  readMetrics(context);
  log.info({ peer: network.peer, listen: network.addresses }, 'on the network');
  return context;
}

async function startApi(context: NodeContext, version: NodeVersion): Promise<RunningApi | null> {
  const { parts, mempool, status, metrics } = context;
  const { api, ops } = parts.loaded.config;
  if (api.listen === '' && ops.listen === '') return null;
  const ports: ApiPorts = {
    ledger: parts.ledger,
    mempool,
    feed: parts.feed,
    network: status,
    now: () => BigInt(Date.now()),
    identity: {
      prefix: parts.chain.genesis.prefix,
      version: version.version,
      commit: version.commit,
    },
    faucet: openFaucet(context),
    snapshots: new SnapshotFolder(parts.home.snapshots).port,
  };
  const publicDoor = hostAndPort(api.listen);
  const operations = hostAndPort(ops.listen);
  try {
    const running = await serveApi(ports, {
      metrics,
      onError: (error) => parts.log.error({ err: error }, 'a request failed'),
      host: publicDoor.host,
      port: publicDoor.port,
      operationsHost: operations.host,
      operationsPort: operations.port,
      unlimited: api.unlimited,
      trustForwarded: api.trust_forwarded,
      peers: () => namedPeers(context),
    });
    parts.log.info({ api: running.url, operations: running.operationsUrl }, 'serving');
    return running;
  } catch (cause) {
    throw cannotListen(cause, 'api.listen and ops.listen');
  }
}

/** Says what to do when the system does not let this node listen; any other error as it is. */
function cannotListen(cause: unknown, settings: string): unknown {
  const reason = /listen (E\w+: .+)/.exec((cause as Error).message)?.[1];
  if (reason === undefined) return cause;
  return new ConfigError(reason, {
    hint: `If another program listens there, stop it; else set ${settings} to an address of this machine and a port that is free.`,
    cause,
  });
}

/** A faucet runs only where coins are worth nothing. */
function openFaucet({ parts, mempool }: NodeContext): Faucet | null {
  const { key_file } = parts.loaded.config.faucet;
  if (key_file === '') return null;
  if (parts.chain.genesis.prefix !== 'dfan') {
    throw new ConfigError('faucet.key_file is only for local networks', {
      hint: 'This network’s coins are worth something. Remove the setting.',
    });
  }
  return new Faucet({
    seed: fromHex(readSecret(key_file).trim(), 32),
    ledger: parts.ledger,
    mempool,
    genesisId: parts.chain.genesisId,
  });
}

/** Watches how long the main thread keeps others waiting, and says so when it is long. */
function watchLoop({ parts }: NodeContext): { close(): void } {
  const monitor = new LoopMonitor();
  const timer = setInterval(() => {
    const { p99Millis, maxMillis } = monitor.take();
    if (maxMillis > RUNTIME_LIMITS.lagWarnMillis) {
      parts.log.warn(
        { p99Millis: Math.round(p99Millis), maxMillis: Math.round(maxMillis) },
        'the main thread was busy',
      );
    }
  }, RUNTIME_LIMITS.lagMillis);
  timer.unref();
  return {
    close() {
      clearInterval(timer);
      monitor.close();
    },
  };
}

/** Where a peer's connection comes from. */
function seenAt({ network }: NodeContext, peer: string): string {
  return network.peers().find((one) => one.peer === peer)?.address ?? '';
}

function reachOf({ parts, network }: NodeContext): Promise<Reach[]> {
  const addresses = parts.signing?.registration.addresses ?? [];
  const options = { maxFrames: 1, timeoutMillis: 2 * NETWORK_LIMITS.dialMillis };
  return findReach(addresses, network.connected(), (peer, request) =>
    network.ask(peer, request, options),
  );
}

function namedPeers({ network, roster }: NodeContext) {
  return network.peers().map((peer) => ({ ...peer, name: memberName(roster, peer.peer) }));
}

function memberName(roster: Roster, peer: string): string | null {
  const author = roster.author(peer);
  return author === undefined ? null : (roster.current?.record.members[author]?.name ?? null);
}

function hostAndPort(listen: string): { host: string; port: number } {
  const at = listen.lastIndexOf(':');
  return { host: listen.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(listen.slice(at + 1)) };
}
