/**
 * Samples a node for the monitor: its public API for what the chain says, its operations port for
 * what only the node knows. Without that port those figures stay empty.
 */
import { type ChainReport, chainShape, statusShape, validatorsShape } from 'fanal/api/chain.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import { alarms, COSIGNED_ENOUGH } from './alarms.ts';
import { MAX_EXPOSITION_BYTES, Scrape } from './exposition.ts';
import { happenings } from './happenings.ts';
import { Measures, NO_MEASURES } from './measures.ts';
import type { MonitorEvent, MonitorSample, ValidatorRow } from './sample.ts';
import { Silence } from './silence.ts';

export interface MonitorSource {
  /** Where the node's API answers. */
  readonly url: string;
  /** Where its metrics are, or null. */
  readonly opsUrl: string | null;
  readonly timeoutMillis: number;
  readonly now: () => number;
}

const MAX_EVENTS = 50;
const MAX_ANSWER_BYTES = 1 << 20;

const EMPTY: MonitorSample = {
  ...NO_MEASURES,
  takenAtMillis: 0,
  network: '',
  version: '',
  health: 'unreachable',
  reason: null,
  epoch: 0,
  height: 0n,
  certifiedHeight: 0n,
  checkpointAgeSeconds: null,
  liveStake: null,
  missing: [],
  mempool: { transactions: 0, bytes: 0, limitBytes: 0 },
  validators: [],
  peers: null,
  errorRate: 0,
  alerts: [],
  events: [],
};

/** What the operations port tells of a link. */
interface PeerLink {
  readonly name: string | null;
  readonly up: boolean;
  readonly roundTripMillis: number | null;
  readonly software: string | null;
}

type Answers = Omit<MonitorSample, keyof typeof NO_MEASURES | 'alerts' | 'events'>;

/** Takes one sample a call, and remembers enough to give rates and to notice changes. */
export class Sampler {
  readonly #source: MonitorSource;
  readonly #measures = new Measures();
  readonly #silence = new Silence();
  #last: MonitorSample = EMPTY;
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
      const [measured, links] = await Promise.all([this.#measure(atMillis), this.#links()]);
      const answers = await this.#ask(atMillis, links);
      next = { ...measured, ...answers, alerts: [], events: [] };
      if (next.headAgeSeconds === null) {
        next = { ...next, headAgeSeconds: answers.checkpointAgeSeconds };
      }
    } catch (error) {
      const reason = error instanceof Error ? shortReason(error) : String(error);
      next = { ...this.#last, health: 'unreachable', reason, takenAtMillis: atMillis };
    }
    next = { ...next, alerts: alarms(next) };
    this.#events = [...happenings(this.#last, next), ...this.#events].slice(0, MAX_EVENTS);
    this.#last = { ...next, events: this.#events };
    return this.#last;
  }

  /** What the API says. */
  async #ask(atMillis: number, links: readonly PeerLink[] | null): Promise<Answers> {
    const chain = this.#chain ?? chainShape.from(await this.#json('/v1/chain'));
    this.#chain = chain;
    const [status, board] = await Promise.all([
      this.#json('/status').then((json) => statusShape.from(json)),
      this.#json('/v1/validators').then((json) => validatorsShape(chain.prefix).from(json)),
    ]);
    const active = board.items.filter((item) => item.active);
    const rounds = new Map(active.map(({ name, rounds }) => [name, Number(rounds)]));
    const still = this.#silence.look({ atMillis, epoch: board.epoch, rounds });
    const byName = new Map(links?.map((link) => [link.name, link]));
    const isMember = links !== null && status.validator !== null && rounds.has(status.validator);
    const totalStake = Number(board.totalStake);
    const validators = active.map((item): ValidatorRow => {
      const link = byName.get(item.name);
      const isSelf = item.name === status.validator;
      return {
        rank: item.rank,
        name: item.name,
        stakeShare: totalStake === 0 ? 0 : Number(item.stake) / totalStake,
        cosigned: item.cosignedShare,
        accuracy: item.accuracy,
        rounds: Number(item.rounds),
        rewards: Number(item.rewards) / Number(UNITS_PER_COIN),
        latencyMillis: link?.roundTripMillis ?? null,
        version: isSelf ? status.version : (link?.software?.replace(/^.*\//, '') ?? null),
        // A member is linked to every other; others may not be.
        isAsked: isSelf,
        isSilent: still.has(item.name) || (isMember && !isSelf && link?.up !== true),
      };
    });
    const isMissing = ({ isSilent, cosigned }: ValidatorRow) =>
      isSilent || (cosigned ?? 1) < COSIGNED_ENOUGH;
    const live = validators.filter(({ isSilent }) => !isSilent);
    return {
      takenAtMillis: atMillis,
      network: status.origin.split('/').slice(1, 2).join('') || status.origin,
      version: `v${status.version}`,
      health: status.status,
      reason: status.reason,
      epoch: board.epoch,
      height: status.height,
      certifiedHeight: status.certifiedHeight,
      checkpointAgeSeconds: Number(status.checkpointAgeMillis) / 1000,
      liveStake:
        validators.length === 0 ? null : live.reduce((sum, row) => sum + row.stakeShare, 0),
      missing: validators.filter(isMissing).map(({ name }) => name),
      mempool: status.mempool,
      validators,
      peers: chain.software.name === 'fanal-gateway' ? null : status.peers,
      errorRate: status.errorRate,
    };
  }

  /** What the operations port measures. */
  async #measure(atMillis: number): Promise<typeof NO_MEASURES> {
    const { opsUrl } = this.#source;
    if (opsUrl === null) return NO_MEASURES;
    try {
      const text = await this.#text(`${opsUrl}/metrics`, MAX_EXPOSITION_BYTES);
      return this.#measures.take(new Scrape(text), atMillis);
    } catch {
      return NO_MEASURES;
    }
  }

  /** What the operations port says of the node's links; null without it. */
  async #links(): Promise<readonly PeerLink[] | null> {
    const { opsUrl } = this.#source;
    if (opsUrl === null) return null;
    try {
      const { peers } = JSON.parse(await this.#text(`${opsUrl}/peers`, MAX_ANSWER_BYTES));
      return Array.isArray(peers) ? peers : null;
    } catch {
      return null;
    }
  }

  async #json(path: string): Promise<unknown> {
    return JSON.parse(await this.#text(this.#source.url + path, MAX_ANSWER_BYTES));
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

function shortReason(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause.message : '';
  return (cause || error.message).slice(0, 60);
}
