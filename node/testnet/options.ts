/**
 * What a test network is made of and what is done to it: the flags of `fanal testnet run`, read.
 */
import { FanalError } from 'fanal/primitives/errors.ts';

/**
 * `kill` and `stop` end a validator's process, `restart` does and begins it again at once; `pause`
 * freezes it; `partition` cuts some off from the others; `clock` puts theirs ten seconds ahead.
 */
export type FaultKind = 'kill' | 'stop' | 'restart' | 'pause' | 'partition' | 'clock';

/** Something that is done to `count` validators from `atMillis` on, for `forMillis`. */
export interface Fault {
  readonly kind: FaultKind;
  readonly atMillis: number;
  readonly forMillis: number;
  readonly count: number;
}

export interface LinkOptions {
  /** One way, on every link. */
  readonly latencyMillis: number;
  /** Up to so much more, at random for each message. */
  readonly jitterMillis: number;
  /** Share of messages that are lost at first and sent again, as a stream does. */
  readonly loss: number;
}

export interface TestnetOptions {
  readonly validators: number;
  /** Of these, members that never speak. */
  readonly byzantine: number;
  readonly durationMillis: number;
  /** Payments handed in each second. */
  readonly paymentsPerSecond: number;
  readonly links: LinkOptions;
  readonly faults: readonly Fault[];
  readonly seed: number;
  /** Threads that the validators are spread over. */
  readonly threads: number;
}

export const TESTNET_LIMITS = {
  validators: 200,
  threads: 64,
  durationMillis: 48 * 3_600_000,
  paymentsPerSecond: 20_000,
  linkMillis: 10_000,
  faults: 100,
  /** Messages and bytes held for a validator that stands still. */
  heldMessages: 20_000,
  /** Payments on their way at once. */
  openPayments: 100_000,
} as const;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** @throws {FanalError} `testnet/options` unless it is a time such as 50ms, 30s, 5m or 24h */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) throw refuse(`expected a time such as 50ms, 30s or 5m, found ${text}`);
  return Math.round(Number(match[1]) * (UNITS[match[2] as string] as number));
}

/** Reads a share, as a percentage or a fraction. */
export function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text);
  const share = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (!(share >= 0 && share <= 0.5)) throw refuse(`expected a share up to 50 %, found ${text}`);
  return share;
}

/**
 * Reads `kind@at:for` or `kind@at:for:count`, and `restart@at` or `restart@at:count`; without a count it is one validator, or for a
 * partition a third of them.
 */
export function parseFault(text: string, validators: number): Fault {
  if (text.startsWith('disk-full')) {
    throw refuse('validators of one process have no disks of their own to fill', DISK_HINT);
  }
  const isRestart = text.startsWith('restart');
  const match = isRestart
    ? /^(restart)@([^:]+)()(?::(\d+))?$/.exec(text)
    : /^(kill|stop|pause|partition|clock)@([^:]+):([^:]+)(?::(\d+))?$/.exec(text);
  if (match === null) {
    const form = isRestart ? 'restart@at[:count]' : 'kind@at:for[:count]';
    throw refuse(`expected ${form}, found ${text}`, FAULT_HINT);
  }
  const kind = match[1] as FaultKind;
  const count = Number(match[4] ?? (kind === 'partition' ? Math.floor(validators / 3) : 1));
  if (count < 1 || count > validators) throw refuse(`a fault of ${count} validators`);
  return {
    ...{ kind, count },
    atMillis: parseDuration(match[2] as string),
    forMillis: isRestart ? RESTART_MILLIS : parseDuration(match[3] as string),
  };
}

const RESTART_MILLIS = 500;
const FAULT_HINT =
  'Kinds are kill, stop, pause, partition and clock, as in kill@60s:30s:33; and restart@60s:33.';
const DISK_HINT = 'From a checkout, `npm run faults` fills a real one under a real validator.';

/** @throws {FanalError} `testnet/options` naming what is out of bounds */
export function checkOptions(options: TestnetOptions): void {
  const { validators, byzantine, links } = options;
  const within = (name: string, value: number, least: number, most: number) => {
    if (!(value >= least && value <= most)) {
      throw refuse(`expected ${name} from ${least} to ${most}, found ${value}`);
    }
  };
  within('validators', validators, 4, TESTNET_LIMITS.validators);
  within('byzantine', byzantine, 0, validators - 1);
  within(
    'a duration in milliseconds',
    options.durationMillis,
    1_000,
    TESTNET_LIMITS.durationMillis,
  );
  within('payments a second', options.paymentsPerSecond, 0, TESTNET_LIMITS.paymentsPerSecond);
  within('a latency in milliseconds', links.latencyMillis, 0, TESTNET_LIMITS.linkMillis);
  within('a jitter in milliseconds', links.jitterMillis, 0, TESTNET_LIMITS.linkMillis);
  within('faults', options.faults.length, 0, TESTNET_LIMITS.faults);
  within('threads', options.threads, 1, TESTNET_LIMITS.threads);
  for (const fault of options.faults) {
    within('validators at fault', fault.count, 1, validators - byzantine);
  }
}

function refuse(message: string, hint?: string): FanalError {
  return new FanalError('testnet/options', message, hint === undefined ? {} : { hint });
}
