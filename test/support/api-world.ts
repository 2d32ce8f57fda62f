/**
 * The node's API over a real ledger, listening on real ports. Blocks are cut when a test says so.
 */
import { checkShape } from 'fanal/chain/transaction-check.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { openMetrics } from '../../node/api/metrics.ts';
import type { ApiPorts, MempoolPort, NetworkStatus } from '../../node/api/ports.ts';
import { type RunningApi, serveApi } from '../../node/api/server.ts';
import type { AsyncLedger } from '../../node/ledger/ledger.ts';
import { CertifiedEvents } from '../../node/runtime/certified-feed.ts';
import { Mempool } from '../../node/runtime/mempool.ts';
import { verifyNatively } from '../../node/runtime/native-verify.ts';
import { LedgerChain, type LedgerChainOptions } from './ledger-chain.ts';

export interface ApiWorld extends RunningApi {
  readonly chain: LedgerChain;
  readonly ports: ApiPorts;
  /**
   * Cuts a block, so long after the last one, certifies it and says so.
   *
   * @param transactions what is in it; all that waits by default
   */
  block(millis?: bigint, transactions?: readonly Bytes[]): void;
  /** What the network port will say from now on. */
  setNetwork(status: Partial<NetworkStatus>): void;
  /** Moves the clock that the API sees. */
  pass(millis: bigint): void;
  readonly errors: readonly unknown[];
}

export interface ApiWorldOptions extends LedgerChainOptions {
  readonly faucet?: boolean;
  /** Milliseconds of wall clock after the newest header. */
  readonly age?: bigint;
}

const HEALTHY: NetworkStatus = {
  peers: { inbound: 2, outbound: 1 },
  validator: 'val-0',
  sync: null,
  trouble: null,
};

export async function apiWorld(options: ApiWorldOptions = {}): Promise<ApiWorld> {
  const chain = new LedgerChain({ durable: false, ...options });
  const feed = new CertifiedEvents(0n);
  const errors: unknown[] = [];
  let network = HEALTHY;
  let skew = options.age ?? 0n;

  const ledger = asyncLedger(chain);
  const rules = { genesisId: chain.start.genesisId, params: chain.genesis.params };
  const isSigned = (bytes: Bytes) => {
    const verdict = checkShape(bytes, rules);
    return verdict.kind === 'shaped' && verifyNatively(verdict.shaped.items).every((good) => good);
  };
  const pool = new Mempool({
    ...{ rules, ledger },
    verify: async (transactions) => transactions.map(isSigned),
    now: () => performance.now(),
    rankOf: () => 0,
    height: () => chain.height,
  });
  const mempool: MempoolPort = {
    submit: (bytes, client) => pool.submit(bytes, { kind: 'api', id: client }),
    status: (txid) => pool.status(txid),
    stats: () => pool.stats(),
  };
  const ports: ApiPorts = {
    ledger,
    mempool,
    feed,
    network: { status: () => network },
    now: () => chain.ledger.tip().header.time + skew,
    identity: { prefix: 'dfan', version: '1.2.3', commit: 'abc' },
    faucet:
      options.faucet === true
        ? { send: async () => ({ txid: chain.start.genesisId, amount: 100n }) }
        : null,
    snapshots: null,
  };
  const api = await serveApi(ports, {
    metrics: openMetrics(chain.start.origin.slice(-16)),
    onError: (error) => errors.push(error),
    host: '127.0.0.1',
    port: 0,
    operationsHost: '127.0.0.1',
    operationsPort: 0,
  });
  return {
    ...api,
    chain,
    ports,
    errors,
    block(millis = 500n, transactions = pool.pull(1_000_000, 1_000).map(({ bytes }) => bytes)) {
      const executed = chain.block(transactions, { millis });
      pool.executed(executed);
      chain.certify();
      feed.publish({
        tip: chain.ledger.certifiedTip(),
        addresses: executed.addresses,
        transactions: transactions.length,
      });
    },
    setNetwork: (status) => {
      network = { ...HEALTHY, ...status };
    },
    pass: (millis) => {
      skew += millis;
    },
    async close() {
      await api.close();
      chain.close();
    },
  };
}

/** The ledger as it looks from another thread. */
function asyncLedger(chain: LedgerChain): AsyncLedger {
  return new Proxy({} as AsyncLedger, {
    get:
      (_, method: keyof AsyncLedger) =>
      async (...args: unknown[]) =>
        (chain.ledger[method] as (...args: unknown[]) => unknown)(...args),
  });
}
