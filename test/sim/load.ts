/**
 * The clients of a run: they spend coins, sometimes one coin twice, and try again until a
 * transaction is executed or can no longer be.
 */
import { signedTransactionCodec, type Transaction } from 'fanal/chain/transaction.ts';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import type { Bytes32 } from 'fanal/primitives/bytes.ts';
import type { PendingTransaction } from 'fanal-node/core/types.ts';
import {
  GENESIS_COIN_UNITS,
  GENESIS_COINS,
  genesisOutpoint,
  type KnownTransaction,
  readTransaction,
} from './ledger.ts';
import type { LoadOptions } from './plan.ts';
import type { Random } from './random.ts';

interface SpendableCoin {
  readonly txid: Bytes32;
  readonly index: number;
  readonly amount: bigint;
}

/** A transaction that a client waits for. */
export interface PendingPayment {
  readonly transaction: PendingTransaction;
  readonly known: KnownTransaction;
  readonly madeAt: number;
}

const NO_EXPIRY = 1_000_000_000n;

export class Load {
  readonly #options: LoadOptions;
  readonly #random: Random;
  readonly #chain: Uint8Array;
  readonly #coins: SpendableCoin[] = [];
  /** Coins spent lately, to spend once more. */
  readonly #recent: SpendableCoin[] = [];
  readonly pending = new Map<string, PendingPayment>();
  made = 0;

  constructor(options: LoadOptions, genesisId: Bytes32, random: Random) {
    this.#options = options;
    this.#random = random;
    this.#chain = genesisId.slice(0, 4);
    for (let i = 0; i < GENESIS_COINS; i++) {
      this.#coins.push({ ...genesisOutpoint(i), amount: GENESIS_COIN_UNITS });
    }
  }

  /** Makes a payment; undefined while every coin is under way. */
  make(now: number): PendingPayment | undefined {
    const coin = this.#choose();
    if (coin === undefined) return undefined;
    const transaction = this.#spend(coin);
    const bytes = signedTransactionCodec.encode({ transaction, witnesses: [] });
    const known = readTransaction(bytes);
    if (known === null) throw new Error('a payment of the simulator must be readable');
    const payment = { transaction: { id: known.id, bytes }, known, madeAt: now };
    this.pending.set(known.key, payment);
    this.made++;
    return payment;
  }

  /** A payment is executed: what it made can be spent. */
  executed(key: string): void {
    const payment = this.pending.get(key);
    if (payment === undefined) return;
    this.pending.delete(key);
    const { signed, id } = payment.known;
    for (const [index, { amount }] of signed.transaction.outputs.entries()) {
      if (amount > 1_000n) this.#coins.push({ txid: id, index, amount });
    }
  }

  /** A payment whose coin another one spent will never be executed. */
  refused(key: string): void {
    this.pending.delete(key);
  }

  #choose(): SpendableCoin | undefined {
    if (this.#recent.length > 0 && this.#random.chance(this.#options.conflicting)) {
      return this.#random.pick(this.#recent);
    }
    const at = this.#random.below(this.#coins.length);
    const coin = this.#coins[at];
    if (coin === undefined) return undefined;
    this.#coins[at] = this.#coins.at(-1) as SpendableCoin;
    this.#coins.pop();
    this.#recent.push(coin);
    if (this.#recent.length > 32) this.#recent.shift();
    return coin;
  }

  #spend({ txid, index, amount }: SpendableCoin): Transaction {
    // One output of 41 bytes after another, until the transaction has the wanted size.
    const count = Math.max(1, Math.min(64, Math.floor((this.#options.sizeBytes - 70) / 41)));
    const part = amount / BigInt(count);
    const outputs = Array.from({ length: count }, (_, i) => ({
      amount: i === 0 ? amount - part * BigInt(count - 1) : part,
      address: new Uint8Array(33) as AddressBytes,
    }));
    return {
      chain: this.#chain,
      expiry: NO_EXPIRY,
      inputs: [{ txid, index }],
      outputs,
      actions: [],
      note: this.#random.bytes(8),
    };
  }
}

/** Says whether a coin of this transaction is gone, so that it cannot be executed any more. */
export function isHopeless(known: KnownTransaction, isSpent: (coin: string) => boolean): boolean {
  return known.spends.some(isSpent);
}
