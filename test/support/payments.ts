/**
 * Payments on a local network, made and signed natively and sent over HTTP.
 */

import { genesisState } from 'fanal/chain/genesis-state.ts';
import {
  CHAIN_BYTES,
  type Outpoint,
  signedTransactionCodec,
  transactionId,
  transactionSighash,
} from 'fanal/chain/transaction.ts';
import { type AddressBytes, addressFromKey } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import {
  type Bytes,
  type Bytes32,
  EMPTY_BYTES,
  equalBytes,
  toHex,
} from 'fanal/primitives/bytes.ts';
import { nativeSigner } from 'fanal-node/runtime/native-crypto.ts';
import type { LocalAccount, LocalNetwork } from 'fanal-node/testnet/local.ts';

export interface OwnedCoin {
  readonly outpoint: Outpoint;
  readonly amount: bigint;
}

export interface Payment {
  readonly id: string;
  readonly txid: Bytes32;
  readonly bytes: Bytes;
  /** What the payment leaves its payer, in order of the outputs. */
  readonly own: readonly OwnedCoin[];
}

/** One account that pays. */
export class Payer {
  readonly address: AddressBytes;
  readonly #publicKey: Bytes;
  readonly #sign: (message: Bytes) => Bytes;
  readonly #genesisId: Bytes32;
  readonly #feePerByte: bigint;
  coins: OwnedCoin[];

  constructor(network: LocalNetwork, account: LocalAccount) {
    this.#publicKey = publicKeyFromSeed(account.seed);
    this.address = addressFromKey(this.#publicKey);
    this.#sign = nativeSigner(account.seed);
    this.#genesisId = network.chain.genesisId;
    this.#feePerByte = network.chain.genesis.params.feePerByte;
    this.coins = genesisCoins(network, this.address);
  }

  /** Pays `amount` to somebody out of one coin; the rest comes back. */
  pay(coin: OwnedCoin, to: AddressBytes, amount: bigint): Payment {
    return this.#make(coin, [{ address: to, amount }], true);
  }

  /** Moves a whole coin to somebody. */
  move(coin: OwnedCoin, to: AddressBytes): Payment {
    const fee = this.#feePerByte * 300n;
    return this.#make(coin, [{ address: to, amount: coin.amount - fee }], false);
  }

  /** Splits a coin into equal ones of our own. */
  split(coin: OwnedCoin, count: number): Payment {
    const fee = this.#feePerByte * BigInt(200 + 41 * count);
    const amount = (coin.amount - fee) / BigInt(count);
    const outputs = Array.from({ length: count }, () => ({ address: this.address, amount }));
    return this.#make(coin, outputs, false);
  }

  #make(
    coin: OwnedCoin,
    to: readonly { address: AddressBytes; amount: bigint }[],
    change: boolean,
  ): Payment {
    const spent = to.reduce((sum, { amount }) => sum + amount, 0n);
    const fee = this.#feePerByte * 300n;
    const outputs = change
      ? [...to, { address: this.address, amount: coin.amount - spent - fee }]
      : to;
    const transaction = {
      chain: this.#genesisId.slice(0, CHAIN_BYTES),
      expiry: 60_000n,
      inputs: [coin.outpoint],
      outputs,
      actions: [],
      note: EMPTY_BYTES,
    };
    const signature = this.#sign(transactionSighash(transaction, this.#genesisId));
    const witnesses = [{ kind: 'key' as const, publicKey: this.#publicKey as never, signature }];
    const txid = transactionId(transaction);
    const own = outputs.flatMap(({ address, amount }, index) =>
      equalBytes(address, this.address) ? [{ outpoint: { txid, index }, amount }] : [],
    );
    const bytes = signedTransactionCodec.encode({ transaction, witnesses });
    return { id: toHex(txid), txid, bytes, own };
  }
}

/** Hands a payment to a node; what it answered. */
export async function submit(
  url: string,
  { bytes }: Pick<Payment, 'bytes'>,
): Promise<{ status: number; body: string }> {
  const response = await fetch(`${url}/v1/transactions`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: bytes as Uint8Array<ArrayBuffer>,
  });
  return { status: response.status, body: await response.text() };
}

/** What a node says of a payment: unknown, pending, committed, certified, rejected. */
export async function statusOf(url: string, id: string): Promise<string> {
  const response = await fetch(`${url}/v1/transactions/${id}/status`);
  if (response.status === 404) return 'unknown';
  const { kind } = (await response.json()) as { kind: string };
  return kind;
}

function genesisCoins({ chain }: LocalNetwork, address: AddressBytes): OwnedCoin[] {
  return genesisState(chain.genesis)
    .addresses.filter((entry) => equalBytes(entry.address, address))
    .map(({ coin: { txid, index, amount } }) => ({ outpoint: { txid, index }, amount }));
}
