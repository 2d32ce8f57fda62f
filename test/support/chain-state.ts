/**
 * A ledger for tests: coins, records and histories kept the plainest way, with every height's state
 * still provable. The node's own ledger is a different program, so the two can be compared.
 */
import { type AddressRecord, addressRecordCodec } from 'fanal/chain/address-record.ts';
import { type Coin, coinValueCodec } from 'fanal/chain/coin.ts';
import { type EpochState, epochStateCodec } from 'fanal/chain/epoch-state.ts';
import type { GenesisState } from 'fanal/chain/genesis-state.ts';
import { type HistoryEntry, historyEntryCodec } from 'fanal/chain/history-entry.ts';
import { addressKey, coinKey, EPOCH_KEY, validatorKey } from 'fanal/chain/state-keys.ts';
import { type SignedTransaction, transactionId } from 'fanal/chain/transaction.ts';
import { type ValidatorRecord, validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import type { ValidatorSet } from 'fanal/chain/validators.ts';
import { witnessAddress } from 'fanal/chain/witness.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import { leafHash, listRoot } from 'fanal/merkle/list.ts';
import { type MapProof, mapRoot } from 'fanal/merkle/map.ts';
import { EMPTY_MAP, type MapRoot, MapTree } from 'fanal/merkle/map-tree.ts';
import { type Bytes, type Bytes32, compareBytes, toHex } from 'fanal/primitives/bytes.ts';
import { sha256 } from 'fanal/primitives/hash.ts';

/** An address at one height. */
export interface AddressSnapshot {
  readonly address: AddressBytes;
  /** Ascending by coin key. */
  readonly coins: readonly Coin[];
  readonly history: readonly HistoryEntry[];
  readonly record: AddressRecord;
}

interface HeightState {
  readonly root: MapRoot;
  readonly addresses: ReadonlyMap<string, AddressSnapshot>;
  readonly values: ReadonlyMap<string, Bytes>;
  readonly epoch: EpochState;
}

export class ChainState {
  readonly #tree = new MapTree();
  readonly #heights: HeightState[] = [];

  constructor(genesis: GenesisState, epoch: EpochState) {
    const addresses = new Map<string, AddressSnapshot>();
    for (const { address, coin, entry, record } of genesis.addresses) {
      addresses.set(toHex(address), { address, coins: [coin], history: [entry], record });
    }
    const values = new Map(genesis.entries.map(({ key, value }) => [toHex(key), value]));
    const changes = genesis.entries.map(({ key, value }) => ({ key, valueHash: sha256(value) }));
    const { root } = this.#tree.update(EMPTY_MAP, changes);
    this.#heights.push({ root, addresses, values, epoch });
  }

  /** The state after the newest block. */
  get tip(): HeightState {
    return this.#heights.at(-1) as HeightState;
  }

  root(height = this.#heights.length - 1): Bytes32 {
    return this.#tree.hash(this.#at(height).root);
  }

  address(address: AddressBytes, height = this.#heights.length - 1): AddressSnapshot | null {
    return this.#at(height).addresses.get(toHex(address)) ?? null;
  }

  value(key: Bytes32, height: number): Bytes | null {
    return this.#at(height).values.get(toHex(key)) ?? null;
  }

  prove(key: Bytes32, height: number): MapProof {
    return this.#tree.prove(this.#at(height).root, key);
  }

  /** Executes a block of payments. With `nextSet` the epoch ends with it. */
  execute(
    height: bigint,
    time: bigint,
    transactions: readonly SignedTransaction[],
    nextSet: ValidatorSet | null,
  ): void {
    const addresses = new Map(this.tip.addresses);
    let { epoch } = this.tip;
    const touched = new Set<string>();
    transactions.forEach((signed, position) => {
      const fee = this.#apply(addresses, signed, height, position, touched);
      epoch = { ...epoch, fees: epoch.fees + fee };
    });
    const changed = new Map<string, Bytes>();
    for (const text of touched) {
      const snapshot = withRecord(addresses.get(text) as AddressSnapshot);
      addresses.set(text, snapshot);
      changed.set(toHex(addressKey(snapshot.address)), addressRecordCodec.encode(snapshot.record));
    }
    if (nextSet !== null) {
      const committed = nextSet.validators.map(() => 0n);
      epoch = { ...epoch, epoch: epoch.epoch + 1, startTime: time, committed };
      for (const record of recordsOf(nextSet)) {
        changed.set(toHex(validatorKey(record.name)), validatorRecordCodec.encode(record));
      }
    }
    changed.set(toHex(EPOCH_KEY), epochStateCodec.encode(epoch));
    const changes = [...changed].map(([key, value]) => ({
      key: Uint8Array.from(key.match(/../g) ?? [], (digits) =>
        Number.parseInt(digits, 16),
      ) as Bytes32,
      valueHash: sha256(value),
    }));
    const { root } = this.#tree.update(this.tip.root, changes);
    const values = new Map([...this.tip.values, ...changed]);
    this.#heights.push({ root, addresses, values, epoch });
  }

  #apply(
    addresses: Map<string, AddressSnapshot>,
    { transaction, witnesses }: SignedTransaction,
    height: bigint,
    position: number,
    touched: Set<string>,
  ): bigint {
    const txid = transactionId(transaction);
    const received = new Map<string, bigint>();
    const spent = new Map<string, bigint>();
    const changedCoins = new Map<string, Coin[]>();
    const coinsOf = (text: string, address: AddressBytes) => {
      const known = changedCoins.get(text) ?? [...(addresses.get(text)?.coins ?? [])];
      changedCoins.set(text, known);
      if (!addresses.has(text))
        addresses.set(text, withRecord({ address, coins: [], history: [] }));
      return known;
    };
    for (const { txid: from, index } of transaction.inputs) {
      const owner = witnesses
        .map((witness) => witnessAddress(witness))
        .find((address) => {
          const coins = coinsOf(toHex(address), address);
          return coins.some((coin) => coin.index === index && toHex(coin.txid) === toHex(from));
        });
      if (owner === undefined) throw new Error('a test spends a coin that is not there');
      const text = toHex(owner);
      const coins = coinsOf(text, owner);
      const at = coins.findIndex((c) => c.index === index && toHex(c.txid) === toHex(from));
      const [coin] = coins.splice(at, 1) as [Coin];
      spent.set(text, (spent.get(text) ?? 0n) + coin.amount);
    }
    transaction.outputs.forEach(({ amount, address }, index) => {
      const text = toHex(address);
      coinsOf(text, address).push({ txid, index, amount, height });
      received.set(text, (received.get(text) ?? 0n) + amount);
    });
    for (const [text, coins] of changedCoins) {
      const before = addresses.get(text) as AddressSnapshot;
      const entry: HistoryEntry = {
        height,
        position,
        txid,
        received: received.get(text) ?? 0n,
        spent: spent.get(text) ?? 0n,
      };
      const history = [...before.history, entry];
      addresses.set(text, { ...before, coins: inKeyOrder(coins), history });
      touched.add(text);
    }
    return sum(spent.values()) - sum(received.values());
  }

  #at(height: number): HeightState {
    const state = this.#heights[height];
    if (state === undefined) throw new Error(`no state of height ${height}`);
    return state;
  }
}

/** The record that coins and history make. */
function withRecord(snapshot: Omit<AddressSnapshot, 'record'>): AddressSnapshot {
  const { coins, history } = snapshot;
  const leaves = coins.map((coin) => ({
    key: coinKey(coin),
    valueHash: sha256(coinValueCodec.encode(coin)),
  }));
  const record: AddressRecord = {
    balance: sum(coins.map(({ amount }) => amount)),
    coinCount: BigInt(coins.length),
    coinsRoot: mapRoot(leaves),
    historySize: BigInt(history.length),
    historyRoot: listRoot(history.map((entry) => leafHash(historyEntryCodec.encode(entry)))),
  };
  return { ...snapshot, record };
}

function recordsOf(set: ValidatorSet): ValidatorRecord[] {
  return set.validators.map((validator) => ({
    ...validator,
    addresses: [],
    pendingBond: 0n,
    pendingUnbond: 0n,
    retired: false,
    unbondings: [],
    jailedUntil: 0,
    accountableFromEpoch: 0,
    accountableFromSize: 0n,
  }));
}

function inKeyOrder(coins: readonly Coin[]): Coin[] {
  return coins.toSorted((a, b) => compareBytes(coinKey(a), coinKey(b)));
}

function sum(amounts: Iterable<bigint>): bigint {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return total;
}
