/**
 * What an honest server says about a test chain: every answer in canonical bytes, at any size.
 */

import { blockCodec } from '../chain/block.ts';
import { genesisCodec } from '../chain/genesis.ts';
import { headerCodec } from '../chain/header.ts';
import { historyEntryCodec } from '../chain/history-entry.ts';
import { addressKey, coinKey } from '../chain/state-keys.ts';
import { signedTransactionCodec, transactionCodec, witnessesCodec } from '../chain/transaction.ts';
import { validatorSetCodec } from '../chain/validators.ts';
import { checkpointNote } from '../checkpoint/cosigned.ts';
import type { AddressBytes } from '../crypto/address.ts';
import { addressProofCodec } from '../light/address-proof.ts';
import { coinsPageCodec } from '../light/coins.ts';
import { type Handover, handoverCodec } from '../light/handover.ts';
import { headerProofCodec } from '../light/header-proof.ts';
import { historyPageCodec } from '../light/history.ts';
import { formatReceipt } from '../light/receipt-text.ts';
import { stateProofCodec } from '../light/state-proof.ts';
import { type TransactionProof, transactionProofCodec } from '../light/transaction-proof.ts';
import { updateCodec } from '../light/update.ts';
import { consistencyProof, inclusionProof, leafHash, rangeProof } from '../merkle/list.ts';
import { type Bytes, type Bytes32, compareBytes, equalBytes, toHex } from '../primitives/bytes.ts';
import type { TestBlock, TestChain } from './chain.ts';

/** Reads a chain as a server of a given size would. A size above the tip is an error of the test. */
export class TestAnswers {
  readonly chain: TestChain;

  constructor(chain: TestChain) {
    this.chain = chain;
  }

  update(from: bigint, to = this.chain.size): Bytes | null {
    const { blocks, headerLeaves } = this.chain;
    const [start, end] = [blocks[Number(from) - 1], blocks[Number(to) - 1]];
    if (start === undefined || end === undefined || from > to) return null;
    const handovers: Handover[] = [];
    for (let epoch = start.header.epoch; epoch < end.header.epoch; epoch++) {
      handovers.push(this.#handover(epoch) as Handover);
    }
    return updateCodec.encode({
      from: { size: from, root: start.root },
      handovers,
      checkpoint: end.checkpoint,
      header: end.header,
      inclusion: inclusionProof(headerLeaves.slice(0, Number(to)), to - 1n),
      consistency: consistencyProof(headerLeaves, from, to),
    });
  }

  handover(epoch: number): Bytes | null {
    const handover = this.#handover(epoch);
    return handover === null ? null : handoverCodec.encode(handover);
  }

  validatorSet(hash: Bytes32): Bytes | null {
    const block = this.chain.blocks.find(({ validators }) => equalBytes(validators.hash, hash));
    return block === undefined ? null : validatorSetCodec.encode(block.validators);
  }

  genesis(): Bytes {
    return genesisCodec.encode(this.chain.genesis);
  }

  checkpoint(size = this.chain.size): string | null {
    const block = this.chain.blocks[Number(size) - 1];
    if (block === undefined || size === 1n) return null;
    return checkpointNote(block.checkpoint, this.chain.start.origin, block.validators);
  }

  headerProof(height: bigint, at = this.chain.size): Bytes | null {
    const block = this.chain.blocks[Number(height)];
    if (block === undefined || height >= at) return null;
    return headerProofCodec.encode({
      header: block.header,
      size: at,
      path: inclusionProof(this.chain.headerLeaves, height, at),
    });
  }

  headers(first: bigint, limit: number): Bytes[] {
    return this.chain.blocks
      .slice(Number(first), Number(first) + limit)
      .map(({ header }) => headerCodec.encode(header));
  }

  block(height: bigint): Bytes | null {
    const block = this.chain.blocks[Number(height)];
    if (block === undefined) return null;
    const { header, transactions } = block;
    const ends = header.nextValidatorsHash.some((byte) => byte !== 0);
    const nextValidators = ends ? this.chain.nextValidators : null;
    return blockCodec.encode({
      ...{ header, transactions, nextValidators },
      ...{ committed: [], equivocations: [] },
    });
  }

  transaction(txid: Bytes32): Bytes | null {
    const place = this.chain.placeByTxid.get(toHex(txid));
    if (place === undefined) return null;
    return this.chain.blocks[place.height]?.transactions[place.position] ?? null;
  }

  transactionProof(txid: Bytes32, at = this.chain.size): Bytes | null {
    const proof = this.#transactionProof(txid, at);
    return proof === null ? null : transactionProofCodec.encode(proof);
  }

  receipt(txid: Bytes32, at = this.chain.size): string | null {
    const proof = this.#transactionProof(txid, at);
    const block = this.chain.blocks[Number(at) - 1];
    if (proof === null || block === undefined) return null;
    return formatReceipt(
      {
        origin: this.chain.start.origin,
        epoch: block.header.epoch,
        handovers: [],
        checkpoint: block.checkpoint,
        header: proof.header.header,
        path: proof.header.path,
        transaction: proof,
      },
      block.validators,
    );
  }

  addressProof(address: AddressBytes, at = this.chain.size): Bytes {
    const block = this.#at(at);
    const account = block.accounts.get(toHex(address));
    return addressProofCodec.encode({
      address,
      height: block.header.height,
      record: account?.record ?? null,
      proof: this.chain.tree.prove(block.state, addressKey(address)),
    });
  }

  stateProof(key: Bytes32, at = this.chain.size): Bytes {
    const block = this.#at(at);
    return stateProofCodec.encode({
      height: block.header.height,
      value: block.values.get(toHex(key)) ?? null,
      proof: this.chain.tree.prove(block.state, key),
    });
  }

  coins(address: AddressBytes, limit: number, after: Bytes32 | null, at = this.chain.size): Bytes {
    const block = this.#at(at);
    const rest = [...this.chain.account(address, block).coins.values()]
      .map((coin) => ({ coin, key: coinKey(coin) }))
      .filter(({ key }) => after === null || compareBytes(key, after) > 0)
      .sort((a, b) => compareBytes(a.key, b.key));
    return coinsPageCodec.encode({
      address,
      height: block.header.height,
      coins: rest.slice(0, limit).map(({ coin }) => coin),
      hasMore: rest.length > limit,
    });
  }

  history(address: AddressBytes, from: bigint, limit: number, at = this.chain.size): Bytes | null {
    const block = this.#at(at);
    const { history } = this.chain.account(address, block);
    const to = Math.min(history.length, Number(from) + limit);
    if (Number(from) > history.length || (to === Number(from) && history.length > 0)) return null;
    const leaves = history.map((entry) => leafHash(historyEntryCodec.encode(entry)));
    return historyPageCodec.encode({
      address,
      height: block.header.height,
      from,
      entries: history.slice(Number(from), to),
      path: history.length === 0 ? [] : rangeProof(leaves, from, BigInt(to)),
    });
  }

  #at(size: bigint): TestBlock {
    const block = this.chain.blocks[Number(size) - 1];
    if (block === undefined) throw new RangeError(`the chain has no size ${size}`);
    return block;
  }

  #handover(epoch: number): Handover | null {
    const { blocks, headerLeaves } = this.chain;
    const last = blocks.findLast(({ header }) => header.epoch === epoch);
    const next = blocks.find(({ header }) => header.epoch === epoch + 1);
    if (last === undefined || next === undefined) return null;
    const size = last.header.height + 1n;
    const isSame = equalBytes(last.validators.hash, next.validators.hash);
    return {
      checkpoint: last.checkpoint,
      header: last.header,
      path: inclusionProof(headerLeaves, size - 1n, size),
      nextValidators: isSame ? null : next.validators,
    };
  }

  #transactionProof(txid: Bytes32, at: bigint): TransactionProof | null {
    const place = this.chain.placeByTxid.get(toHex(txid));
    const block = place === undefined ? undefined : this.chain.blocks[place.height];
    if (place === undefined || block === undefined || BigInt(place.height) >= at) return null;
    const bytes = block.transactions[place.position] as Bytes;
    const signed = signedTransactionCodec.decode(bytes);
    return {
      header: {
        header: block.header,
        size: at,
        path: inclusionProof(this.chain.headerLeaves, block.header.height, at),
      },
      transaction: transactionCodec.encode(signed.transaction),
      witnesses: witnessesCodec.encode(signed.witnesses),
      position: place.position,
      path: inclusionProof(block.leaves, BigInt(place.position)),
    };
  }
}
