/**
 * Accounts that pay one another without end: each payment spends one coin and shares it between
 * somebody and its owner, and its outputs are coins to spend once it is in a block.
 */
import { genesisState } from 'fanal/chain/genesis-state.ts';
import {
  chainBytes,
  signedTransactionCodec,
  type Transaction,
  transactionId,
  transactionSighash,
} from 'fanal/chain/transaction.ts';
import { type AddressBytes, addressFromKey } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import { type Bytes, type Bytes32, EMPTY_BYTES, toHex } from 'fanal/primitives/bytes.ts';
import type { ChainIdentity } from '../runtime/chain-files.ts';
import { nativeSigner } from '../runtime/native-crypto.ts';
import type { SeededRandom } from './random.ts';

interface Account {
  readonly address: AddressBytes;
  readonly publicKey: Bytes;
  readonly sign: (message: Bytes) => Bytes;
}

interface Coin {
  readonly owner: Account;
  readonly txid: Bytes32;
  readonly index: number;
  readonly amount: bigint;
}

export interface OpenPayment {
  readonly bytes: Bytes;
  readonly submittedAt: number;
  sentAt: number;
  /** Coins that it will make. */
  readonly coins: readonly Coin[];
}

/** Coins that one payment makes at first, until there are enough to pay with at once. */
const SPLIT = 24;
const MIN_COIN = 10_000_000n;

export class Payers {
  readonly open = new Map<string, OpenPayment>();
  readonly #genesisId: Bytes32;
  readonly #feePerByte: bigint;
  readonly #accounts: readonly Account[];
  readonly #random: SeededRandom;
  readonly #spare: Coin[];
  readonly #wantedCoins: number;

  /** @param wantedCoins how many coins there shall be: payments that can be on their way at once */
  constructor(
    chain: ChainIdentity,
    seeds: readonly Bytes[],
    wantedCoins: number,
    random: SeededRandom,
  ) {
    this.#genesisId = chain.genesisId;
    this.#feePerByte = chain.genesis.params.feePerByte;
    this.#wantedCoins = wantedCoins;
    this.#random = random;
    this.#accounts = seeds.map((seed) => {
      const publicKey = publicKeyFromSeed(seed);
      return { publicKey, address: addressFromKey(publicKey), sign: nativeSigner(seed) };
    });
    const byAddress = new Map(this.#accounts.map((one) => [toHex(one.address), one]));
    this.#spare = genesisState(chain.genesis).addresses.flatMap(({ address, coin }) => {
      const owner = byAddress.get(toHex(address));
      return owner === undefined ? [] : [{ ...coin, owner }];
    });
  }

  /** The next payment; null while every coin is on its way. */
  next(now: number): { readonly name: string; readonly payment: OpenPayment } | null {
    const coin = this.#spare.shift();
    if (coin === undefined) return null;
    const few = this.#spare.length + this.open.size < this.#wantedCoins;
    const parts = few && coin.amount > MIN_COIN * 100n ? SPLIT : 2;
    const fee = this.#feePerByte * BigInt(200 + 41 * parts);
    const amount = (coin.amount - fee) / BigInt(parts);
    const owners = Array.from({ length: parts }, (_, i) =>
      i === 0 ? (this.#accounts[this.#random.below(this.#accounts.length)] as Account) : coin.owner,
    );
    const transaction: Transaction = {
      chain: chainBytes(this.#genesisId),
      expiry: 60_000n,
      inputs: [{ txid: coin.txid, index: coin.index }],
      outputs: owners.map(({ address }) => ({ amount, address })),
      actions: [],
      note: EMPTY_BYTES,
    };
    const signature = coin.owner.sign(transactionSighash(transaction, this.#genesisId));
    const witness = { kind: 'key' as const, publicKey: coin.owner.publicKey as never, signature };
    const bytes = signedTransactionCodec.encode({ transaction, witnesses: [witness] });
    const txid = transactionId(transaction);
    const coins = owners.map((owner, index) => ({ owner, txid, index, amount }));
    const payment: OpenPayment = { bytes, coins, submittedAt: now, sentAt: now };
    const name = toHex(txid);
    this.open.set(name, payment);
    return { name, payment };
  }

  /** A payment is in a block: its coins can be spent. Returns it if it was open. */
  included(txid: Bytes32): OpenPayment | undefined {
    const name = toHex(txid);
    const payment = this.open.get(name);
    if (payment === undefined) return undefined;
    this.open.delete(name);
    for (const coin of payment.coins) {
      if (coin.amount >= MIN_COIN && this.#spare.length < 2 * this.#wantedCoins) {
        this.#spare.push(coin);
      }
    }
    return payment;
  }
}
