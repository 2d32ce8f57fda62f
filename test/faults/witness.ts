/**
 * A wallet's view of a network in trouble: payments it makes, when they are certified, and every
 * checkpoint that any node ever showed it. What it saw once must hold for ever.
 */
import { blockCodec } from 'fanal/chain/block.ts';
import { splitTransaction } from 'fanal/chain/transaction.ts';
import { txidOf } from 'fanal/chain/transaction-leaf.ts';
import { parseNote } from 'fanal/checkpoint/note.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import type { LocalNetwork } from 'fanal-node/testnet/local.ts';
import { type OwnedCoin, Payer, type Payment, submit } from '../support/payments.ts';
import { pause, pick } from './scenario.ts';

/** A transaction has at most 64 outputs. */
const SPLIT = 60;
const LOOK_MILLIS = 200;
/** A payment that is not certified after so long is handed to another node. */
const AGAIN_MILLIS = 5_000;
const ASK_MILLIS = 3_000;

/** How much is paid. */
export interface Load {
  readonly perSecond: number;
  /** Coins that payments are made with, in turn: as many as can wait at a time. */
  readonly coins: number;
}

export const LIGHT_LOAD: Load = { perSecond: 20, coins: 60 };

interface Waiting {
  readonly payment: Payment;
  sentAt: number;
}

export class Witness {
  /** Checkpoints that nodes showed: the root by the size of the log. */
  readonly roots = new Map<bigint, string>();
  /** Payments that a node said were in a certified block, and in which. */
  readonly certified = new Map<string, bigint>();
  readonly findings: string[] = [];
  readonly #payer: Payer;
  readonly #urls: () => readonly string[];
  readonly #random: () => number;
  readonly #waiting = new Map<string, Waiting>();
  readonly #load: Load;
  /** Coins to be split still. */
  #splits: number;
  #running = true;
  #grewAt = performance.now();
  #longestStall = 0;
  #height = 0n;
  #tasks: Promise<unknown>[] = [];

  /** @param urls the nodes that can be asked at the moment */
  constructor(
    network: LocalNetwork,
    urls: () => readonly string[],
    random: () => number,
    load: Load = LIGHT_LOAD,
  ) {
    this.#load = load;
    this.#splits = Math.ceil((load.coins - 1) / (SPLIT - 1));
    this.#payer = new Payer(network, network.accounts[0] as never);
    this.#urls = urls;
    this.#random = random;
  }

  start(): void {
    this.#tasks = [this.#followBlocks(), this.#readCheckpoints(), this.#pay()];
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#tasks);
  }

  /** The highest certified block seen so far. */
  get height(): bigint {
    return this.#height;
  }

  /** The longest time without a new certified block since the last call. */
  takeStall(): number {
    const stall = Math.max(this.#longestStall, performance.now() - this.#grewAt);
    this.#longestStall = 0;
    this.#grewAt = performance.now();
    return stall;
  }

  async #pay(): Promise<void> {
    while (this.#running) {
      await pause(LOOK_MILLIS);
      const now = performance.now();
      for (const waiting of [...this.#waiting.values()]) {
        if (now - waiting.sentAt < AGAIN_MILLIS) continue;
        waiting.sentAt = now;
        void this.#send(waiting.payment);
      }
      for (let i = 0; i < (this.#load.perSecond * LOOK_MILLIS) / 1_000; i++) {
        const coin = this.#payer.coins.shift();
        if (coin === undefined) break;
        const payment = this.#spend(coin);
        this.#waiting.set(payment.id, { payment, sentAt: now });
        void this.#send(payment);
      }
    }
  }

  #spend(coin: OwnedCoin): Payment {
    if (this.#splits === 0) return this.#payer.move(coin, this.#payer.address);
    this.#splits--;
    return this.#payer.split(coin, SPLIT);
  }

  async #send(payment: Payment): Promise<void> {
    const urls = this.#urls();
    if (urls.length === 0) return;
    await submit(pick(urls, this.#random), payment).catch(() => null);
  }

  async #followBlocks(): Promise<void> {
    let next = 1n;
    while (this.#running) {
      const urls = this.#urls();
      const bytes = urls.length === 0 ? null : await this.#block(pick(urls, this.#random), next);
      if (bytes === null) {
        await pause(LOOK_MILLIS / 4);
        continue;
      }
      const now = performance.now();
      this.#longestStall = Math.max(this.#longestStall, now - this.#grewAt);
      this.#grewAt = now;
      this.#height = next;
      for (const transaction of blockCodec.decode(bytes).transactions) {
        const id = toHex(txidOf(splitTransaction(transaction).transaction));
        this.certified.set(id, next);
        const waiting = this.#waiting.get(id);
        if (waiting === undefined) continue;
        this.#waiting.delete(id);
        this.#payer.coins.push(...waiting.payment.own);
      }
      next += 1n;
    }
  }

  async #block(url: string, height: bigint): Promise<Uint8Array | null> {
    const response = await ask(`${url}/v1/blocks/${height}?format=bytes`);
    return response?.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  }

  async #readCheckpoints(): Promise<void> {
    while (this.#running) {
      await Promise.all(this.#urls().map((url) => this.#readCheckpoint(url)));
      await pause(LOOK_MILLIS);
    }
  }

  async #readCheckpoint(url: string): Promise<void> {
    const response = await ask(`${url}/checkpoint`);
    if (!response?.ok) return;
    const text = await response.text().catch(() => '');
    if (text === '') return;
    const [, size, root] = parseNote(text).text.split('\n') as [string, string, string];
    const known = this.roots.get(BigInt(size));
    if (known === undefined) this.roots.set(BigInt(size), root);
    else if (known !== root) {
      this.findings.push(`two certified roots of ${size} headers: ${known} and ${root}`);
    }
  }
}

async function ask(url: string): Promise<Response | null> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(ASK_MILLIS) });
  } catch {
    return null;
  }
}
