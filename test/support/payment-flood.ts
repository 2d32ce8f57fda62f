/**
 * Payments signed beforehand and sent at a given rate, whether or not the network keeps up, with
 * the time from sending to certificate of each.
 */
import { blockCodec } from 'fanal/chain/block.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { LocalNetwork } from 'fanal-node/testnet/local.ts';
import { type OwnedCoin, Payer } from './payments.ts';
import { Pipeline } from './pipeline.ts';

/** What one coin pays for, one payment after the other. */
interface Chain {
  readonly payer: Payer;
  coin: OwnedCoin;
  readonly signed: Bytes[];
}

export interface FloodReport {
  readonly offered: number;
  /** Certified a second, in the time after the first second of sending. */
  readonly perSecond: number;
  /** All that were certified, until the last one sent was. */
  readonly certified: number;
  readonly refused: ReadonlyMap<string, number>;
  /** Milliseconds from sending to certificate, sorted. */
  readonly latencies: readonly number[];
}

const TICK_MILLIS = 4;
const POLL_MILLIS = 10;
const RAMP_MILLIS = 1_000;
/** Payments that one connection has on the way. */
const CONNECTIONS_PER_NODE = 2;

export class PaymentFlood {
  readonly #payers: Payer[];
  readonly #submitters: Pipeline[];
  readonly #reader: Pipeline;
  readonly #ready: Chain[] = [];
  /** By the last bytes of a payment, which are of its signature. */
  readonly #open = new Map<string, { chain: Chain; sentAt: number }>();
  #certified: { at: number; millis: number }[] = [];
  #refused = new Map<string, number>();
  #watching = true;

  /** @param urls of the nodes: payments go to all in turn, certificates are read at the first */
  constructor(network: LocalNetwork, urls: readonly string[]) {
    this.#payers = network.accounts.map((account) => new Payer(network, account));
    this.#submitters = Array.from({ length: CONNECTIONS_PER_NODE }, () =>
      urls.map((url) => new Pipeline(url)),
    ).flat();
    this.#reader = new Pipeline(urls[0] as string);
  }

  /** Splits every account's coin, so that it can pay many times at once. */
  async prepare(coinsEach: number): Promise<void> {
    await Promise.all(
      this.#payers.map(async (payer, i) => {
        const split = payer.split(payer.coins[0] as OwnedCoin, coinsEach);
        const to = this.#submitters[i % this.#submitters.length] as Pipeline;
        const { body } = await to.post('/v1/transactions', split.bytes, 'Prefer: wait=30\r\n');
        if (!body.includes('certified')) throw new Error(`not certified: ${body}`);
        for (const coin of split.own) this.#ready.push({ payer, coin, signed: [] });
      }),
    );
  }

  /** Signs the next payments, so that sending them costs nothing more. */
  sign(count: number): void {
    const each = Math.ceil(count / this.#ready.length) + 1;
    for (const chain of this.#ready) {
      while (chain.signed.length < each) {
        const { bytes, own } = chain.payer.move(chain.coin, chain.payer.address);
        chain.signed.push(bytes);
        chain.coin = own[0] as OwnedCoin;
      }
    }
  }

  /** Sends `rate` payments a second for some time, then waits for the last of them. */
  async run(rate: number, seconds: number, drainMillis = 30_000): Promise<FloodReport> {
    this.sign(rate * seconds);
    this.#certified = [];
    this.#refused = new Map();
    const start = performance.now();
    let sent = 0;
    while (performance.now() - start < seconds * 1_000) {
      const due = Math.min(rate * seconds, ((performance.now() - start) / 1_000) * rate);
      for (; sent < due; sent++) {
        const chain = this.#ready.shift();
        if (chain === undefined) break;
        void this.#send(chain, this.#submitters[sent % this.#submitters.length] as Pipeline);
      }
      await pause(TICK_MILLIS);
    }
    const end = performance.now();
    while (this.#open.size > 0 && performance.now() - end < drainMillis) await pause(TICK_MILLIS);
    for (const { chain } of this.#open.values()) chain.signed.length = 0;
    const steady = this.#certified.filter(({ at }) => at > start + RAMP_MILLIS && at <= end);
    return {
      offered: sent / seconds,
      perSecond: steady.length / ((end - start - RAMP_MILLIS) / 1_000),
      certified: this.#certified.length,
      refused: this.#refused,
      latencies: this.#certified.map(({ millis }) => millis).sort((a, b) => a - b),
    };
  }

  /** Reads certified blocks until `stop`, and notes whose payments are in them. */
  async watch(): Promise<void> {
    let height: bigint | null = null;
    while (this.#watching) {
      try {
        const tip = await this.#tip();
        height ??= tip;
        for (; height < tip && this.#watching; height++) {
          const { body } = await this.#reader.get(`/v1/blocks/${height + 1n}?format=bytes`);
          const now = performance.now();
          for (const bytes of blockCodec.decode(new Uint8Array(body)).transactions) {
            this.#settle(bytes, now);
          }
        }
      } catch {
        // The connection was renewed; ask again.
      }
      await pause(POLL_MILLIS);
    }
  }

  stop(): void {
    this.#watching = false;
    for (const submitter of this.#submitters) submitter.close();
    this.#reader.close();
  }

  async #tip(): Promise<bigint> {
    const { body } = await this.#reader.get('/v1/chain');
    return BigInt(JSON.parse(body.toString()).tip.height);
  }

  #settle(bytes: Bytes, now: number): void {
    const name = nameOf(bytes);
    const open = this.#open.get(name);
    if (open === undefined) return;
    this.#open.delete(name);
    this.#certified.push({ at: now, millis: now - open.sentAt });
    this.#ready.push(open.chain);
  }

  async #send(chain: Chain, to: Pipeline): Promise<void> {
    const bytes = chain.signed.shift() as Bytes;
    const name = nameOf(bytes);
    this.#open.set(name, { chain, sentAt: performance.now() });
    let reason: string;
    try {
      const { status, body } = await to.post('/v1/transactions', bytes);
      if (status === 200 || status === 202) return;
      reason = /"reason":"([^"]*)"/.exec(body.toString())?.[1] ?? String(status);
    } catch (error) {
      reason = (error as { code?: string }).code ?? (error as Error).message;
    }
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    if (!this.#open.delete(name)) return;
    chain.signed.unshift(bytes);
    this.#ready.push(chain);
  }
}

function nameOf(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
    'latin1',
    bytes.length - 32,
  );
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
