/**
 * Blocks on their way through the ledger, one after the other, and what comes of them: the header
 * for consensus, outcomes for the mempool, and news once a block is certified.
 */
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Author, BlockInput, CertifiedCheckpoint, EpochRecord, Event } from '../core/types.ts';
import { textOf } from '../ledger/byte-text.ts';
import type { AsyncLedger, ExecutedBlock } from '../ledger/ledger.ts';
import type { CertifiedEvents } from './certified-feed.ts';
import { nextEpoch } from './epoch-record.ts';

export interface ExecutionOptions {
  readonly ledger: AsyncLedger;
  readonly feed: CertifiedEvents;
  /** The last executed and the last certified block when this begins. */
  readonly start: { readonly executed: bigint; readonly certified: bigint };
  /** One byte a transaction: whether its signatures were checked already. */
  flags(transactions: readonly Bytes[]): Uint8Array;
  /** The author that this node is in an epoch. */
  authorIn(record: EpochRecord): Author | null;
  onEvent(event: Event): void;
  onExecuted(executed: ExecutedBlock): void;
  onCertified(height: bigint): void;
  onFailure(error: Error): void;
}

/** What a certified block's news will say. */
interface Pending {
  readonly height: bigint;
  readonly addresses: readonly Bytes[];
  readonly transactions: number;
}

export class Execution {
  readonly #options: ExecutionOptions;
  /** Executed, not yet told of. */
  #pending: Pending[] = [];
  #certified: CertifiedCheckpoint | null = null;
  #executedHeight: bigint;
  #toldHeight: bigint;
  #telling = false;
  #pruning = false;
  #executing = 0;

  constructor(options: ExecutionOptions) {
    this.#options = options;
    this.#executedHeight = options.start.executed;
    this.#toldHeight = options.start.certified;
  }

  /** Blocks that wait or are being executed. */
  get waiting(): number {
    return this.#executing;
  }

  /** Executes a block of the running consensus and hands the result back to it. */
  execute(block: BlockInput): void {
    const { ledger, flags, authorIn, onEvent, onFailure } = this.#options;
    this.#executing++;
    ledger
      .execute(block, flags(block.transactions))
      .then(async (executed) => {
        this.#executing--;
        this.note(executed);
        const next = block.lastOfEpoch ? await nextEpoch(ledger, authorIn) : null;
        const { height, header, root, certifiedSize } = executed;
        onEvent({ kind: 'executed', height, header, root, certifiedSize, next });
        this.#tell();
      })
      .catch(onFailure);
  }

  /** Takes note of a block that was executed, here or by catching up. */
  note(executed: ExecutedBlock): void {
    const { height, addresses, outcomes } = executed;
    const transactions = outcomes.filter(({ kind }) => kind === 'included').length;
    this.#pending.push({ height, addresses, transactions });
    this.#executedHeight = height;
    this.#options.onExecuted(executed);
  }

  /** A checkpoint is certified. The ledger hears of it when it has executed that far. */
  certified(checkpoint: CertifiedCheckpoint): void {
    if (this.#certified === null || checkpoint.size > this.#certified.size) {
      this.#certified = checkpoint;
      this.#tell();
    }
  }

  /** Tells of blocks that the ledger already holds a certificate for. */
  certifiedInLedger(): Promise<void> {
    return this.#publish();
  }

  /** Records the newest certificate and tells everyone, one at a time. */
  #tell(): void {
    const checkpoint = this.#certified;
    if (checkpoint === null || this.#telling) return;
    if (checkpoint.size > this.#executedHeight + 1n) return;
    this.#certified = null;
    this.#telling = true;
    this.#options.ledger
      .certified(checkpoint)
      .then(() => this.#publish())
      .then(() => {
        this.#telling = false;
        this.#prune();
        this.#tell();
      })
      .catch(this.#options.onFailure);
  }

  async #publish(): Promise<void> {
    const { ledger, feed, onCertified } = this.#options;
    const tip = await ledger.certifiedTip();
    if (tip.height <= this.#toldHeight) return;
    this.#toldHeight = tip.height;
    const told = this.#pending.filter(({ height }) => height <= tip.height);
    this.#pending = this.#pending.filter(({ height }) => height > tip.height);
    const addresses = new Map(
      told.flatMap((block) =>
        block.addresses.map((address) => [textOf(address), address] as const),
      ),
    );
    feed.publish({
      tip,
      addresses: [...addresses.values()],
      transactions: told.reduce((sum, block) => sum + block.transactions, 0),
    });
    onCertified(tip.height);
  }

  /** Lets the ledger forget what it need not keep, a bounded piece at a time, between blocks. */
  #prune(): void {
    if (this.#pruning || this.#executing > 0) return;
    this.#pruning = true;
    this.#options.ledger
      .prune()
      .then((more) => {
        this.#pruning = false;
        if (more) setImmediate(() => this.#prune());
      })
      .catch(this.#options.onFailure);
  }
}
