/**
 * Payments that never stop while things happen to the network.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressBytes } from 'fanal/crypto/address.ts';
import type { LocalAccount, LocalNetwork } from 'fanal-node/testnet/local.ts';
import { type OwnedCoin, Payer, type Payment, statusOf, submit } from '../support/payments.ts';
import { until } from './operator.ts';

const COINS = 60;
const PAUSE_MILLIS = 200;
const UNITS = 100_000n;

export class Traffic {
  readonly #payer: Payer;
  readonly #to: AddressBytes;
  readonly #urls: () => readonly string[];
  readonly #accepted: Payment[] = [];
  #refused = 0;
  #isOn = true;
  #work: Promise<void> = Promise.resolve();

  /** @param urls nodes that answer now; a payment goes to one after the other */
  constructor(
    chain: LocalNetwork['chain'],
    from: LocalAccount,
    to: AddressBytes,
    urls: () => readonly string[],
  ) {
    this.#payer = new Payer({ chain } as LocalNetwork, from);
    this.#to = to;
    this.#urls = urls;
  }

  get accepted(): number {
    return this.#accepted.length;
  }

  get refused(): number {
    return this.#refused;
  }

  /** Splits the money, and begins to pay. */
  async start(): Promise<void> {
    const url = this.#urls()[0] as string;
    const split = this.#payer.split(this.#payer.coins[0] as OwnedCoin, COINS);
    await submit(url, split);
    await until(
      'the coins are split',
      60,
      async () => (await statusOf(url, split.id)) === 'certified',
    );
    this.#payer.coins = [...split.own];
    this.#work = this.#pay();
  }

  /** Ends paying, and waits until everything that was accepted is certified at these nodes. */
  async settle(urls: readonly string[]): Promise<void> {
    this.#isOn = false;
    await this.#work;
    for (const url of urls) {
      for (const { id } of this.#accepted.slice(-COINS)) {
        await until(`${id.slice(0, 8)} is certified at ${url}`, 60, async () => {
          return (await statusOf(url, id).catch(() => 'unknown')) === 'certified';
        });
      }
    }
  }

  /** Accepted payments that a node does not show as certified. */
  async missingAt(url: string): Promise<string[]> {
    const missing: string[] = [];
    for (const { id } of this.#accepted) {
      if ((await statusOf(url, id)) !== 'certified') missing.push(id);
    }
    return missing;
  }

  stop(): void {
    this.#isOn = false;
  }

  async #pay(): Promise<void> {
    for (let turn = 0; this.#isOn; turn++) {
      const urls = this.#urls();
      const coin = this.#payer.coins.shift() as OwnedCoin;
      const payment = this.#payer.pay(coin, this.#to, UNITS);
      const answer = await submit(urls[turn % urls.length] as string, payment).catch(() => null);
      if (answer?.status === 202 || answer?.status === 200) {
        this.#accepted.push(payment);
        this.#payer.coins.push(...payment.own);
      } else {
        // It may have been taken all the same: the coin is tried again later, in the same payment.
        this.#refused++;
        this.#payer.coins.push(coin);
      }
      await sleep(PAUSE_MILLIS);
    }
  }
}
