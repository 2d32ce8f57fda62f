/**
 * The mempool in its place: transactions come from wallets, followers and members, and go on to
 * those who will propose them.
 */
import type { TransactionRules } from 'fanal/chain/transaction-check.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import type { MempoolPort, MempoolStats, MempoolStatus, SubmitOutcome } from '../api/ports.ts';
import type { Config } from '../config.ts';
import type { Author, PendingTransaction } from '../core/types.ts';
import type { AsyncLedger, ExecutedBlock } from '../ledger/ledger.ts';
import { nativeTaggedHash } from '../ledger/native-hash.ts';
import type { PeerName } from '../network/identity.ts';
import type { Network } from '../network/network.ts';
import { Batcher } from './batcher.ts';
import { transactionsEnvelope } from './envelope.ts';
import { exchangeRequestCodec } from './exchange.ts';
import { RUNTIME_LIMITS } from './limits.ts';
import { Mempool, type MempoolSource } from './mempool.ts';
import { Relay } from './relay.ts';
import type { EpochRoster, Roster } from './roster.ts';
import type { VerifyPool } from './verify-pool.ts';

export interface NodeMempoolOptions {
  readonly config: Config['mempool'];
  readonly rules: TransactionRules;
  readonly ledger: AsyncLedger;
  readonly pool: VerifyPool;
  readonly roster: Roster;
  readonly network: Network;
  /** The authors of an epoch in the order in which they propose a transaction. */
  readonly proposers: (epoch: EpochRoster, txid: Bytes32) => readonly Author[];
  /** Says whether transactions must stay out for now. */
  readonly isClosed: () => boolean;
  readonly executedHeight: bigint;
}

/** Proposers that a transaction is sent to. */
const PROPOSERS = 2;
/** Neighbours that a follower hands a transaction to. */
const HELPERS = 2;

/** A transaction on its way in. */
interface Submission {
  readonly transaction: Bytes;
  readonly source: MempoolSource;
}

export class NodeMempool implements MempoolPort {
  readonly pool: Mempool;
  readonly #options: NodeMempoolOptions;
  readonly #relay: Relay;
  readonly #submissions: Batcher<Submission, SubmitOutcome>;
  #height: bigint;
  /** The author that this node is; null while it does not take part. */
  author: Author | null = null;

  constructor(options: NodeMempoolOptions) {
    this.#options = options;
    this.#height = options.executedHeight;
    const { config, rules, ledger, pool } = options;
    this.#relay = new Relay({
      targets: (transaction) => this.#targets(transaction),
      send: (peer, transactions) => this.#send(peer, transactions),
    });
    this.#submissions = new Batcher((batch) => this.#submitAll(batch), {
      maxItems: RUNTIME_LIMITS.admitBatch,
      maxInFlight: RUNTIME_LIMITS.admitInFlight,
      delayMillis: RUNTIME_LIMITS.admitMillis,
      maxWaiting: RUNTIME_LIMITS.admitWaiting,
    });
    this.pool = new Mempool({
      ledger,
      rules: { ...rules, taggedHash: nativeTaggedHash },
      verify: (transactions) => pool.verifyTransactions(transactions),
      now: () => performance.now(),
      rankOf: (txid) => this.#rank(txid),
      height: () => this.#height,
      onAdmitted: (transactions, source) => {
        // What a member sent has reached its proposers already.
        if (!this.#isMember(source.id)) this.#relay.add(transactions);
      },
      limits: { maxBytes: config.max_bytes, maxTransactions: config.max_transactions },
    });
  }

  /** From a wallet behind the API. */
  submit(transaction: Bytes, client: string): Promise<SubmitOutcome> {
    const refusal = this.#refusal();
    if (refusal !== null) return Promise.resolve(refusal);
    return this.#submissions.add({ transaction, source: { kind: 'api', id: client } });
  }

  status(txid: Bytes32): MempoolStatus | null {
    return this.pool.status(txid);
  }

  stats(): MempoolStats {
    return this.pool.stats();
  }

  /** From a member or a follower; for each an empty text, or the code of why not. */
  async receive(peer: PeerName, transactions: readonly Bytes[]): Promise<string[]> {
    const refusal = this.#refusal();
    if (refusal !== null) return transactions.map(() => refusal.reason);
    const source = { kind: 'gossip', id: peer } as const;
    const outcomes = await Promise.all(
      transactions.map((transaction) => this.#submissions.add({ transaction, source })),
    );
    return outcomes.map((outcome) => (outcome.kind === 'rejected' ? outcome.reason : ''));
  }

  /** A block was executed. */
  executed(block: ExecutedBlock): void {
    this.#height = block.height;
    this.pool.executed(block);
  }

  /** A new epoch has other proposers: whatever waits is sent to them. */
  epochStarted(): void {
    this.#relay.add(this.pool.pending());
  }

  close(): void {
    this.#relay.close();
  }

  #refusal(): Extract<SubmitOutcome, { kind: 'rejected' }> | null {
    const { isClosed, pool } = this.#options;
    if (isClosed()) return { kind: 'rejected', problem: 'syncing', reason: 'node/syncing' };
    if (pool.isBusy || this.#submissions.isFull)
      return { kind: 'rejected', problem: 'mempool-full', reason: 'mempool/busy' };
    return null;
  }

  /** Admits what several sources sent, each source's together. */
  async #submitAll(batch: readonly Submission[]): Promise<SubmitOutcome[]> {
    const outcomes = new Map<Submission, SubmitOutcome>();
    const bySource = Map.groupBy(batch, ({ source }) => source.id);
    await Promise.all(
      [...bySource.values()].map(async (submissions) => {
        const transactions = submissions.map(({ transaction }) => transaction);
        const { source } = submissions[0] as Submission;
        const results = await this.pool.submitAll(transactions, source);
        for (const [i, submission] of submissions.entries()) {
          outcomes.set(submission, results[i] as SubmitOutcome);
        }
      }),
    );
    return batch.map((submission) => outcomes.get(submission) as SubmitOutcome);
  }

  #isMember(peer: string): boolean {
    return this.#options.roster.current?.authors.has(peer) ?? false;
  }

  /** Our place among a transaction's proposers; the last one for a node that proposes nothing. */
  #rank(txid: Bytes32): number {
    const epoch = this.#options.roster.current;
    if (epoch === null || this.author === null) return 0;
    return this.#options.proposers(epoch, txid).indexOf(this.author);
  }

  #targets({ id }: PendingTransaction): readonly PeerName[] {
    const { roster, network, proposers } = this.#options;
    const epoch = roster.current;
    if (epoch !== null && this.author !== null) {
      return proposers(epoch, id)
        .slice(0, PROPOSERS)
        .filter((author) => author !== this.author)
        .map((author) => epoch.peers[author] as PeerName);
    }
    // Validators first: they are one step from every proposer.
    const peers = network.connected();
    const members = peers.filter((peer) => this.#isMember(peer));
    return [...members, ...peers.filter((peer) => !members.includes(peer))].slice(0, HELPERS);
  }

  #send(peer: PeerName, transactions: readonly Bytes[]): void {
    const { network } = this.#options;
    if (this.author !== null) {
      network.send(peer, 'sync', transactionsEnvelope(transactions));
      return;
    }
    void submitTo(network, peer, transactions);
  }
}

/** Hands transactions to a peer. What it refuses, it has its reasons for; what is lost, is lost. */
async function submitTo(
  network: Network,
  peer: PeerName,
  transactions: readonly Bytes[],
): Promise<void> {
  try {
    const request = exchangeRequestCodec.encode({ kind: 'submit', transactions });
    for await (const _ of network.ask(peer, request, { timeoutMillis: 10_000 })) return;
  } catch {
    // Another helper has it, too.
  }
}
