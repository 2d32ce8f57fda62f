/**
 * What the ledger answers about headers, blocks, transactions and epochs, with proofs from the
 * header log.
 */
import { type Header, headerCodec } from 'fanal/chain/header.ts';
import { MAX_HANDOVERS } from 'fanal/chain/limits.ts';
import { splitTransaction } from 'fanal/chain/transaction.ts';
import { type ValidatorSet, validatorSetCodec } from 'fanal/chain/validators.ts';
import {
  type CosignedCheckpoint,
  checkpointNote,
  cosignedCheckpointCodec,
} from 'fanal/checkpoint/cosigned.ts';
import { type Handover, handoverCodec } from 'fanal/light/handover.ts';
import { headerProofCodec } from 'fanal/light/header-proof.ts';
import { receiptCodec } from 'fanal/light/receipt.ts';
import { type TransactionPlace, transactionProofCodec } from 'fanal/light/transaction-proof.ts';
import { updateCodec } from 'fanal/light/update.ts';
import { inclusionProof } from 'fanal/merkle/list-proof.ts';
import { encodeEntries, encodeTile, TILE_WIDTH, tileWidth } from 'fanal/merkle/tiles.ts';
import { assert } from 'fanal/primitives/assert.ts';
import { type Bytes, type Bytes32, equalBytes, utf8 } from 'fanal/primitives/bytes.ts';
import type { Codec } from 'fanal/primitives/codec.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { Hash } from 'fanal/primitives/hash.ts';
import type { StoredPayment } from './block-store.ts';
import type { LedgerEngine } from './engine.ts';
import type {
  CertifiedTip,
  CurrentEpoch,
  Encoded,
  LedgerTransactionStatus,
  StoredTransaction,
} from './ledger.ts';
import { LEDGER_LIMITS } from './limits.ts';
import { nativeListHasher } from './native-hash.ts';

export class ChainReads {
  readonly #engine: LedgerEngine;

  constructor(engine: LedgerEngine) {
    this.#engine = engine;
  }

  get #tables() {
    return this.#engine.tables;
  }

  /** Certified headers: 1 while there is no certified checkpoint but genesis. */
  get certifiedSize(): bigint {
    return this.#engine.certifiedHeight + 1n;
  }

  /**
   * A size that answers may be given at: the newest certified one by default.
   *
   * @throws {FanalError} `ledger/not-certified`, `ledger/size`
   */
  sizeAt(at: bigint | undefined): bigint {
    if (at === undefined) return this.certifiedSize;
    if (at > this.certifiedSize) {
      throw new FanalError(
        'ledger/not-certified',
        `size ${at} is not certified yet, ${this.certifiedSize} is`,
        { hint: 'Ask again in a second, or without a size.' },
      );
    }
    if (at < 1n) throw new FanalError('ledger/size', `expected a size from 1, found ${at}`);
    return at;
  }

  currentEpoch(): CurrentEpoch {
    const { registry, tables } = this.#engine;
    const { epoch } = registry.epoch;
    const height = epoch === 0 ? 0n : tables.epochs.get(epoch - 1)?.lastHeight;
    assert(height !== null && height !== undefined, `epoch ${epoch} has a beginning`);
    return {
      epoch,
      validators: registry.set,
      start: this.#header(height),
      startBlockId: tables.log.leaf(height),
    };
  }

  certifiedTip(): CertifiedTip {
    const { certified } = this.#engine;
    if (certified !== null) return this.#tipOf(certified);
    return {
      ...{ height: 0n, size: 1n, root: this.#tables.log.rootAt(1n) },
      header: this.#headerBytes(0n),
      note: new Uint8Array(0),
    };
  }

  checkpoint(size?: bigint): CertifiedTip | null {
    if (size === undefined) return this.certifiedTip();
    if (size === 1n) return this.#engine.certified === null ? this.certifiedTip() : null;
    const cosigned = this.#tables.epochs.checkpoint(size);
    return cosigned === null ? null : this.#tipOf(cosigned);
  }

  cosigned(size?: bigint): Encoded<'CosignedCheckpoint'> | null {
    const { certified } = this.#engine;
    const found = size === undefined ? certified : this.#tables.epochs.checkpoint(size);
    return found === null ? null : encode(cosignedCheckpointCodec, found);
  }

  header(height: bigint): Encoded<'Header'> | null {
    if (height < 0n || height >= this.certifiedSize) return null;
    return this.#headerBytes(height);
  }

  headers(first: bigint, limit: number): Encoded<'Header'>[] {
    const room = this.certifiedSize - first;
    if (first < 0n || room <= 0n) return [];
    const count = Math.min(limit, LEDGER_LIMITS.headers, Number(room < 256n ? room : 256n));
    return this.#tables.blocks.headers(first, count) as Encoded<'Header'>[];
  }

  headerProof(height: bigint, at?: bigint): Encoded<'HeaderProof'> | null {
    const size = this.sizeAt(at);
    if (height < 0n || height >= size) return null;
    return encode(headerProofCodec, this.#headerProof(height, size));
  }

  consistency(oldSize: bigint, newSize?: bigint): Hash[] {
    const size = this.sizeAt(newSize);
    return this.#tables.log.consistency(this.#olderSize(oldSize, size), size);
  }

  update(fromSize: bigint): Encoded<'Update'> | null {
    const { certified } = this.#engine;
    if (certified === null) return null;
    const { log } = this.#tables;
    const from = this.#olderSize(fromSize, this.certifiedSize);
    // A log that ends with its epoch still needs that epoch's handover, as docs/protocol.md §9.2 has it.
    const epoch = this.#tables.epochs.at(from - 1n) ?? this.#engine.registry.epoch.epoch;
    const { checkpoint, handovers } = this.#road(epoch, certified);
    const { size } = checkpoint;
    return encode(updateCodec, {
      from: { size: from, root: log.rootAt(from) },
      handovers,
      checkpoint,
      header: this.#header(size - 1n),
      inclusion: log.inclusion(size - 1n, size),
      consistency: log.consistency(from, size),
    });
  }

  handover(epoch: number): Encoded<'Handover'> | null {
    const handover = this.#handover(epoch);
    return handover === null ? null : encode(handoverCodec, handover);
  }

  validatorSet(hash: Bytes32): Encoded<'ValidatorSet'> | null {
    const set = this.#tables.epochs.set(hash);
    return set === null ? null : encode(validatorSetCodec, set);
  }

  tile(level: number, index: bigint, width: number): Bytes | null {
    const hashes = this.#tables.log.tile(level, index, width, this.certifiedSize);
    return hashes === null ? null : encodeTile(hashes);
  }

  entryBundle(index: bigint, width: number): Bytes | null {
    if (tileWidth(0, index, this.certifiedSize) < width) return null;
    const headers = this.#tables.blocks.headers(index * BigInt(TILE_WIDTH), width);
    if (headers.length !== width) throw pruned(`headers of bundle ${index}`);
    return encodeEntries(headers);
  }

  block(height: bigint): Encoded<'Block'> | null {
    if (height < 0n || height >= this.certifiedSize) return null;
    const block = this.#tables.blocks.block(height);
    if (block === null) throw pruned(`block ${height}`);
    return block as Encoded<'Block'>;
  }

  blockTransactions(height: bigint, first: number, limit: number): StoredTransaction[] | null {
    if (height < 0n || height >= this.certifiedSize) return null;
    if (this.#tables.blocks.leaves(height) === null) throw pruned(`block ${height}`);
    return this.#tables.blocks
      .payments(height, first, limit)
      .map((payment) => this.#transaction(payment));
  }

  transaction(txid: Bytes32): StoredTransaction | null {
    const payment = this.#tables.blocks.payment(txid);
    return payment === null ? null : this.#transaction(payment);
  }

  transactionProof(txid: Bytes32, at?: bigint): Encoded<'TransactionProof'> | null {
    const size = this.sizeAt(at);
    const payment = this.#tables.blocks.payment(txid);
    if (payment === null || payment.height >= size) return null;
    return encode(transactionProofCodec, {
      header: this.#headerProof(payment.height, size),
      ...this.#place(payment),
    });
  }

  receipt(txid: Bytes32, fromEpoch?: number): Encoded<'Receipt'> | null {
    const { certified, origin } = this.#engine;
    const payment = this.#tables.blocks.payment(txid);
    if (certified === null || payment === null || payment.height >= certified.size) return null;
    const epoch = fromEpoch ?? this.#header(certified.size - 1n).epoch;
    const { checkpoint, handovers } = this.#road(epoch, certified);
    if (payment.height >= checkpoint.size) return null;
    const { height } = payment;
    return encode(receiptCodec, {
      ...{ origin, epoch, handovers, checkpoint },
      header: this.#header(height),
      path: this.#tables.log.inclusion(height, checkpoint.size),
      transaction: this.#place(payment),
    });
  }

  transactionStatus(txid: Bytes32): LedgerTransactionStatus {
    const payment = this.#tables.blocks.payment(txid);
    if (payment !== null) {
      const { height, position } = payment;
      const kind = height < this.certifiedSize ? 'certified' : 'committed';
      return { kind, height, position };
    }
    const refusal = this.#tables.blocks.refusal(txid);
    return refusal === null ? { kind: 'unknown' } : { kind: 'rejected', ...refusal };
  }

  /** The set that certifies a log of `size` headers. */
  setAt(size: bigint): ValidatorSet {
    const set = this.#tables.epochs.set(this.#header(size - 1n).validatorsHash);
    assert(set !== null, `the set of height ${size - 1n} is known`);
    return set;
  }

  /**
   * The handovers from the beginning of epoch `first` to where a checkpoint is certified by the set
   * then held: the newest one, unless there are more handovers than an answer takes.
   */
  #road(
    first: number,
    newest: CosignedCheckpoint,
  ): { handovers: Handover[]; checkpoint: CosignedCheckpoint } {
    const last = this.#header(newest.size - 1n).epoch;
    const end = Math.min(last, first + MAX_HANDOVERS);
    const handovers: Handover[] = [];
    for (let epoch = first; epoch < end; epoch++) {
      const handover = this.#handover(epoch);
      if (handover === null) throw pruned(`the handover of epoch ${epoch}`);
      handovers.push(handover);
    }
    if (end === last) return { handovers, checkpoint: newest };
    const next = this.#handover(end);
    if (next === null) throw pruned(`the handover of epoch ${end}`);
    return { handovers, checkpoint: next.checkpoint };
  }

  #handover(epoch: number): Handover | null {
    const stored = this.#tables.epochs.get(epoch);
    if (stored === null || stored.lastHeight === null) return null;
    const size = stored.lastHeight + 1n;
    const checkpoint = this.#tables.epochs.checkpoint(size);
    if (checkpoint === null) return null;
    const header = this.#header(stored.lastHeight);
    const isSame = equalBytes(header.validatorsHash, header.nextValidatorsHash);
    return {
      ...{ checkpoint, header },
      path: this.#tables.log.inclusion(stored.lastHeight, size),
      nextValidators: isSame ? null : this.#tables.epochs.set(header.nextValidatorsHash),
    };
  }

  #olderSize(oldSize: bigint, size: bigint): bigint {
    if (oldSize >= 1n && oldSize <= size) return oldSize;
    if (oldSize > size) this.sizeAt(oldSize);
    throw new FanalError('ledger/size', `expected a size from 1 to ${size}, found ${oldSize}`);
  }

  #tipOf(cosigned: CosignedCheckpoint): CertifiedTip {
    const { size, root } = cosigned;
    return {
      ...{ height: size - 1n, size, root },
      header: this.#headerBytes(size - 1n),
      note: utf8(checkpointNote(cosigned, this.#engine.origin, this.setAt(size))),
    };
  }

  #headerProof(height: bigint, size: bigint) {
    return { header: this.#header(height), size, path: this.#tables.log.inclusion(height, size) };
  }

  #place({ height, position, bytes }: StoredPayment): TransactionPlace {
    const leaves = this.#tables.blocks.leaves(height);
    if (bytes === null || leaves === null) throw pruned(`block ${height}`);
    const path = inclusionProof(leaves, BigInt(position), undefined, nativeListHasher);
    return { ...splitTransaction(bytes), position, path };
  }

  #transaction({ txid, height, position, bytes }: StoredPayment): StoredTransaction {
    if (bytes === null) throw pruned(`transactions of block ${height}`);
    return {
      ...{ txid, height, position },
      bytes: bytes as Encoded<'SignedTransaction'>,
      certified: height < this.certifiedSize,
    };
  }

  #header(height: bigint): Header {
    return headerCodec.decode(this.#headerBytes(height));
  }

  #headerBytes(height: bigint): Encoded<'Header'> {
    const header = this.#tables.blocks.header(height);
    if (header === null) throw pruned(`header ${height}`);
    return header as Encoded<'Header'>;
  }
}

/** Canonical bytes, named by their codec's type. */
export function encode<T, Name extends string>(codec: Codec<T>, value: T): Encoded<Name> {
  return codec.encode(value) as Encoded<Name>;
}

/** What a caller gets who asks for something this node no longer has, or never had. */
export function pruned(what: string): FanalError {
  return new FanalError('ledger/pruned', `${what} is not kept here`, {
    hint: 'Ask a node that has the whole chain.',
  });
}
