/**
 * A network of node processes under observation: what they take of the machine and the wire, and
 * how soon they say how they are.
 */
import { request } from 'node:http';
import type { NodeProcess } from 'fanal-node/testnet/process.ts';
import { quantile } from './load.ts';
import { usageOf } from './process-usage.ts';

/** Health answers that are timed, at the port for operations. */
export const HEALTH_PATHS = ['/livez', '/readyz', '/status'] as const;
export type HealthPath = (typeof HEALTH_PATHS)[number];

export interface NetworkUsage {
  readonly seconds: number;
  /** Of one core, the average of the processes. */
  readonly coresEach: number;
  readonly residentBytes: readonly number[];
  readonly sentBytes: number;
}

interface Reading {
  readonly at: number;
  readonly cpuSeconds: number;
  readonly sentBytes: number;
}

const ASK_MILLIS = 40;

export class WatchedNetwork {
  readonly #nodes: () => readonly NodeProcess[];
  #before: Reading | null = null;

  constructor(nodes: () => readonly NodeProcess[]) {
    this.#nodes = nodes;
  }

  async begin(): Promise<void> {
    this.#before = await this.#read();
  }

  /** What was used since `begin`. */
  async end(): Promise<NetworkUsage> {
    const before = this.#before as Reading;
    const now = await this.#read();
    const nodes = this.#nodes();
    const seconds = (now.at - before.at) / 1_000;
    return {
      seconds,
      coresEach: (now.cpuSeconds - before.cpuSeconds) / seconds / nodes.length,
      residentBytes: nodes.map(({ pid }) => usageOf(pid).residentBytes),
      sentBytes: now.sentBytes - before.sentBytes,
    };
  }

  /** Asks one node how it is, again and again, until `stop` says so. Milliseconds, the 95th of 100. */
  async askHealth(node: NodeProcess, stop: () => boolean): Promise<Record<HealthPath, number>> {
    const times: Record<HealthPath, number[]> = { '/livez': [], '/readyz': [], '/status': [] };
    for (let turn = 0; !stop(); turn++) {
      const path = HEALTH_PATHS[turn % HEALTH_PATHS.length] as HealthPath;
      times[path].push(await timeOf(`http://127.0.0.1:${node.node.ops}${path}`));
      await new Promise((resolve) => setTimeout(resolve, ASK_MILLIS));
    }
    const p95 = (path: HealthPath) =>
      quantile(
        times[path].sort((a, b) => a - b),
        0.95,
      );
    return { '/livez': p95('/livez'), '/readyz': p95('/readyz'), '/status': p95('/status') };
  }

  async #read(): Promise<Reading> {
    const nodes = this.#nodes();
    const cpuSeconds = nodes.reduce((sum, { pid }) => sum + usageOf(pid).cpuSeconds, 0);
    const sent = await Promise.all(nodes.map((node) => sentBytesOf(node)));
    return { at: performance.now(), cpuSeconds, sentBytes: sent.reduce((sum, n) => sum + n, 0) };
  }
}

/** Bytes that a node sent to its peers, as its metrics have it. */
async function sentBytesOf({ node }: NodeProcess): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${node.ops}/metrics`)).text();
  const lines = text.matchAll(/^fanal_p2p_sent_bytes_total\{[^}]*\} (\S+)$/gm);
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

function timeOf(url: string): Promise<number> {
  const start = performance.now();
  return new Promise((resolve) => {
    const done = () => resolve(performance.now() - start);
    request(url, { agent: false }, (response) => response.resume().on('end', done))
      .on('error', done)
      .end();
  });
}
