/**
 * A node's own figures out of its metrics: rates and latencies between scrapes, gauges as they are.
 */
import { quantiles, type Scrape } from './exposition.ts';
import type { MonitorSample } from './sample.ts';

/** Scrapes kept: latencies and rates are those of about this many seconds. */
const WINDOW_SCRAPES = 30;

type Measured = Pick<
  MonitorSample,
  | 'commitIndex'
  | 'round'
  | 'commitMillis'
  | 'leaders'
  | 'cosignedStake'
  | 'headAgeSeconds'
  | 'commitAgeSeconds'
  | 'throughput'
  | 'loopP99Millis'
  | 'heap'
  | 'diskFree'
  | 'clockSkewMillis'
>;

/** The figures of a node whose metrics cannot be read. */
export const NO_MEASURES: Measured = {
  commitIndex: null,
  round: null,
  commitMillis: null,
  leaders: null,
  cosignedStake: null,
  headAgeSeconds: null,
  commitAgeSeconds: null,
  throughput: null,
  loopP99Millis: null,
  heap: null,
  diskFree: null,
  clockSkewMillis: null,
};

const COMMIT_DURATION = 'fanal_consensus_commit_duration_seconds';
const SLOTS = 'fanal_consensus_leader_slots_total';

export class Measures {
  #scrapes: { readonly atMillis: number; readonly scrape: Scrape }[] = [];

  /** Takes the newest scrape, and says what it and those before it show. */
  take(scrape: Scrape, atMillis: number): Measured {
    const started = (one: Scrape | undefined) => one?.sum('process_start_time_seconds');
    // Another process counts from 0 again.
    if (started(this.#scrapes.at(-1)?.scrape) !== started(scrape)) this.#scrapes = [];
    this.#scrapes = [...this.#scrapes, { atMillis, scrape }].slice(-WINDOW_SCRAPES);
    const first = this.#scrapes[0] as { atMillis: number; scrape: Scrape };
    const earlier = this.#scrapes.length > 1 ? first.scrape : null;
    const previous = this.#scrapes.at(-2)?.scrape ?? null;
    const age = (name: string) => {
      const seconds = scrape.sum(name);
      return seconds === null || seconds === 0 ? null : Math.max(0, atMillis / 1_000 - seconds);
    };
    const millis = (name: string) => {
      const seconds = scrape.sum(name);
      return seconds === null ? null : seconds * 1_000;
    };
    const free = scrape.sum('fanal_storage_free_bytes');
    const size = scrape.sum('fanal_storage_size_bytes');
    const bytes = scrape.sum('nodejs_heap_size_used_bytes');
    const limitBytes = scrape.sum('fanal_process_heap_limit_bytes');
    return {
      commitIndex: scrape.sum('fanal_consensus_commit_index'),
      round: scrape.sum('fanal_consensus_round'),
      commitMillis: commitMillis(previous, earlier, scrape),
      leaders: leaders(scrape),
      cosignedStake: scrape.sum('fanal_consensus_cosigned_stake_ratio'),
      headAgeSeconds: age('fanal_chain_head_timestamp_seconds'),
      commitAgeSeconds: age('fanal_consensus_last_commit_timestamp_seconds'),
      throughput: throughput(earlier, scrape, Math.max(1, (atMillis - first.atMillis) / 1_000)),
      loopP99Millis: millis('nodejs_eventloop_lag_p99_seconds'),
      heap: bytes === null || limitBytes === null ? null : { bytes, limitBytes },
      diskFree: free === null || size === null || size === 0 ? null : free / size,
      clockSkewMillis: millis('fanal_p2p_clock_skew_seconds'),
    };
  }
}

function commitMillis(
  previous: Scrape | null,
  earlier: Scrape | null,
  now: Scrape,
): Measured['commitMillis'] {
  const window = quantiles(earlier, now, COMMIT_DURATION, [0.5, 0.95, 0.99]);
  if (window === null) return null;
  const [p50, p95, p99] = window as [number, number, number];
  const [last] = quantiles(previous, now, COMMIT_DURATION, [0.5]) ?? [];
  return {
    p50: p50 * 1_000,
    p95: p95 * 1_000,
    p99: p99 * 1_000,
    last: last === undefined ? null : last * 1_000,
  };
}

function leaders(scrape: Scrape): Measured['leaders'] {
  const slots = scrape.sum(SLOTS) ?? 0;
  if (slots === 0) return null;
  const count = (decision: string) => scrape.sum(SLOTS, { decision }) ?? 0;
  return {
    direct: count('direct_commit') / slots,
    skipped: count('direct_skip') + count('indirect_skip'),
  };
}

function throughput(earlier: Scrape | null, now: Scrape, seconds: number): Measured['throughput'] {
  if (earlier === null) return null;
  const rate = (name: string) => ((now.sum(name) ?? 0) - (earlier.sum(name) ?? 0)) / seconds;
  const blocks = rate('fanal_chain_block_size_bytes_count');
  const bytesPerSecond = rate('fanal_chain_block_size_bytes_sum');
  return {
    transactionsPerSecond: rate('fanal_chain_transactions_total'),
    bytesPerSecond,
    blockBytes: blocks === 0 ? 0 : bytesPerSecond / blocks,
  };
}
