/**
 * The ledger of a simulated validator: small, in memory, and real. Coins are spent once, headers
 * form the header log, and the last block of an epoch names the next set.
 *
 * Transactions are the protocol's own; witnesses and fees are left out, since consensus never looks
 * at them. A block is applied whole or not at all, like the database transaction of the real one.
 */
import { type Header, headerCodec } from 'fanal/chain/header.ts';
import {
  type SignedTransaction,
  signedTransactionCodec,
  transactionId,
  witnessesCodec,
} from 'fanal/chain/transaction.ts';
import { transactionLeaf } from 'fanal/chain/transaction-leaf.ts';
import {
  appendLeaf,
  type CompactRange,
  emptyRange,
  listHasherOf,
  listRoot,
  rangeRoot,
} from 'fanal/merkle/list.ts';
import type { Bytes, Bytes32 } from 'fanal/primitives/bytes.ts';
import { concat, ZERO_32 } from 'fanal/primitives/bytes.ts';
import type {
  BlockInput,
  CertifiedCheckpoint,
  EpochRecord,
  ExecutedTip,
  NextEpoch,
} from 'fanal-node/core/types.ts';
import { fastHash } from './keys.ts';
import type { Membership } from './membership.ts';

/** One executed block. */
export interface ExecutedBlock {
  readonly header: Header;
  /** Root of the header log with this header in it. */
  readonly root: Bytes32;
  readonly input: BlockInput;
  /** Ids of the transactions that took effect, in order, as keys of `transactionKey`. */
  readonly executed: readonly string[];
  /** What the next epoch starts from, after the last block of one. */
  readonly next: EpochRecord | null;
}

/** Where consensus would begin on a machine. */
export interface Beginning {
  readonly epoch: EpochRecord;
  readonly executed: ExecutedTip;
  readonly certifiedSize: bigint;
}

export const GENESIS_COINS = 512;
export const GENESIS_COIN_UNITS = 1_000_000_000n;
const GENESIS_TXID = fastHash(new Uint8Array([1]));

const hasher = listHasherOf(fastHash);

/** A transaction as the simulator's ledgers and clients look at it. */
export interface KnownTransaction {
  readonly signed: SignedTransaction;
  readonly id: Bytes32;
  readonly key: string;
  readonly spends: readonly string[];
  readonly leaf: Bytes;
}

const known = new WeakMap<Bytes, KnownTransaction | null>();

/** Reads a transaction once; null when the bytes are none. */
export function readTransaction(bytes: Bytes): KnownTransaction | null {
  let found = known.get(bytes);
  if (found === undefined) {
    found = decodeTransaction(bytes);
    known.set(bytes, found);
  }
  return found;
}

function decodeTransaction(bytes: Bytes): KnownTransaction | null {
  try {
    const signed = signedTransactionCodec.decode(bytes);
    const id = transactionId(signed.transaction);
    return {
      signed,
      id,
      key: bytesKey(id),
      spends: signed.transaction.inputs.map(({ txid, index }) => coinKey(txid, index)),
      leaf: transactionLeaf(id, witnessesCodec.encode(signed.witnesses)),
    };
  } catch {
    return null;
  }
}

/** Bytes as a map key. */
export function bytesKey(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function coinKey(txid: Bytes, index: number): string {
  return `${bytesKey(txid)}${index}`;
}

export function genesisOutpoint(index: number): { txid: Bytes32; index: number } {
  return { txid: GENESIS_TXID, index };
}

export class SimLedger {
  readonly #membership: Membership;
  readonly #validator: number;
  #blocks: ExecutedBlock[] = [];
  #coins = new Map<string, bigint>();
  #spent = new Set<string>();
  #seen = new Set<string>();
  #log: CompactRange = emptyRange();
  #leaves: Bytes32[] = [];
  #stateRoot: Bytes32 = ZERO_32;
  #certifiedSize = 1n;
  readonly #certificates = new Map<bigint, CertifiedCheckpoint>();
  #nextIsWrong = false;
  /** The state is not what the blocks make of it. */
  #wrong = false;

  constructor(membership: Membership, validator: number) {
    this.#membership = membership;
    this.#validator = validator;
    this.#reset();
  }

  #reset(): void {
    this.#blocks = [];
    this.#coins = new Map();
    this.#spent = new Set();
    this.#seen = new Set();
    this.#log = emptyRange();
    this.#leaves = [];
    this.#stateRoot = ZERO_32;
    this.#wrong = false;
    for (let i = 0; i < GENESIS_COINS; i++) {
      this.#coins.set(coinKey(GENESIS_TXID, i), GENESIS_COIN_UNITS);
    }
    this.#append(this.#membership.genesisHeader);
  }

  /** True after a faulty execution, until it is taken back. */
  get wrong(): boolean {
    return this.#wrong;
  }

  /** A fault in the program: the state of the next block comes out wrong. */
  executeWrongly(): void {
    this.#nextIsWrong = true;
  }

  /** From now on the program is right. */
  executeRightly(): void {
    this.#nextIsWrong = false;
  }

  get height(): bigint {
    return BigInt(this.#blocks.length);
  }

  /** All executed blocks; the first has height 1. */
  get blocks(): readonly ExecutedBlock[] {
    return this.#blocks;
  }

  /** Leaf hashes of the header log. */
  get leaves(): readonly Bytes32[] {
    return this.#leaves;
  }

  header(height: bigint): Header | undefined {
    return height === 0n
      ? this.#membership.genesisHeader
      : this.#blocks[Number(height) - 1]?.header;
  }

  /** Size of the newest certified checkpoint that was executed here; 1 at genesis. */
  get certifiedSize(): bigint {
    return this.#certifiedSize;
  }

  certificate(size: bigint): CertifiedCheckpoint | undefined {
    return this.#certificates.get(size);
  }

  /** Writes down that a checkpoint is certified. */
  certify(checkpoint: CertifiedCheckpoint): void {
    if (checkpoint.size > this.height + 1n) return;
    this.#certificates.set(checkpoint.size, checkpoint);
    if (checkpoint.size > this.#certifiedSize) this.#certifiedSize = checkpoint.size;
  }

  /**
   * Where consensus would begin now. An epoch's executed last block that is not certified yet still
   * belongs to the work of that epoch.
   */
  beginning(): Beginning {
    const last = this.#blocks.at(-1);
    const header = last?.header ?? this.#membership.genesisHeader;
    const lastOfEpoch = last?.next !== null && last !== undefined;
    const isOpenEnd = lastOfEpoch && this.#certifiedSize < header.height + 1n;
    const epoch =
      lastOfEpoch && !isOpenEnd ? (last.next as EpochRecord) : this.#epoch(header.epoch);
    const isStart = header.height === epoch.startHeight;
    return {
      epoch,
      executed: {
        height: header.height,
        time: header.time,
        commitIndex: isStart ? 0n : header.commitIndex,
        root: rangeRoot(this.#log, hasher),
        next: isOpenEnd ? this.#turn(last.next as EpochRecord) : null,
      },
      certifiedSize: this.#certifiedSize,
    };
  }

  #turn(record: EpochRecord): NextEpoch {
    return { record, author: this.#membership.author(record.epoch, this.#validator) };
  }

  #epoch(epoch: number): EpochRecord {
    const ending = this.#blocks.find(({ next }) => next?.epoch === epoch);
    return ending?.next ?? this.#membership.genesis;
  }

  /** Executes a block, which must be the next one. */
  execute(input: BlockInput): ExecutedBlock {
    const executed: string[] = [];
    const leaves: Bytes32[] = [];
    for (const bytes of input.transactions) {
      const transaction = readTransaction(bytes);
      if (transaction === null || !this.#apply(transaction)) continue;
      executed.push(transaction.key);
      leaves.push(hasher.leaf(transaction.leaf));
    }
    const txRoot = listRoot(leaves, hasher);
    this.#stateRoot = fastHash(concat(this.#stateRoot, txRoot));
    if (this.#nextIsWrong) {
      this.#nextIsWrong = false;
      this.#wrong = true;
      this.#stateRoot = fastHash(this.#stateRoot);
    }
    const header: Header = {
      version: 1,
      height: this.height + 1n,
      epoch: input.epoch,
      time: input.time,
      previousRoot: rangeRoot(this.#log, hasher),
      txRoot,
      txCount: executed.length,
      stateRoot: this.#stateRoot,
      validatorsHash: this.#membership.set(input.epoch).hash,
      nextValidatorsHash: input.lastOfEpoch ? this.#membership.set(input.epoch + 1).hash : ZERO_32,
      commitIndex: input.commitIndex,
      commitDigest: input.commitDigest,
      consensusSnapshotHash: input.consensusSnapshotHash,
    };
    this.#append(header);
    const block: ExecutedBlock = {
      header,
      root: rangeRoot(this.#log, hasher),
      input,
      executed,
      next: input.lastOfEpoch ? this.#membership.next(header) : null,
    };
    this.#blocks.push(block);
    return block;
  }

  /** Goes back to an earlier height, by executing everything up to it once more. */
  rewind(height: bigint): void {
    const inputs = this.#blocks.slice(0, Number(height)).map((block) => block.input);
    this.#reset();
    this.executeRightly();
    for (const input of inputs) this.execute(input);
  }

  /** Says whether a transaction took effect. */
  hasExecuted(key: string): boolean {
    return this.#seen.has(key);
  }

  /** Says whether a coin was made and spent. */
  isSpent(coin: string): boolean {
    return this.#spent.has(coin);
  }

  /** Units in all coins; the same for ever. */
  supply(): bigint {
    let sum = 0n;
    for (const amount of this.#coins.values()) sum += amount;
    return sum;
  }

  coin(key: string): bigint | undefined {
    return this.#coins.get(key);
  }

  /** Spends and makes coins; false, with nothing changed, when that is not possible. */
  #apply({ signed, id, key, spends }: KnownTransaction): boolean {
    if (this.#seen.has(key)) return false;
    let available = 0n;
    for (const coin of spends) {
      const amount = this.#coins.get(coin);
      if (amount === undefined) return false;
      available += amount;
    }
    if (new Set(spends).size !== spends.length) return false;
    const wanted = signed.transaction.outputs.reduce((sum, output) => sum + output.amount, 0n);
    if (wanted !== available) return false;
    for (const coin of spends) {
      this.#coins.delete(coin);
      this.#spent.add(coin);
    }
    for (const [index, output] of signed.transaction.outputs.entries()) {
      this.#coins.set(coinKey(id, index), output.amount);
    }
    this.#seen.add(key);
    return true;
  }

  #append(header: Header): void {
    const leaf = hasher.leaf(headerCodec.encode(header));
    this.#log = appendLeaf(this.#log, leaf, undefined, hasher);
    this.#leaves.push(leaf);
  }
}
