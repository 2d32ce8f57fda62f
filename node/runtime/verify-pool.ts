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
import { RUNTIME_LIMITS } from './limits.ts';

export type VerifyLane = 'consensus' | 'transactions';
const LANES: readonly VerifyLane[] = ['consensus', 'transactions'];

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

interface Piece {
  readonly kind: VerifyTask['kind'];
  readonly count: number;
  pack(): Bytes;
  resolve(verdicts: Uint8Array): void;
  reject(error: Error): void;
}

interface Slot {
  readonly worker: Worker;
  inFlight: number;
}

export class VerifyPool {
  readonly #slots: Slot[] = [];
  readonly #queues: Record<VerifyLane, Piece[]> = { consensus: [], transactions: [] };
  readonly #running = new Map<number, { piece: Piece; slot: Slot }>();
  readonly #rules: TransactionRules | null;
  readonly #onDeath: (error: Error) => void;
  #waitingItems = 0;
  #nextId = 1;
  #closed = false;
  /** Counts for the metrics. */
  readonly checked: Record<VerifyLane, number> = { consensus: 0, transactions: 0 };

  /** @param rules of the chain whose transactions are checked; null for signatures alone */
  constructor(threads: number, rules: TransactionRules | null, onDeath: (error: Error) => void) {
    this.#rules = rules;
    this.#onDeath = onDeath;
    for (let i = 0; i < threads; i++) this.#slots.push(this.#start(i));
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
  batch(lane: VerifyLane): VerifyBatch {
    return (items) => this.verify(lane, items);
  }

  /** Checks signatures; verdicts in the order of the items. */
  verify(lane: VerifyLane, items: readonly SignedItem[]): Promise<boolean[]> {
    return this.#split(lane, 'signatures', items, packItems);
  }

  /** Checks the shape and every signature of transactions in canonical bytes. */
  verifyTransactions(transactions: readonly Bytes[]): Promise<boolean[]> {
    return this.#split('transactions', 'transactions', transactions, packBytes);
  }

  async #split<T>(
    lane: VerifyLane,
    kind: VerifyTask['kind'],
    items: readonly T[],
    pack: (items: readonly T[]) => Bytes,
  ): Promise<boolean[]> {
    if (items.length === 0) return [];
    if (this.#closed) throw new FanalError('runtime/stopped', 'the node is shutting down');
    const pieces: Promise<Uint8Array>[] = [];
    for (let at = 0; at < items.length; at += RUNTIME_LIMITS.verifyBatch) {
      const part = items.slice(at, at + RUNTIME_LIMITS.verifyBatch);
      pieces.push(
        new Promise((resolve, reject) => {
          const piece = { kind, count: part.length, pack: () => pack(part), resolve, reject };
          this.#queues[lane].push(piece);
        }),
      );
    }
    this.#waitingItems += items.length;
    this.#pump();
    try {
      const verdicts: boolean[] = [];
      for (const piece of await Promise.all(pieces)) {
        for (const verdict of piece) verdicts.push(verdict === 1);
      }
      this.checked[lane] += items.length;
      return verdicts;
    } finally {
      this.#waitingItems -= items.length;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const error = new FanalError('runtime/stopped', 'the node is shutting down');
    for (const lane of LANES) {
      for (const piece of this.#queues[lane].splice(0)) piece.reject(error);
    }
    for (const { piece } of this.#running.values()) piece.reject(error);
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
      running.piece.resolve(verdicts);
      this.#pump();
    });
    worker.on('error', (error: Error) => {
      if (!this.#closed) this.#onDeath(error);
    });
    return slot;
  }

  #pump(): void {
    for (;;) {
      const slot = this.#freeSlot();
      if (slot === undefined) return;
      const piece = this.#queues.consensus.shift() ?? this.#queues.transactions.shift();
      if (piece === undefined) return;
      const id = this.#nextId++;
      this.#running.set(id, { piece, slot });
      slot.inFlight++;
      const packed = piece.pack();
      const task: VerifyTask = { id, kind: piece.kind, packed, count: piece.count };
      slot.worker.postMessage(task, [packed.buffer as ArrayBuffer]);
    }
  }

  #freeSlot(): Slot | undefined {
    let best: Slot | undefined;
    for (const slot of this.#slots) {
      if (slot.inFlight >= RUNTIME_LIMITS.verifyInFlight) continue;
      if (best === undefined || slot.inFlight < best.inFlight) best = slot;
    }
    return best;
  }
}

/** How many threads check signatures when the configuration leaves it open. */
export function defaultVerifyThreads(): number {
  return Math.max(1, Math.min(8, availableParallelism() - 1));
}

/** Items as one buffer: message, signature and key one after the other. */
export function packItems(items: readonly SignedItem[]): Bytes {
  return packBytes(
    items.flatMap(({ message, signature, publicKey }) => [message, signature, publicKey]),
  );
}

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
