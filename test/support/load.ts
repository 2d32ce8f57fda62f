/**
 * A steady load of payments on a local network, with the time from submission to certificate of
 * each.
 */
import { Agent, request as httpRequest } from 'node:http';
import { blockCodec } from 'fanal/chain/block.ts';
import { splitTransaction } from 'fanal/chain/transaction.ts';
import { txidOf } from 'fanal/chain/transaction-leaf.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import type { LocalNetwork } from 'fanal-node/testnet/local.ts';
import { type OwnedCoin, Payer, type Payment } from './payments.ts';

export interface LoadReport {
  readonly seconds: number;
  readonly submitted: number;
  readonly refused: ReadonlyMap<string, number>;
  readonly certified: number;
  readonly perSecond: number;
  /** Milliseconds from submission to the certificate, sorted. */
  readonly latencies: readonly number[];
}

/** Payments ready to be sent, each spending a coin of its own. */
export class Load {
  readonly #payers: Payer[];
  readonly #ready: { payer: Payer; coin: OwnedCoin }[] = [];
  readonly #sentAt = new Map<string, number>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly latencies: number[] = [];
  readonly refused = new Map<string, number>();
  submitted = 0;
  certified = 0;
  #watching = true;

  constructor(network: LocalNetwork) {
    this.#payers = network.accounts.map((account) => new Payer(network, account));
  }

  /** Splits every account's coin, so that it can pay many times at once. Waits until certified. */
  async prepare(urls: readonly string[], coinsEach: number): Promise<void> {
    const splits = this.#payers.map((payer) => ({
      payer,
      split: payer.split(payer.coins[0] as OwnedCoin, coinsEach),
    }));
    await Promise.all(
      splits.map(async ({ split }, i) => {
        const answer = await this.#post(urls[i % urls.length] as string, split, 30);
        if (!answer.body.includes('certified')) throw new Error(`not certified: ${answer.body}`);
      }),
    );
    for (let i = 0; i < coinsEach; i++) {
      for (const { payer, split } of splits) {
        this.#ready.push({ payer, coin: split.own[i] as OwnedCoin });
      }
    }
  }

  /** Coins that can be spent now. */
  get available(): number {
    return this.#ready.length;
  }

  /** Sends `rate` payments a second, spread over the nodes. */
  async run(urls: readonly string[], rate: number, seconds: number): Promise<LoadReport> {
    const start = performance.now();
    const before = { submitted: this.submitted, certified: this.certified };
    this.latencies.length = 0;
    let sent = 0;
    while (performance.now() - start < seconds * 1_000) {
      const due = ((performance.now() - start) / 1_000) * rate;
      while (sent < due) {
        const next = this.#ready.shift();
        if (next === undefined) break;
        const url = urls[sent++ % urls.length] as string;
        const payment = next.payer.move(next.coin, next.payer.address);
        void this.#send(url, payment, next.payer);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const elapsed = (performance.now() - start) / 1_000;
    const certified = this.certified - before.certified;
    return {
      seconds: elapsed,
      submitted: this.submitted - before.submitted,
      refused: new Map(this.refused),
      certified,
      perSecond: certified / elapsed,
      latencies: [...this.latencies].sort((a, b) => a - b),
    };
  }

  /** Payments that were accepted and are not certified yet. */
  get waiting(): number {
    return this.#sentAt.size;
  }

  /** Watches certified blocks at a node and notes whose payments are in them. */
  async watch(url: () => string): Promise<void> {
    let height: bigint | null = null;
    while (this.#watching) {
      try {
        const status = (await (await fetch(`${url()}/v1/chain`)).json()) as {
          tip: { height: string };
        };
        const tip = BigInt(status.tip.height);
        height ??= tip;
        while (height < tip && this.#watching) {
          const response = await fetch(`${url()}/v1/blocks/${height + 1n}?format=bytes`);
          if (!response.ok) break;
          const now = performance.now();
          const block = blockCodec.decode(new Uint8Array(await response.arrayBuffer()));
          for (const bytes of block.transactions) {
            const id = toHex(txidOf(splitTransaction(bytes).transaction));
            const sentAt = this.#sentAt.get(id);
            if (sentAt === undefined) continue;
            this.#sentAt.delete(id);
            this.certified++;
            this.latencies.push(now - sentAt);
          }
          height += 1n;
        }
      } catch {
        // The node may be down just now.
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  stop(): void {
    this.#watching = false;
    this.#agent.destroy();
  }

  async #send(url: string, payment: Payment, payer: Payer): Promise<void> {
    const sentAt = performance.now();
    this.#sentAt.set(payment.id, sentAt);
    try {
      const { status, body } = await this.#post(url, payment, 0);
      if (status === 200 || status === 202) {
        this.submitted++;
        for (const coin of payment.own) this.#ready.push({ payer, coin });
        return;
      }
      const reason = /"reason":"([^"]*)"/.exec(body)?.[1] ?? String(status);
      this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    } catch (error) {
      const reason = (error as { code?: string }).code ?? 'network';
      this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
    }
    this.#sentAt.delete(payment.id);
  }

  #post(
    url: string,
    { bytes }: Payment,
    waitSeconds: number,
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        `${url}/v1/transactions`,
        {
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/octet-stream',
            'content-length': bytes.length,
            ...(waitSeconds === 0 ? {} : { prefer: `wait=${waitSeconds}` }),
          },
        },
        (response) => {
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => {
            body += part;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        },
      );
      request.on('error', reject);
      request.end(bytes);
    });
  }
}

/** The value below which a share of sorted values lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
