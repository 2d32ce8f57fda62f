/**
 * What the ledger answers about addresses and the state, as of any provable height.
 */
import type { Coin } from 'fanal/chain/coin.ts';
import { MAX_COINS_PER_PAGE, MAX_HISTORY_PER_PAGE } from 'fanal/chain/limits.ts';
import { addressKey } from 'fanal/chain/state-keys.ts';
import { validatorRecordCodec } from 'fanal/chain/validator-record.ts';
import { type AddressBytes, asAddress } from 'fanal/crypto/address.ts';
import { addressProofCodec } from 'fanal/light/address-proof.ts';
import { coinsPageCodec } from 'fanal/light/coins.ts';
import { historyPageCodec } from 'fanal/light/history.ts';
import { stateProofCodec } from 'fanal/light/state-proof.ts';
import { type Bytes, type Bytes32, EMPTY_BYTES } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import type { StoredAccount } from './account-store.ts';
import { type ChainReads, encode, pruned } from './chain-reads.ts';
import type { CoinHolder } from './coin-store.ts';
import type { LedgerEngine } from './engine.ts';
import { rewardShares } from './epoch-cut.ts';
import type {
  CoinsQuery,
  Encoded,
  HistoryQuery,
  SpendableCoin,
  ValidatorBoardRow,
  WantedCoin,
} from './ledger.ts';
import { RegistryDraft } from './registry.ts';
import { coinKeyOf, type StoredCoin } from './stored-coin.ts';
import type { Tables } from './tables.ts';

export class AddressReads {
  readonly #engine: LedgerEngine;
  readonly #chain: ChainReads;

  constructor(engine: LedgerEngine, chain: ChainReads) {
    this.#engine = engine;
    this.#chain = chain;
  }

  addressProof(bytes: Bytes, at?: bigint): Encoded<'AddressProof'> {
    const address = asAddress(bytes);
    const height = this.#heightAt(at);
    const account = this.#at(address, height);
    return encode(addressProofCodec, {
      ...{ address, height },
      record: account?.record ?? null,
      proof: this.#engine.tree.prove(height, addressKey(address)),
    });
  }

  stateProof(key: Bytes32, at?: bigint): Encoded<'StateProof'> {
    const height = this.#heightAt(at);
    return encode(stateProofCodec, {
      height,
      value: recordAt(this.#engine.tables, key, height),
      proof: this.#engine.tree.prove(height, key),
    });
  }

  coins(bytes: Bytes, { at, after, limit }: CoinsQuery): Encoded<'CoinsPage'> {
    const address = asAddress(bytes);
    const height = this.#heightAt(at);
    const count = Math.max(1, Math.min(limit, MAX_COINS_PER_PAGE));
    const account = this.#at(address, height);
    const found =
      account === null
        ? []
        : coinsAt(this.#engine.tables, account, height, after ?? EMPTY_BYTES, count + 1);
    return encode(coinsPageCodec, {
      ...{ address, height },
      coins: found.slice(0, count) as Coin[],
      hasMore: found.length > count,
    });
  }

  history(bytes: Bytes, { at, first, limit }: HistoryQuery): Encoded<'HistoryPage'> {
    const address = asAddress(bytes);
    const height = this.#heightAt(at);
    const count = Math.max(1, Math.min(limit, MAX_HISTORY_PER_PAGE));
    const { history } = this.#engine.tables;
    const account = this.#at(address, height);
    const size = account?.record.historySize ?? 0n;
    if (account === null || first >= size) {
      if (first !== 0n) {
        throw new FanalError('ledger/history', `expected a line below ${size}, found ${first}`);
      }
      return encode(historyPageCodec, { address, height, from: 0n, entries: [], path: [] });
    }
    const entries = history.entries(account.id, first, count, size);
    const end = first + BigInt(entries.length);
    const path = history.rangePath(account.id, first, end, size);
    return encode(historyPageCodec, { address, height, from: first, entries, path });
  }

  spendable(inputs: readonly WantedCoin[]): (SpendableCoin | null)[] {
    const { accounts, coins } = this.#engine.tables;
    return inputs.map((input) => {
      const key = coinKeyOf(input);
      for (const address of input.addresses) {
        const account = accounts.known(address);
        const coin = account === null ? null : coins.get(account, key);
        if (coin !== null) return { amount: coin.amount, address, height: coin.height };
      }
      return null;
    });
  }

  validators(number?: number): ValidatorBoardRow[] {
    const { registry, tables } = this.#engine;
    const epoch = number ?? registry.epoch.epoch;
    const stored = tables.epochs.get(epoch);
    if (stored === null) return [];
    const isRunning = epoch === registry.epoch.epoch;
    const set = tables.epochs.setOf(epoch);
    const { shares } = rewardShares(RegistryDraft.of(registry));
    const rows = [...registry.records.values()].map((record): ValidatorBoardRow => {
      const index = set.validators.findIndex(({ name }) => name === record.name);
      const kept = tables.epochs.performance(epoch, record.name);
      const running = {
        rounds: registry.epoch.committed[index] ?? 0n,
        rewards: shares[index] ?? 0n,
      };
      return {
        name: record.name,
        record: encode(validatorRecordCodec, record),
        active: index >= 0,
        stake: set.validators[index]?.stake ?? record.stake,
        readyFor: (isRunning ? registry.readiness?.versions[index] : undefined) ?? 0,
        ...(isRunning ? running : { rounds: kept.rounds, rewards: kept.rewards }),
        checkpoints: kept.checkpoints,
        cosigned: kept.cosigned,
        mismatched: kept.mismatched,
      };
    });
    return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** An address as of a height; null when it was not used by then. */
  #at(address: AddressBytes, height: bigint): StoredAccount | null {
    return accountAt(this.#engine.tables, address, height);
  }

  /** The height whose state an answer speaks of. */
  #heightAt(at: bigint | undefined): bigint {
    const height = this.#chain.sizeAt(at) - 1n;
    if (!this.#engine.tree.has(height)) throw pruned(`the state of height ${height}`);
    return height;
  }
}

/** An address as of a height of the window; null when it was not used by then. */
export function accountAt(
  { accounts, undo }: Tables,
  address: Bytes,
  height: bigint,
): StoredAccount | null {
  const now = accounts.find(address);
  if (now === null) return null;
  const record = undo.accountAt(now.id, height) ?? now.record;
  return record.historySize === 0n ? null : { ...now, record };
}

/** A state record as of a height of the window. */
export function recordAt({ records, undo }: Tables, key: Bytes, height: bigint): Bytes | null {
  const before = undo.recordAt(key, height);
  return before === undefined ? records.get(key) : before;
}

/** Coins of an address as of a height of the window, in key order, above the key `after`. */
export function coinsAt(
  { coins, undo }: Tables,
  holder: CoinHolder,
  height: bigint,
  after: Bytes,
  limit: number,
): StoredCoin[] {
  const gone = undo.coinsSpentSince(holder.id, height);
  return coins.list(holder, height, after, limit, gone);
}
