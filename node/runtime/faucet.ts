/**
 * Coins for anyone who asks, on networks where coins are worth nothing.
 */

import { paramsCodec } from 'fanal/chain/params.ts';
import {
  CHAIN_BYTES,
  type Outpoint,
  type Output,
  signedTransactionCodec,
  transactionId,
  transactionSighash,
} from 'fanal/chain/transaction.ts';
import { type AddressBytes, addressFromKey } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import { coinsPageCodec } from 'fanal/light/coins.ts';
import { type Bytes, EMPTY_BYTES } from 'fanal/primitives/bytes.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import type { FaucetGrant, FaucetPort, MempoolPort } from '../api/ports.ts';
import type { AsyncLedger } from '../ledger/ledger.ts';
import { Quota } from '../network/quota.ts';
import { nativeSigner } from './native-crypto.ts';

/** What one request gets. */
export const FAUCET_UNITS = 100n * UNITS_PER_COIN;
const GRANTS_PER_SECOND = 5;
const GRANT_BURST = 20;
const EXPIRY_BLOCKS = 240n;
/** Payments that may hang on one another before a block takes them. */
const MAX_CHAIN = 20;

export interface FaucetOptions {
  readonly seed: Bytes;
  readonly ledger: AsyncLedger;
  readonly mempool: MempoolPort;
  readonly genesisId: Bytes;
}

/** Pays from one address, one payment after the other, each spending the change of the last. */
export class Faucet implements FaucetPort {
  readonly #options: FaucetOptions;
  readonly #sign: (message: Bytes) => Bytes;
  readonly #publicKey: Bytes;
  readonly #address: AddressBytes;
  readonly #quota = new Quota(GRANTS_PER_SECOND, GRANT_BURST, performance.now());
  #last: Promise<unknown> = Promise.resolve();
  #change: { outpoint: Outpoint; amount: bigint; depth: number } | null = null;

  constructor(options: FaucetOptions) {
    this.#options = options;
    this.#sign = nativeSigner(options.seed);
    this.#publicKey = publicKeyFromSeed(options.seed);
    this.#address = addressFromKey(this.#publicKey);
  }

  send(address: Bytes): Promise<FaucetGrant | null> {
    if (!this.#quota.take(1, performance.now())) return Promise.resolve(null);
    const grant = this.#last.then(() => this.#pay(address as AddressBytes));
    this.#last = grant.catch(() => {});
    return grant;
  }

  async #pay(address: AddressBytes): Promise<FaucetGrant | null> {
    // A change that is not there after all (its block never came) is found out and forgotten.
    for (let attempt = 0; attempt < 2; attempt++) {
      const grant = await this.#attempt(address);
      if (grant !== null) return grant;
      this.#change = null;
    }
    return null;
  }

  async #attempt(address: AddressBytes): Promise<FaucetGrant | null> {
    const { ledger, mempool, genesisId } = this.#options;
    const coin = this.#change ?? (await this.#largestCoin());
    if (coin === null) return null;
    const [info, tip] = await Promise.all([ledger.info(), ledger.tip()]);
    const { feePerByte } = paramsCodec.decode(info.params);
    // One input, two outputs, one witness: less than 300 bytes.
    const fee = 300n * feePerByte;
    const rest = coin.amount - FAUCET_UNITS - fee;
    if (rest < UNITS_PER_COIN) return null;
    const outputs: Output[] = [
      { amount: FAUCET_UNITS, address },
      { amount: rest, address: this.#address },
    ];
    const transaction = {
      chain: genesisId.slice(0, CHAIN_BYTES),
      expiry: tip.height + EXPIRY_BLOCKS,
      inputs: [coin.outpoint],
      outputs,
      actions: [],
      note: EMPTY_BYTES,
    };
    const signature = this.#sign(transactionSighash(transaction, genesisId as never));
    const witnesses = [{ kind: 'key' as const, publicKey: this.#publicKey as never, signature }];
    const bytes = signedTransactionCodec.encode({ transaction, witnesses });
    const outcome = await mempool.submit(bytes, 'faucet');
    if (outcome.kind === 'rejected') return null;
    const txid = transactionId(transaction);
    const depth = coin.depth + 1;
    this.#change =
      depth >= MAX_CHAIN ? null : { outpoint: { txid, index: 1 }, amount: rest, depth };
    return { txid, amount: FAUCET_UNITS };
  }

  async #largestCoin() {
    const page = coinsPageCodec.decode(
      await this.#options.ledger.coins(this.#address, { limit: 100 }),
    );
    let largest: { outpoint: Outpoint; amount: bigint; depth: number } | null = null;
    for (const { txid, index, amount } of page.coins) {
      if (largest === null || amount > largest.amount) {
        largest = { outpoint: { txid, index }, amount, depth: 0 };
      }
    }
    return largest;
  }
}
