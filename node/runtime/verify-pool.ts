/**
 * Signature checks off the main thread: a few threads, small batches, and two lanes, so that a
 * flood of transactions never delays a vertex.
 *
 * Batches go across as packed bytes, one buffer each: objects would cost more than the checks.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { TransactionRules } from 'fanal/chain/transaction-check.ts';
import type { SignedItem, VerifyBatch } from 'fanal/crypto/filter.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import { Quota } from '../network/quota.ts';
import { RUNTIME_LIMITS } from './limits.ts';
import { verifyNatively, verifyTransaction } from './native-verify.ts';

/** What is checked. Vertices and cosignatures go before transactions. */
export type VerifyKind = 'vertex' | 'cosignature' | 'transaction';
type VerifyLane = 'consensus' | 'transactions';
const LANES: readonly VerifyLane[] = ['consensus', 'transactions'];
const laneOf = (kind: VerifyKind): VerifyLane =>
  kind === 'transaction' ? 'transactions' : 'consensus';

export interface VerifyTask {
  readonly id: number;
  /** Signatures with their messages and keys, or whole signed transactions. */
  readonly kind: 'signatures' | 'transactions';
  readonly packed: Bytes;
  readonly count: number;
}

export interface VerifyAnswer {
  readonly id: number;
  readonly verdicts: Uint8Array;
}

/** One thing to be checked, and who waits for the verdict. */
interface Item {
  readonly kind: VerifyTask['kind'];
  /** What crosses to the thread: message, signature and key, or one transaction. */
  readonly parts: readonly Bytes[];
  readonly waiter: Waiter;
  readonly place: number;
}

/** A call of `verify`, until all its verdicts are there. */
interface Waiter {
  readonly verdicts: boolean[];
  missing: number;
  resolve(verdicts: boolean[]): void;
  reject(error: Error): void;
}

interface Slot {
  readonly worker: Worker;
  inFlight: number;
}

export class VerifyPool {
  readonly #slots: Slot[] = [];
  readonly #queues: Record<VerifyLane, Item[]> = { consensus: [], transactions: [] };
  readonly #running = new Map<number, { items: readonly Item[]; slot: Slot }>();
  readonly #inline = new Quota(
    RUNTIME_LIMITS.inlineVerifiesPerSecond,
    RUNTIME_LIMITS.inlineVerifyBurst,
    performance.now(),
  );
  readonly #rules: TransactionRules | null;
  readonly #threads: number;
  readonly #onDeath: (error: Error) => void;
  #waitingItems = 0;
  #nextId = 1;
  #closed = false;
  /** Told of each batch: how long it took with its wait, and how many were refused. */
  onChecked: (kind: VerifyKind, millis: number, refused: number) => void = () => {};

  /**
   * A thread starts when there is work for it that the main thread does not do by itself.
   *
   * @param rules of the chain whose transactions are checked; null for signatures alone
   */
  constructor(threads: number, rules: TransactionRules | null, onDeath: (error: Error) => void) {
    this.#threads = threads;
    this.#rules = rules;
    this.#onDeath = onDeath;
  }

  /** Signatures that wait or are being checked. */
  get waiting(): number {
    return this.#waitingItems;
  }

  /** Whether transactions should be turned away for now. */
  get isBusy(): boolean {
    return this.#waitingItems > RUNTIME_LIMITS.verifyWaiting;
  }

  /** The pool as the port that everything else calls. */
  batch(kind: VerifyKind): VerifyBatch {
    return (items) => this.verify(kind, items);
  }

  /** Checks signatures; verdicts in the order of the items. */
  verify(kind: VerifyKind, items: readonly SignedItem[]): Promise<boolean[]> {
    const start = performance.now();
    const verdicts = this.#mayInline(items.length)
      ? Promise.resolve([...verifyNatively(items)])
      : this.#enqueue(
          laneOf(kind),
          'signatures',
          items.map(({ message, signature, publicKey }) => [message, signature, publicKey]),
        );
    return this.#told(kind, start, verdicts);
  }

  /** Checks the shape and every signature of transactions in canonical bytes. */
  verifyTransactions(transactions: readonly Bytes[]): Promise<boolean[]> {
    const start = performance.now();
    const rules = this.#rules;
    const verdicts =
      rules !== null && this.#mayInline(transactions.length)
        ? Promise.resolve(transactions.map((bytes) => verifyTransaction(bytes, rules)))
        : this.#enqueue(
            'transactions',
            'transactions',
            transactions.map((bytes) => [bytes]),
          );
    return this.#told('transaction', start, verdicts);
  }

  async #told(kind: VerifyKind, start: number, answer: Promise<boolean[]>): Promise<boolean[]> {
    const verdicts = await answer;
    if (verdicts.length > 0) {
      const refused = verdicts.filter((verdict) => !verdict).length;
      this.onChecked(kind, performance.now() - start, refused);
    }
    return verdicts;
  }

  /**
   * A few at a time cost less here than the way to a thread and back, which wakes it twice. The
   * quota keeps the main thread free when there are many.
   */
  #mayInline(count: number): boolean {
    return count <= RUNTIME_LIMITS.inlineVerifyBatch && this.#inline.take(count, performance.now());
  }

  #enqueue(
    lane: VerifyLane,
    kind: VerifyTask['kind'],
    all: readonly (readonly Bytes[])[],
  ): Promise<boolean[]> {
    if (all.length === 0) return Promise.resolve([]);
    if (this.#closed) return Promise.reject(stopped());
    this.#waitingItems += all.length;
    return new Promise<boolean[]>((resolve, reject) => {
      const waiter: Waiter = {
        verdicts: new Array<boolean>(all.length).fill(false),
        missing: all.length,
        resolve,
        reject,
      };
      all.forEach((parts, place) => {
        this.#queues[lane].push({ kind, parts, waiter, place });
      });
      this.#pump();
    }).finally(() => {
      this.#waitingItems -= all.length;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const error = stopped();
    for (const lane of LANES) {
      for (const { waiter } of this.#queues[lane].splice(0)) waiter.reject(error);
    }
    for (const { items } of this.#running.values()) {
      for (const { waiter } of items) waiter.reject(error);
    }
    this.#running.clear();
    await Promise.all(this.#slots.map(({ worker }) => worker.terminate()));
  }

  #start(index: number): Slot {
    const worker = new Worker(new URL('./verify-worker.ts', import.meta.url), {
      name: `verify-${index}`,
      workerData: this.#rules,
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    const slot: Slot = { worker, inFlight: 0 };
    worker.on('message', ({ id, verdicts }: VerifyAnswer) => {
      const running = this.#running.get(id);
      if (running === undefined) return;
      this.#running.delete(id);
      slot.inFlight--;
      running.items.forEach(({ waiter, place }, i) => {
        waiter.verdicts[place] = verdicts[i] === 1;
        if (--waiter.missing === 0) waiter.resolve(waiter.verdicts);
      });
      this.#pump();
    });
    worker.on('error', (error: Error) => {
      if (!this.#closed) this.#onDeath(error);
    });
    return slot;
  }

  #pump(): void {
    for (;;) {
      if (this.#queues.consensus.length + this.#queues.transactions.length === 0) return;
      const slot = this.#freeSlot();
      if (slot === undefined) return;
      const items = this.#next();
      const [first] = items as [Item];
      const id = this.#nextId++;
      this.#running.set(id, { items, slot });
      slot.inFlight++;
      const packed = packBytes(items.flatMap(({ parts }) => parts));
      const task: VerifyTask = { id, kind: first.kind, packed, count: items.length };
      slot.worker.postMessage(task, [packed.buffer as ArrayBuffer]);
    }
  }

  /** The next batch: of one kind, the urgent lane first, from as many calls as it takes. */
  #next(): Item[] {
    const queue =
      this.#queues.consensus.length > 0 ? this.#queues.consensus : this.#queues.transactions;
    const kind = queue[0]?.kind;
    let count = 0;
    while (
      count < RUNTIME_LIMITS.verifyBatch &&
      queue[count]?.kind === kind &&
      count < queue.length
    ) {
      count++;
    }
    return queue.splice(0, count);
  }

  /** A thread that has nothing to do, else a new one, else the one with the least at hand. */
  #freeSlot(): Slot | undefined {
    let best: Slot | undefined;
    for (const slot of this.#slots) {
      if (best === undefined || slot.inFlight < best.inFlight) best = slot;
    }
    if (this.#slots.length < this.#threads && (best === undefined || best.inFlight > 0)) {
      best = this.#start(this.#slots.length);
      this.#slots.push(best);
    }
    return best === undefined || best.inFlight >= RUNTIME_LIMITS.verifyInFlight ? undefined : best;
  }
}

function stopped(): FanalError {
  return new FanalError('runtime/stopped', 'the node is shutting down');
}

/** How many threads check signatures when the configuration leaves it open. */
export function defaultVerifyThreads(): number {
  return Math.max(1, Math.min(8, availableParallelism() - 1));
}

/** Signatures with their messages and keys, out of a packed buffer. */
export function unpackItems(packed: Bytes, count: number): SignedItem[] {
  const parts = unpackBytes(packed, count * 3);
  return Array.from({ length: count }, (_, i) => ({
    message: parts[3 * i] as Bytes,
    signature: parts[3 * i + 1] as Bytes,
    publicKey: parts[3 * i + 2] as Bytes,
  }));
}

/** Byte strings as one buffer, each behind its u32 length. */
export function packBytes(parts: readonly Bytes[]): Bytes {
  const packed = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    packed.set(part, at + 4);
    at += 4 + part.length;
  }
  return packed;
}

/** The parts of a packed buffer, which they share. */
export function unpackBytes(packed: Bytes, count: number): Bytes[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let at = 0;
  return Array.from({ length: count }, () => {
    const length = view.getUint32(at);
    const part = packed.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return part;
  });
}
