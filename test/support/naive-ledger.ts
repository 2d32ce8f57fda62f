/**
 * The ledger as a beginner would write it: everything in plain maps, every root computed from
 * scratch. Slow, and so simple that one can see it is right.
 */
import { addressRecordCodec } from 'fanal/chain/address-record.ts';
import { type Coin, coinValueCodec } from 'fanal/chain/coin.ts';
import { type EpochState, epochStateCodec } from 'fanal/chain/epoch-state.ts';
import type { Genesis } from 'fanal/chain/genesis.ts';
import { type GenesisState, genesisState } from 'fanal/chain/genesis-state.ts';
import { type Header, headerCodec } from 'fanal/chain/header.ts';
import { type HistoryEntry, historyEntryCodec } from 'fanal/chain/history-entry.ts';
import { paramsCodec } from 'fanal/chain/params.ts';
import {
  addressKey,
  coinKey,
  EPOCH_KEY,
  PARAMETERS_KEY,
  validatorKey,
} from 'fanal/chain/state-keys.ts';
import {
  signedTransactionCodec,
  transactionId,
  transactionSighash,
  witnessesCodec,
} from 'fanal/chain/transaction.ts';
import { transactionLeaf } from 'fanal/chain/transaction-leaf.ts';
import { type ValidatorRecord, validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import { witnessAddress, witnessItems } from 'fanal/chain/witness.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import { leafHash, listRoot } from 'fanal/merkle/list.ts';
import { mapRoot } from 'fanal/merkle/map.ts';
import { type Bytes, fromHex, toHex, ZERO_32 } from 'fanal/primitives/bytes.ts';
import { type Hash, sha256 } from 'fanal/primitives/hash.ts';
import type { BlockInput } from '../../node/core/types.ts';
import { verifyNatively } from '../../node/runtime/native-verify.ts';

interface OwnedCoin extends Coin {
  readonly owner: string;
}

interface State {
  readonly headers: Header[];
  /** By `txid:index`. */
  readonly coins: Map<string, OwnedCoin>;
  /** By address in hex. */
  readonly history: Map<string, HistoryEntry[]>;
  readonly records: Map<string, ValidatorRecord>;
  readonly txids: Set<string>;
  epoch: EpochState;
}

/** Executes payments. Actions and the ends of epochs have tests of their own. */
export class NaiveLedger {
  readonly genesis: Genesis;
  readonly start: GenesisState;
  #state: State;

  constructor(genesis: Genesis) {
    this.genesis = genesis;
    this.start = genesisState(genesis);
    this.#state = {
      headers: [this.start.header],
      coins: new Map(
        this.start.addresses.map(({ address, coin }) => [
          nameOf(coin),
          { ...coin, owner: toHex(address) },
        ]),
      ),
      history: new Map(this.start.addresses.map(({ address, entry }) => [toHex(address), [entry]])),
      records: new Map(this.start.records.map((record) => [record.name, record])),
      txids: new Set(),
      epoch: {
        epoch: 0,
        startTime: genesis.time,
        supply: total(genesis),
        fees: 0n,
        committed: genesis.validators.map(() => 0n),
      },
    };
  }

  get headers(): readonly Header[] {
    return this.#state.headers;
  }

  get coins(): readonly OwnedCoin[] {
    return [...this.#state.coins.values()];
  }

  get fees(): bigint {
    return this.#state.epoch.fees;
  }

  coinsOf(address: AddressBytes): readonly Coin[] {
    return this.coins
      .filter(({ owner }) => owner === toHex(address))
      .map(({ owner: _, ...coin }) => coin);
  }

  historyOf(address: AddressBytes): readonly HistoryEntry[] {
    return this.#state.history.get(toHex(address)) ?? [];
  }

  /** A copy that goes its own way. */
  copy(): NaiveLedger {
    const copy = new NaiveLedger(this.genesis);
    copy.#state = structuredClone(this.#state);
    return copy;
  }

  /** Executes a block. Returns for each transaction whether it is in. */
  execute(input: BlockInput): boolean[] {
    const state = this.#state;
    const leaves: Hash[] = [];
    const included = input.transactions.map((bytes) => {
      const leaf = this.#include(bytes, input.height, leaves.length);
      if (leaf !== null) leaves.push(leaf);
      return leaf !== null;
    });
    state.epoch = {
      ...state.epoch,
      committed: state.epoch.committed.map((count, i) => count + BigInt(input.rewards[i] ?? 0)),
    };
    const headerLeaves = state.headers.map((header) => leafHash(headerCodec.encode(header)));
    state.headers.push({
      version: this.genesis.params.protocolVersion,
      height: input.height,
      epoch: input.epoch,
      time: input.time,
      previousRoot: listRoot(headerLeaves),
      txRoot: listRoot(leaves),
      txCount: leaves.length,
      stateRoot: this.stateRoot(),
      validatorsHash: this.start.validators.hash,
      nextValidatorsHash: ZERO_32,
      commitIndex: input.commitIndex,
      commitDigest: input.commitDigest,
      consensusSnapshotHash: input.consensusSnapshotHash,
    });
    return included;
  }

  stateRoot(): Hash {
    const { history, records, epoch } = this.#state;
    const entries: [key: Hash, value: Bytes][] = [
      [PARAMETERS_KEY, paramsCodec.encode(this.genesis.params)],
      [EPOCH_KEY, epochStateCodec.encode(epoch)],
    ];
    for (const record of records.values()) {
      entries.push([validatorKey(record.name), validatorRecordCodec.encode(record)]);
    }
    for (const text of history.keys()) {
      const address = fromHex(text) as AddressBytes;
      const coins = this.coinsOf(address);
      const lines = this.historyOf(address);
      const record = {
        balance: coins.reduce((sum, { amount }) => sum + amount, 0n),
        coinCount: BigInt(coins.length),
        coinsRoot: mapRoot(
          coins.map((coin) => ({
            key: coinKey(coin),
            valueHash: sha256(coinValueCodec.encode(coin)),
          })),
        ),
        historySize: BigInt(lines.length),
        historyRoot: listRoot(lines.map((line) => leafHash(historyEntryCodec.encode(line)))),
      };
      entries.push([addressKey(address), addressRecordCodec.encode(record)]);
    }
    return mapRoot(entries.map(([key, value]) => ({ key, valueHash: sha256(value) })));
  }

  #include(bytes: Bytes, height: bigint, position: number): Hash | null {
    const state = this.#state;
    const { genesisId } = this.start;
    const { dust, feePerByte } = this.genesis.params;
    const { transaction, witnesses } = signedTransactionCodec.decode(bytes);
    const { inputs, outputs, expiry } = transaction;
    const txid = transactionId(transaction);
    if (state.txids.has(toHex(txid)) || expiry < height || inputs.length === 0) return null;
    if (new Set(inputs.map(nameOf)).size !== inputs.length) return null;
    if (outputs.some(({ amount }) => amount < dust)) return null;
    const spent = inputs.map((input) => state.coins.get(nameOf(input)));
    if (spent.some((coin) => coin === undefined)) return null;
    const coins = spent as OwnedCoin[];
    const owners = [...new Set(coins.map(({ owner }) => owner))];
    if (owners.join() !== witnesses.map((w) => toHex(witnessAddress(w))).join()) return null;
    const fee = sum(coins) - sum(outputs);
    if (fee < feePerByte * BigInt(bytes.length)) return null;
    const sighash = transactionSighash(transaction, genesisId);
    const items = witnesses.flatMap((witness) => witnessItems(witness, sighash));
    if (!verifyNatively(items).every((verdict) => verdict)) return null;

    for (const input of inputs) state.coins.delete(nameOf(input));
    outputs.forEach(({ amount, address }, index) => {
      const coin = { txid, index, amount, height, owner: toHex(address) };
      state.coins.set(nameOf(coin), coin);
    });
    for (const owner of new Set([...owners, ...outputs.map(({ address }) => toHex(address))])) {
      const received = sum(outputs.filter(({ address }) => toHex(address) === owner));
      const gone = sum(coins.filter((coin) => coin.owner === owner));
      const lines = state.history.get(owner) ?? [];
      state.history.set(owner, [...lines, { height, position, txid, received, spent: gone }]);
    }
    state.txids.add(toHex(txid));
    state.epoch = { ...state.epoch, fees: state.epoch.fees + fee };
    return leafHash(transactionLeaf(txid, witnessesCodec.encode(witnesses)));
  }
}

function nameOf({ txid, index }: { txid: Bytes; index: number }): string {
  return `${toHex(txid)}:${index}`;
}

function sum(parts: readonly { amount: bigint }[]): bigint {
  return parts.reduce((so, { amount }) => so + amount, 0n);
}

function total({ balances, validators }: Genesis): bigint {
  return sum(balances) + validators.reduce((so, { stake }) => so + stake, 0n);
}
