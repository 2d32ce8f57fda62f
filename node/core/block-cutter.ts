/**
 * Cuts blocks out of commits: a pure function of the commit sequence (docs/consensus.md §9).
 *
 * Counts are of what commits carry, before execution. So a block passes a cap by at most one
 * commit, and every validator cuts at the same places whatever it has executed.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { snapshotHash } from './commit.ts';
import type { CommitOutput } from './linearizer.ts';
import type { ConsensusParams } from './params.ts';
import type { BlockInput, EpochRecord, Equivocation, ExecutedTip } from './types.ts';
import type { TaggedHash } from './vertex.ts';

export class BlockCutter {
  readonly #record: EpochRecord;
  readonly #params: ConsensusParams;
  readonly #hash: TaggedHash;
  readonly #end: bigint;
  #transactions: Bytes[] = [];
  #bytes = 0;
  #equivocations: Equivocation[] = [];
  #rewards: number[];
  /** Of the last block that was cut. */
  #height: bigint;
  #time: bigint;
  #isClosed: boolean;

  constructor(record: EpochRecord, executed: ExecutedTip, hash: TaggedHash) {
    this.#record = record;
    this.#params = record.params;
    this.#hash = hash;
    this.#end = record.startTime + record.params.epochDurationMillis;
    this.#rewards = record.members.map(() => 0);
    this.#height = executed.height;
    this.#time = executed.time;
    this.#isClosed = executed.next !== null;
  }

  /** The epoch's last block is cut: what follows in its DAG counts for nothing (rule E1). */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Height of the last block that was cut. */
  get height(): bigint {
    return this.#height;
  }

  /** Takes the next commit. Returns the block that it completes, if it does (rules B1 to B3). */
  add({ commit, vertices, equivocations, schedule }: CommitOutput): BlockInput | null {
    for (const vertex of vertices) {
      this.#rewards[vertex.ref.author] = (this.#rewards[vertex.ref.author] as number) + 1;
      for (const transaction of vertex.payload) {
        this.#transactions.push(transaction);
        this.#bytes += transaction.length;
      }
    }
    this.#equivocations.push(...equivocations);
    const isLast = commit.time >= this.#end;
    if (!isLast && !this.#isFull(commit.time)) return null;
    let time = commit.time;
    if (time < this.#time) time = this.#time;
    const block: BlockInput = {
      epoch: this.#record.epoch,
      lastOfEpoch: isLast,
      height: this.#height + 1n,
      time,
      commitIndex: commit.index,
      commitDigest: commit.digest,
      consensusSnapshotHash: snapshotHash(this.#hash, commit, schedule),
      transactions: this.#transactions,
      equivocations: this.#equivocations,
      rewards: this.#rewards,
    };
    this.#transactions = [];
    this.#bytes = 0;
    this.#equivocations = [];
    this.#rewards = this.#record.members.map(() => 0);
    this.#height = block.height;
    this.#time = block.time;
    this.#isClosed = isLast;
    return block;
  }

  /** Rule B2: time since the last block, or a cap. An empty block waits for the heartbeat. */
  #isFull(time: bigint): boolean {
    const elapsed = time - this.#time;
    if (elapsed >= BigInt(this.#params.heartbeatMillis)) return true;
    if (this.#transactions.length === 0 && this.#equivocations.length === 0) return false;
    return (
      elapsed >= BigInt(this.#params.blockIntervalMillis) ||
      this.#transactions.length >= this.#params.maxBlockTransactions ||
      this.#bytes >= this.#params.maxBlockBytes
    );
  }
}
