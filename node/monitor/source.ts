/**
 * Samples a node for the monitor: its public API for what the chain says, its ops port for what
 * only the node knows. Without the ops port those figures stay empty.
 */
import { type ChainReport, chainShape, statusShape, validatorsShape } from 'fanal/api/chain.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { MAX_EXPOSITION_BYTES, quantiles, Scrape } from './exposition.ts';
import type { MonitorEvent, MonitorSample, ValidatorRow } from './sample.ts';

export interface MonitorSource {
  /** Where the node's API answers. */
  readonly url: string;
  /** Where its metrics are, or null. */
  readonly opsUrl: string | null;
  readonly timeoutMillis: number;
  readonly now: () => number;
}

/** Scrapes kept: latencies and rates are those of about this many seconds. */
const WINDOW_SCRAPES = 30;
const MAX_EVENTS = 50;

const EMPTY: MonitorSample = {
  takenAtMillis: 0,
  network: '',
  version: '',
  health: 'unreachable',
  reason: null,
  epoch: 0,
  height: 0n,
  certifiedHeight: 0n,
  headAgeSeconds: null,
  checkpointAgeSeconds: null,
  commitIndex: 0n,
  round: 0,
  commitMillis: null,
  leaders: null,
  cosignedStake: null,
  missing: [],
  transactionsPerSecond: 0,
  bytesPerSecond: 0,
  blockBytes: 0,
  mempool: { transactions: 0, bytes: 0, limitBytes: 0 },
  validators: [],
  peers: 0,
  loopP99Millis: null,
  heapBytes: 0,
  heapLimitBytes: 0,
  diskFree: null,
  clockSkewMillis: null,
  events: [],
};

/** Takes one sample a call, and remembers enough to give rates and to notice changes. */
export class Sampler {
  readonly #source: MonitorSource;
  #last: MonitorSample = EMPTY;
  #scrapes: { readonly atMillis: number; readonly scrape: Scrape }[] = [];
  #events: readonly MonitorEvent[] = [];
  #chain: ChainReport | null = null;

  constructor(source: MonitorSource) {
    this.#source = source;
  }

  /** Never throws: a node that does not answer gives an `unreachable` sample of what was last seen. */
  async sample(): Promise<MonitorSample> {
    const atMillis = this.#source.now();
    let next: MonitorSample;
    try {
      next = {
        ...(await this.#ask()),
        ...(await this.#measure(atMillis)),
        takenAtMillis: atMillis,
      };
    } catch (error) {
      const reason = error instanceof Error ? shortReason(error) : String(error);
      next = { ...this.#last, health: 'unreachable', reason, takenAtMillis: atMillis };
    }
    this.#events = [...changes(this.#last, next), ...this.#events].slice(0, MAX_EVENTS);
    this.#last = { ...next, events: this.#events };
    return this.#last;
  }

  /** What the API says. */
  async #ask(): Promise<MonitorSample> {
    const chain = this.#chain ?? chainShape.from(await this.#json('/v1/chain'));
    this.#chain = chain;
    const [status, board] = await Promise.all([
      this.#json('/status').then((json) => statusShape.from(json)),
      this.#json('/v1/validators').then((json) => validatorsShape(chain.prefix).from(json)),
    ]);
    const active = board.items.filter((item) => item.active);
    const totalStake = Number(board.totalStake);
    const validators = active.map(
      (item): ValidatorRow => ({
        rank: item.rank,
        name: item.name,
        stakeShare: totalStake === 0 ? 0 : Number(item.stake) / totalStake,
        cosigned: item.cosignedShare,
        accuracy: item.accuracy,
        rounds: Number(item.rounds),
        rewards: Number(item.rewards) / Number(UNITS_PER_COIN),
        latencyMillis: null,
        version: null,
      }),
    );
    const checkpointAgeSeconds = Number(status.checkpointAgeMillis) / 1000;
    return {
      ...this.#last,
      network: status.origin.split('/').slice(1, 2).join('') || status.origin,
      version: `v${status.version}`,
      health: status.status,
      reason: status.reason,
      epoch: board.epoch,
      height: status.height,
      certifiedHeight: status.certifiedHeight,
      checkpointAgeSeconds,
      headAgeSeconds: this.#last.headAgeSeconds ?? checkpointAgeSeconds,
      mempool: status.mempool,
      validators,
      missing: active.filter((item) => (item.cosignedShare ?? 1) < 0.95).map(({ name }) => name),
      peers: status.peers.inbound + status.peers.outbound,
    };
  }

  /** What the ops port says. */
  async #measure(atMillis: number): Promise<Partial<MonitorSample>> {
    const { opsUrl } = this.#source;
    if (opsUrl === null) return {};
    let scrape: Scrape;
    try {
      scrape = new Scrape(await this.#text(`${opsUrl}/metrics`, MAX_EXPOSITION_BYTES));
    } catch {
      return {};
    }
    this.#scrapes = [...this.#scrapes, { atMillis, scrape }].slice(-WINDOW_SCRAPES);
    const first = this.#scrapes[0] as { atMillis: number; scrape: Scrape };
    const seconds = Math.max(1, (atMillis - first.atMillis) / 1000);
    const earlier = this.#scrapes.length > 1 ? first.scrape : null;
    const rate = (name: string, labels = {}) =>
      earlier === null
        ? 0
        : ((scrape.sum(name, labels) ?? 0) - (earlier.sum(name, labels) ?? 0)) / seconds;
    const commit = quantiles(
      earlier,
      scrape,
      'fanal_consensus_commit_duration_seconds',
      [0.5, 0.95, 0.99],
    );
    const slots = scrape.sum('fanal_consensus_leader_slots_total') ?? 0;
    const count = (decision: string) =>
      scrape.sum('fanal_consensus_leader_slots_total', { decision }) ?? 0;
    const free = scrape.sum('fanal_storage_free_bytes');
    const size = scrape.sum('fanal_storage_size_bytes');
    const skew = scrape.sum('fanal_p2p_clock_skew_seconds');
    const loop = scrape.sum('nodejs_eventloop_lag_p99_seconds');
    const head = scrape.sum('fanal_chain_head_timestamp_seconds');
    const blocks = rate('fanal_chain_block_size_bytes_count');
    const bytes = rate('fanal_chain_block_size_bytes_sum');
    return {
      commitIndex: BigInt(Math.round(scrape.sum('fanal_consensus_commit_index') ?? 0)),
      round: scrape.sum('fanal_consensus_round') ?? 0,
      commitMillis:
        commit === null
          ? null
          : {
              p50: (commit[0] as number) * 1000,
              p95: (commit[1] as number) * 1000,
              p99: (commit[2] as number) * 1000,
            },
      leaders:
        slots === 0
          ? null
          : {
              direct: count('direct_commit') / slots,
              skipped: count('direct_skip') + count('indirect_skip'),
            },
      cosignedStake: scrape.sum('fanal_consensus_cosigned_stake_ratio'),
      headAgeSeconds: head === null || head === 0 ? null : Math.max(0, atMillis / 1000 - head),
      transactionsPerSecond: rate('fanal_chain_transactions_total'),
      bytesPerSecond: bytes,
      blockBytes: blocks === 0 ? 0 : bytes / blocks,
      loopP99Millis: loop === null ? null : loop * 1000,
      heapBytes: scrape.sum('nodejs_heap_size_used_bytes') ?? 0,
      heapLimitBytes: scrape.sum('fanal_process_heap_limit_bytes') ?? 0,
      diskFree: free === null || size === null || size === 0 ? null : free / size,
      clockSkewMillis: skew === null ? null : skew * 1000,
    };
  }

  async #json(path: string): Promise<unknown> {
    return JSON.parse(await this.#text(this.#source.url + path, 1 << 20));
  }

  async #text(url: string, maxBytes: number): Promise<string> {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(this.#source.timeoutMillis),
      redirect: 'error',
    });
    const text = await response.text();
    if (text.length > maxBytes) throw new Error(`${url} answered ${text.length} bytes`);
    // `/status` answers 503 with the same report when the node is unhealthy.
    if (!response.ok && !url.endsWith('/status')) throw new Error(`${url}: ${response.status}`);
    return text;
  }
}

/** What an operator would want to be told between two samples. */
export function changes(before: MonitorSample, now: MonitorSample): MonitorEvent[] {
  const events: MonitorEvent[] = [];
  const say = (level: MonitorEvent['level'], text: string) =>
    events.push({ atMillis: now.takenAtMillis, level, text });
  if (before.takenAtMillis !== 0 && before.health !== now.health) {
    const level = now.health === 'healthy' ? 'info' : now.health === 'degraded' ? 'warn' : 'crit';
    say(level, `node is ${now.health}${now.reason === null ? '' : `: ${now.reason}`}`);
  }
  if (before.takenAtMillis !== 0 && before.epoch !== now.epoch)
    say('info', `epoch ${now.epoch} began`);
  const previous = new Map(before.validators.map((row) => [row.name, row]));
  for (const row of now.validators) {
    const was = previous.get(row.name);
    if (was === undefined) {
      if (before.validators.length > 0) say('info', `${row.name} joined the set`);
      continue;
    }
    if ((was.accuracy ?? 1) === 1 && (row.accuracy ?? 1) < 1) {
      say('crit', `${row.name} cosigned another root`);
    }
    if ((was.cosigned ?? 1) >= 0.95 && (row.cosigned ?? 1) < 0.95) {
      say('warn', `${row.name} misses more than one checkpoint in twenty`);
    }
    previous.delete(row.name);
  }
  const quorumBefore = (before.cosignedStake ?? 1) * 3 > 2;
  const quorumNow = (now.cosignedStake ?? 1) * 3 > 2;
  if (quorumBefore && !quorumNow) say('crit', 'the cosigned stake is no quorum');
  if (!quorumBefore && quorumNow) say('info', 'the quorum is back');
  return events.reverse();
}

function shortReason(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause.message : '';
  return (cause || error.message).slice(0, 60);
}
