/**
 * The state that a genesis file makes, header 0 over it, and the genesis id (docs/protocol.md §6.5).
 *
 * Whoever holds the file computes the id by themselves: it is the one thing to compare by voice.
 */
import type { AddressBytes } from '../crypto/address.ts';
import { EMPTY_ROOT, leafHash } from '../merkle/list-hash.ts';
import { mapRoot } from '../merkle/map.ts';
import { type Bytes, type Bytes32, ZERO_32 } from '../primitives/bytes.ts';
import { type Hash, type HashFunction, sha256 } from '../primitives/hash.ts';
import { type AddressRecord, addressRecordCodec } from './address-record.ts';
import { type Coin, coinValueCodec } from './coin.ts';
import { epochStateCodec } from './epoch-state.ts';
import { type Genesis, genesisDigest, genesisSupply, genesisValidatorSet } from './genesis.ts';
import { blockId, type Header } from './header.ts';
import { type HistoryEntry, historyEntryCodec } from './history-entry.ts';
import { originOf } from './origin.ts';
import { paramsCodec } from './params.ts';
import { addressKey, coinKey, EPOCH_KEY, PARAMETERS_KEY, validatorKey } from './state-keys.ts';
import { type ValidatorRecord, validatorRecordCodec } from './validator-record.ts';
import type { ValidatorSet } from './validators.ts';

/** One entry of the state map. */
export interface StateEntry {
  readonly key: Bytes32;
  readonly value: Bytes;
}

/** An address of the genesis file, with its one coin and its one line of history. */
export interface GenesisAddress {
  readonly address: AddressBytes;
  readonly coin: Coin;
  readonly entry: HistoryEntry;
  readonly record: AddressRecord;
}

/** Everything that follows from a genesis file. */
export interface GenesisState {
  readonly header: Header;
  /** The block id of header 0. */
  readonly genesisId: Hash;
  readonly origin: string;
  readonly validators: ValidatorSet;
  readonly addresses: readonly GenesisAddress[];
  readonly records: readonly ValidatorRecord[];
  /** Addresses, validators, parameters and the epoch's accounts: the whole state map. */
  readonly entries: readonly StateEntry[];
}

/**
 * Computes the state of a genesis that `checkGenesis` accepts.
 *
 * @param hash a faster SHA-256, where there is one and the file is long
 */
export function genesisState(genesis: Genesis, hash: HashFunction = sha256): GenesisState {
  const digest = genesisDigest(genesis);
  const validators = genesisValidatorSet(genesis);
  const addresses = genesis.balances.map(({ address, amount }, index) =>
    genesisAddress(address, { txid: digest, index, amount, height: 0n }),
  );
  const records = genesis.validators.map(
    ({ registration: { proofs: _, ...rest }, stake }): ValidatorRecord => ({
      ...rest,
      stake,
      pendingBond: 0n,
      pendingUnbond: 0n,
      retired: false,
      unbondings: [],
      jailedUntil: 0,
      accountableFromEpoch: 0,
      accountableFromSize: 0n,
    }),
  );
  const epochState = {
    epoch: 0,
    startTime: genesis.time,
    supply: genesisSupply(genesis),
    fees: 0n,
    committed: validators.validators.map(() => 0n),
  };
  const entries: StateEntry[] = [
    ...addresses.map(({ address, record }) => ({
      key: addressKey(address),
      value: addressRecordCodec.encode(record),
    })),
    ...records.map((record) => ({
      key: validatorKey(record.name),
      value: validatorRecordCodec.encode(record),
    })),
    { key: PARAMETERS_KEY, value: paramsCodec.encode(genesis.params) },
    { key: EPOCH_KEY, value: epochStateCodec.encode(epochState) },
  ];
  const header: Header = {
    version: genesis.params.protocolVersion,
    height: 0n,
    epoch: 0,
    time: genesis.time,
    previousRoot: EMPTY_ROOT,
    txRoot: EMPTY_ROOT,
    txCount: 0,
    stateRoot: mapRoot(
      entries.map(({ key, value }) => ({ key, valueHash: hash(value) })),
      hash,
    ),
    validatorsHash: validators.hash,
    nextValidatorsHash: ZERO_32,
    commitIndex: 0n,
    commitDigest: digest,
    consensusSnapshotHash: ZERO_32,
  };
  const genesisId = blockId(header);
  const origin = originOf(genesis.domain, genesis.network, genesisId);
  return { header, genesisId, origin, validators, addresses, records, entries };
}

function genesisAddress(address: AddressBytes, coin: Coin): GenesisAddress {
  const entry: HistoryEntry = {
    height: 0n,
    position: coin.index,
    txid: coin.txid,
    received: coin.amount,
    spent: 0n,
  };
  const leaf = { key: coinKey(coin), valueHash: sha256(coinValueCodec.encode(coin)) };
  const record: AddressRecord = {
    balance: coin.amount,
    coinCount: 1n,
    coinsRoot: mapRoot([leaf]),
    historySize: 1n,
    historyRoot: leafHash(historyEntryCodec.encode(entry)),
  };
  return { address, coin, entry, record };
}
