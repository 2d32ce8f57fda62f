/**
 * A client over a chain in memory, with a clock that stands still until a test moves it.
 */
import type { TestChainOptions, TestGateway } from 'fanal/testing';
import { TestChain, testGateway, testKey } from 'fanal/testing';
import {
  type Account,
  accountFromKeys,
  addressFromKey,
  type Client,
  type ClientOptions,
  createClient,
  createWallet,
  fallback,
  http,
  type Platform,
  UNITS_PER_COIN,
  type Wallet,
} from 'fanal/wallet';

export const alice = testKey('alice');
export const bob = testKey('bob');
export const aliceAddress = addressFromKey(alice.publicKey);
export const bobAddress = addressFromKey(bob.publicKey);
export const coins = (count: number | bigint) => BigInt(count) * UNITS_PER_COIN;

/** Time, sleep and randomness in a test's hands. Sleeping takes no time, but for the clock. */
export class Clock {
  #now: bigint;

  constructor(now: bigint) {
    this.#now = now;
  }

  now = () => this.#now;

  pass(millis: bigint | number): void {
    this.#now += BigInt(millis);
  }
}

export interface World {
  readonly chain: TestChain;
  readonly clock: Clock;
  readonly gateways: readonly TestGateway[];
  readonly client: Client;
  readonly wallet: Wallet;
  /** Executes what waits in a block of now. */
  block(): void;
}

export interface WorldOptions extends TestChainOptions {
  readonly gateways?: number;
  readonly compare?: number;
  readonly account?: Account;
  readonly client?: Partial<ClientOptions>;
}

/** A chain where Alice has 1,000 coins, and a client of it. */
export function world(options: WorldOptions = {}): World {
  const {
    gateways: count = 1,
    compare = Math.min(2, count),
    account,
    client: own,
    ...rest
  } = options;
  const chain = new TestChain({
    balances: [{ address: aliceAddress, amount: coins(1_000) }],
    ...rest,
  });
  const clock = new Clock(chain.genesis.time);
  const block = () => {
    clock.pass(500);
    chain.addBlock({ time: clock.now() });
  };
  block();
  const gateways = Array.from({ length: count }, () => testGateway(chain));
  const client = createClient({
    chain: { trust: chain.trust },
    transport: fallback(
      gateways.map((gateway) => http(gateway.url, { platform: platformOf(clock, gateway) })),
      { compare },
    ),
    platform: platformOf(clock, gateways[0] as TestGateway),
    ...own,
  });
  const wallet = createWallet({ client, account: account ?? accountFromKeys([alice], 'dfan') });
  return { chain, clock, gateways, client, wallet, block };
}

/** Timers wait a real moment, however long they are asked to: no test sleeps. */
export function platformOf(clock: Clock, gateway: TestGateway): Partial<Platform> {
  return {
    fetch: gateway.fetch,
    now: clock.now,
    sleep: (millis, signal) =>
      new Promise((resolve, reject) => {
        // A timeout of a request must not win against an answer that is on its way.
        const timer = setTimeout(resolve, millis >= 10_000 ? millis : 2);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          reject(new Error('aborted'));
        });
      }),
  };
}
