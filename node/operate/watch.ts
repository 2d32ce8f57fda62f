/**
 * Watches a network from another host: asks several nodes what they see, compares, tells a webhook
 * what changed for the worse or the better, and serves each validator's figures to Prometheus.
 *
 * What nodes say of validators is reported, not proved; several that agree are worth more than one.
 */
import type { Metrics } from '../api/metrics.ts';

export interface WatchedValidator {
  readonly name: string;
  readonly active: boolean;
  readonly cosignedShare: number | null;
  readonly accuracy: number | null;
  readonly rounds: string;
  readonly rewards: string;
}

/** What one node answered. */
export interface NodeView {
  readonly url: string;
  readonly reachable: boolean;
  readonly status: string;
  readonly reason: string | null;
  readonly certifiedHeight: bigint;
  readonly checkpointAgeMillis: number;
  readonly epoch: number;
  readonly validators: readonly WatchedValidator[];
}

/** Something worth waking somebody for; `key` stays the same while it lasts. */
export interface Trouble {
  readonly key: string;
  readonly severity: 'critical' | 'warning';
  readonly text: string;
}

const OLD_MILLIS = 60_000;
const BEHIND_BLOCKS = 20n;
const MISSING_SHARE = 0.95;

/** Asks one node. It never throws: a node that does not answer is a finding. */
export async function viewNode(
  url: string,
  fetcher: typeof fetch,
  timeoutMillis: number,
): Promise<NodeView> {
  const get = async (path: string) => {
    const signal = AbortSignal.timeout(timeoutMillis);
    const response = await fetcher(`${url}${path}`, { signal, redirect: 'error' });
    return (await response.json()) as Record<string, unknown>;
  };
  try {
    const [status, board] = await Promise.all([get('/status'), get('/v1/validators')]);
    return {
      ...{ url, reachable: true, status: String(status.status) },
      reason: status.reason === null ? null : String(status.reason).slice(0, 200),
      certifiedHeight: BigInt(String(status.certifiedHeight)),
      checkpointAgeMillis: Number(status.checkpointAgeMillis),
      epoch: Number(board.epoch),
      validators: board.items as WatchedValidator[],
    };
  } catch (error) {
    return {
      ...{ url, reachable: false, status: 'unreachable' },
      reason: (error as Error).message.slice(0, 200),
      certifiedHeight: 0n,
      checkpointAgeMillis: 0,
      epoch: -1,
      validators: [],
    };
  }
}

/** What is wrong, as far as these views show. */
export function troubles(views: readonly NodeView[]): Trouble[] {
  const found: Trouble[] = [];
  const alive = views.filter(({ reachable }) => reachable);
  const best = alive.reduce((most, { certifiedHeight: at }) => (at > most ? at : most), 0n);
  for (const { url, reachable, status, reason, certifiedHeight } of views) {
    if (!reachable) {
      found.push({ key: `down ${url}`, severity: 'critical', text: `${url}: ${reason}` });
    } else if (status === 'unhealthy') {
      found.push({ key: `sick ${url}`, severity: 'critical', text: `${url}: ${reason}` });
    } else if (certifiedHeight + BEHIND_BLOCKS < best) {
      const text = `${url} is at ${certifiedHeight}, others at ${best}`;
      found.push({ key: `behind ${url}`, severity: 'critical', text });
    }
  }
  const youngest = Math.min(...alive.map(({ checkpointAgeMillis }) => checkpointAgeMillis));
  if (alive.length > 0 && youngest > OLD_MILLIS) {
    const text = `nothing certified for ${Math.round(youngest / 1_000)} s, says every node`;
    found.push({ key: 'checkpoint-old', severity: 'critical', text });
  }
  for (const { name, active, cosignedShare, accuracy } of merge(views).values()) {
    if (!active) continue;
    if (accuracy !== null && accuracy < 1) {
      const text = `${name} cosigned another root: accuracy ${(100 * accuracy).toFixed(2)} %`;
      found.push({ key: `inaccurate ${name}`, severity: 'warning', text });
    }
    if (cosignedShare !== null && cosignedShare < MISSING_SHARE) {
      const text = `${name} cosigned ${(100 * cosignedShare).toFixed(1)} % in time`;
      found.push({ key: `missing ${name}`, severity: 'warning', text });
    }
  }
  return found;
}

/** For each validator the best that any node of the newest epoch saw of it. */
export function merge(views: readonly NodeView[]): Map<string, WatchedValidator> {
  const epoch = Math.max(...views.map((view) => view.epoch));
  const merged = new Map<string, WatchedValidator>();
  for (const view of views) {
    if (view.epoch !== epoch) continue;
    for (const row of view.validators) {
      const known = merged.get(row.name);
      if (known === undefined || (row.cosignedShare ?? 0) > (known.cosignedShare ?? 0)) {
        merged.set(row.name, row);
      }
    }
  }
  return merged;
}

/** Keeps what was wrong, so that a webhook hears of each thing once, and once when it is over. */
export class TroubleLog {
  #current = new Map<string, Trouble>();

  /** What began and what ended since the last call. */
  update(found: readonly Trouble[]): { readonly began: Trouble[]; readonly ended: Trouble[] } {
    const next = new Map(found.map((trouble) => [trouble.key, trouble]));
    const began = found.filter(({ key }) => !this.#current.has(key));
    const ended = [...this.#current.values()].filter(({ key }) => !next.has(key));
    this.#current = next;
    return { began, ended };
  }

  get current(): readonly Trouble[] {
    return [...this.#current.values()];
  }
}

const COUNTERS = [
  ['rounds', 'network_validator_rounds_total'],
  ['rewards', 'network_validator_rewards_total'],
] as const;

/** Moves the `network_validator_*` series to what was seen. Counts begin anew with each epoch. */
export class BoardMetrics {
  readonly #metrics: Metrics;
  readonly #seen = new Map<string, number>();
  #epoch = -1;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  update(views: readonly NodeView[]): void {
    const epoch = Math.max(-1, ...views.map((view) => view.epoch));
    if (epoch < 0) return;
    if (epoch !== this.#epoch) this.#seen.clear();
    this.#epoch = epoch;
    for (const row of merge(views).values()) {
      const labels = { validator: row.name };
      if (row.cosignedShare !== null) {
        this.#metrics.set('network_validator_cosigned_ratio', row.cosignedShare, labels);
      }
      if (row.accuracy !== null) {
        this.#metrics.set('network_validator_accuracy_ratio', row.accuracy, labels);
      }
      for (const [field, counter] of COUNTERS) {
        const value = Number(row[field]) / (field === 'rewards' ? 1e8 : 1);
        const key = `${field} ${row.name}`;
        const before = this.#seen.get(key) ?? 0;
        if (value > before) this.#metrics.add(counter, value - before, labels);
        this.#seen.set(key, Math.max(before, value));
      }
    }
  }
}

/** The `chain_id` label that nodes of this origin use. */
export function chainIdOf(origin: string): string {
  return origin.slice(origin.lastIndexOf('/') + 1);
}
