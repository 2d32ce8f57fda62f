/**
 * Draws a plan from a seed: not only the faults are random, but which kinds there are and how bad.
 *
 * A run where everything fails at once hides what one fault alone would show, so every kind of
 * trouble is switched on or off by a coin first (swarm testing), and its strength drawn after.
 */
import { BYZANTINE_KINDS } from './byzantine/kinds.ts';
import type {
  ByzantineValidator,
  ChainOptions,
  DiskDamage,
  Fault,
  FaultKind,
  LoadOptions,
  NetworkOptions,
  Plan,
} from './plan.ts';
import { faultyStake } from './plan.ts';
import { type Random, stream } from './random.ts';

export interface SwarmOptions {
  readonly nodes: number;
  readonly seconds: number;
  readonly stakes: 'equal' | 'unequal';
}

/** The others have a draw of their own. */
const DRAWN_KINDS = BYZANTINE_KINDS.filter((kind) => kind !== 'lieInSlim');
/** Headers and ancestors of one vertex on its way to everybody. */
const VERTEX_OVERHEAD_BYTES = 64 * 1024;

export function swarmPlan(seed: number, options: SwarmOptions): Plan {
  const random = stream(seed, 'plan');
  const stakes = drawStakes(random, options);
  const chain = drawChain(stream(seed, 'chain'), options.seconds);
  const roundBytes = stakes.length * chain.maxVertexBytes;
  const network = drawNetwork(stream(seed, 'network-options'), roundBytes);
  const budget = { left: faultyStake(stakes) };
  const drawn = drawByzantine(stream(seed, 'byzantine'), stakes, budget);
  const byzantine = drawSlimLies(stream(seed, 'slim-lies'), drawn);
  const faults = drawFaults(stream(seed, 'faults'), stakes, options.seconds, byzantine, budget);
  return {
    seed,
    profile: 'swarm',
    stakes,
    seconds: options.seconds,
    network,
    disk: {
      syncMillis: random.pick([0.2, 1, 2, 8]),
      syncSigma: random.real(0, 1.2),
      blocking: random.chance(0.5),
      keepUnsynced: random.pick([0, 0.1, 0.5]),
    },
    machine: {
      checkMicros: random.pick([0, 62, 200]),
      executeMillis: random.pick([1, 5, 40]),
      clockSkewMillis: random.pick([0, 5, 50, 400]),
      clockDriftMillis: random.pick([0, 0, 0.1, 2]),
    },
    load: drawLoad(stream(seed, 'load-options'), stakes.length, chain, network),
    chain,
    byzantine,
    faults,
    dead: drawDead(stream(seed, 'dead'), stakes, byzantine, budget),
    absent: [],
  };
}

function drawStakes(random: Random, options: SwarmOptions): number[] {
  return Array.from({ length: options.nodes }, () =>
    options.stakes === 'equal' ? 1_000 : Math.round(random.lognormal(3_000, 0.6)) + 1_000,
  );
}

/** `roundBytes`: a full vertex to everybody, the least that fits in a sender's queue. */
function drawNetwork(random: Random, roundBytes: number): NetworkOptions {
  const loss = random.pick([0, 0, 0.001, 0.01, random.real(0, 0.3)]);
  return {
    geography: random.chance(0.3) ? 'measured' : 'random',
    meanMillis: random.pick([5, 30, 60, 100]),
    jitter: random.pick([0, 0.1, 1]),
    tailChance: random.pick([0, 0.01, 0.1]),
    tailSigma: random.real(0.3, 2),
    tailMaxMillis: 5_000,
    loss,
    lossBreaks: random.chance(0.5),
    duplicate: random.pick([0, 0, 0.01, 0.3]),
    replay: random.pick([0, 0, 1, 20]),
    overtaking: random.chance(0.5),
    megabitsPerSecond: random.pick([10, 100, 1_000]),
    queueBytes: random.pick([1, 64]) * (roundBytes + VERTEX_OVERHEAD_BYTES),
  };
}

/** A round may take so long, and all may propose the same in it. */
const SLOW_ROUND_SECONDS = 2;
/** The share of the links that payments may take. */
const LOAD_SHARE = 0.25;

/** No more than slow rounds and links can carry: that everything settles is one of the promises. */
function drawLoad(random: Random, nodes: number, chain: ChainOptions, network: NetworkOptions) {
  const drawn: LoadOptions = {
    transactionsPerSecond: random.pick([0, 5, 20, 60]),
    conflicting: random.pick([0, 0.1, 0.5]),
    duplicated: random.pick([0, 0.2, 1]),
    burst: random.pick([0, 0, 50, 300]),
    sizeBytes: random.pick([120, 300, 2_000]),
  };
  const { maxVertexTransactions, maxVertexBytes } = chain;
  const perVertex = Math.min(maxVertexTransactions, Math.floor(maxVertexBytes / drawn.sizeBytes));
  // All may propose what all were given, and each sends it to all.
  const bits = 8 * drawn.sizeBytes * nodes;
  const perSecond = Math.floor((LOAD_SHARE * network.megabitsPerSecond * 1_000_000) / bits);
  return {
    ...drawn,
    transactionsPerSecond: Math.min(
      drawn.transactionsPerSecond,
      Math.floor(perVertex / SLOW_ROUND_SECONDS),
      perSecond,
    ),
    burst: Math.min(drawn.burst, 5 * perVertex, 5 * perSecond),
  };
}

function drawChain(random: Random, seconds: number): ChainOptions {
  const epochMillis = random.chance(0.55)
    ? 0
    : Math.max(2_000, random.between(3_000, Math.max(4_000, seconds * 500)));
  return {
    gcDepth: random.pick([8, 12, 20, 60]),
    scheduleInterval: random.pick([5, 10, 30, 100]),
    badStakePercent: random.pick([0, 20, 33]),
    leaderTimeoutMillis: random.pick([100, 300, 1_000]),
    minRoundDelayMillis: random.pick([20, 50, 100]),
    blockIntervalMillis: random.pick([200, 500]),
    heartbeatMillis: random.pick([1_000, 5_000]),
    epochMillis,
    changeSet: epochMillis > 0 && random.chance(0.6),
    maxVertexTransactions: random.pick([8, 100, 1_000]),
    maxVertexBytes: random.pick([32_768, 262_144]),
    slimLeastBytes: random.pick([0, 0, 1_000_000]),
  };
}

/** Stake that may still be made faulty. */
interface Budget {
  left: number;
}

function drawByzantine(
  random: Random,
  stakes: readonly number[],
  budget: Budget,
): ByzantineValidator[] {
  if (random.chance(0.2)) return [];
  const kinds = random.sample(DRAWN_KINDS, random.between(1, 3));
  const chosen: ByzantineValidator[] = [];
  for (const validator of random.shuffled(stakes.map((_, index) => index))) {
    const stake = stakes[validator] as number;
    // Sometimes leave room for validators that lose their disk.
    if (stake > budget.left || random.chance(0.25)) continue;
    budget.left -= stake;
    chosen.push({ validator, kind: random.pick(kinds) });
  }
  return chosen.sort((a, b) => a.validator - b.validator);
}

/** In some plans the first of them lies in slim form instead. */
function drawSlimLies(
  random: Random,
  drawn: readonly ByzantineValidator[],
): readonly ByzantineValidator[] {
  const [first, ...others] = drawn;
  if (first === undefined || !random.chance(0.08)) return drawn;
  return [{ ...first, kind: 'lieInSlim' }, ...others];
}

const FAULT_KINDS: readonly FaultKind[] = [
  'partition',
  'rotate',
  'flap',
  'clog',
  'swizzle',
  'slow',
  'filter',
  'delayLeader',
  'lastThird',
  'roundJump',
  'crash',
  'crashLoop',
  'crashAll',
  'pause',
  'clock',
  'slowDisk',
  'fullDisk',
  'wrongExecution',
];

/** Kinds of message that a filter may drop; the network knows them by these names. */
export const FILTERED_MESSAGES = ['vertex', 'cosignature', 'sync'] as const;

function drawFaults(
  random: Random,
  stakes: readonly number[],
  seconds: number,
  byzantine: readonly ByzantineValidator[],
  budget: Budget,
): Fault[] {
  if (random.chance(0.05)) return [];
  const end = seconds * 1_000;
  const kinds = FAULT_KINDS.filter(() => random.chance(0.35));
  if (kinds.length === 0) kinds.push(random.pick(FAULT_KINDS));
  const everyMillis = random.pick([1_500, 4_000, 10_000]);
  const honest = stakes
    .map((_, index) => index)
    .filter((index) => !byzantine.some((one) => one.validator === index));
  const fragile = drawFragile(random, stakes, honest, budget);
  const faults: Fault[] = [];
  for (let at = random.exponential(everyMillis); at < end; at += random.exponential(everyMillis)) {
    const span = {
      at: Math.round(at),
      until: Math.round(Math.min(end, at + 200 + random.exponential(random.pick([500, 4_000])))),
    };
    faults.push(drawFault(random, random.pick(kinds), span, stakes.length, honest, fragile));
  }
  return faults;
}

/** Validators that stay dead after the healing, while fewer than a third of the stake fail. */
function drawDead(
  random: Random,
  stakes: readonly number[],
  byzantine: readonly ByzantineValidator[],
  budget: Budget,
): number[] {
  if (random.chance(0.6)) return [];
  const candidates = stakes
    .map((_, index) => index)
    .filter((index) => !byzantine.some((one) => one.validator === index));
  for (const validator of random.shuffled(candidates)) {
    const stake = stakes[validator] as number;
    if (stake <= budget.left) {
      budget.left -= stake;
      return [validator];
    }
  }
  return [];
}

/** Validators whose disk may be damaged: together with the Byzantine ones below a third. */
function drawFragile(
  random: Random,
  stakes: readonly number[],
  honest: readonly number[],
  budget: Budget,
): number[] {
  const fragile: number[] = [];
  if (random.chance(0.3)) return fragile;
  for (const validator of random.shuffled(honest)) {
    const stake = stakes[validator] as number;
    if (stake > budget.left) continue;
    budget.left -= stake;
    fragile.push(validator);
  }
  return fragile;
}

function drawFault(
  random: Random,
  kind: FaultKind,
  span: { readonly at: number; readonly until: number },
  nodes: number,
  honest: readonly number[],
  fragile: readonly number[],
): Fault {
  const all = Array.from({ length: nodes }, (_, index) => index);
  const node = random.pick(honest);
  const pair = random.sample(all, 2);
  const a = pair[0] as number;
  const b = pair[1] ?? a;
  switch (kind) {
    case 'partition':
      return { kind, ...span, groups: drawGroups(random, all), oneWay: random.chance(0.3) };
    case 'rotate':
      return {
        kind,
        ...span,
        size: random.between(1, Math.max(1, Math.floor(nodes / 3))),
        everyMillis: random.between(200, 2_000),
      };
    case 'flap':
      return { kind, ...span, a, b, everyMillis: random.between(50, 1_000) };
    case 'clog':
      return { kind, ...span, from: a, to: b };
    case 'swizzle':
      return { kind, ...span, nodes: random.sample(all, random.between(1, nodes)) };
    case 'slow':
      return { kind, ...span, node: random.pick(all), millis: random.between(20, 2_000) };
    case 'filter':
      return { kind, ...span, message: random.pick(FILTERED_MESSAGES), to: random.pick(all) };
    case 'delayLeader':
      return { kind, ...span, millis: random.between(50, 2_000) };
    case 'lastThird':
      return { kind, ...span, victim: node, millis: random.between(50, 1_000) };
    case 'roundJump':
      return { kind, ...span, millis: random.between(100, 1_500) };
    case 'crash': {
      const hurt = fragile.length > 0 && random.chance(0.4);
      const damage: DiskDamage = hurt ? random.pick(['torn', 'wiped', 'backup'] as const) : 'none';
      return {
        kind,
        at: span.at,
        node: hurt ? random.pick(fragile) : node,
        boundary: random.fraction(),
        downMillis: Math.round(random.exponential(random.pick([50, 1_000, 8_000]))),
        damage,
        backupMillis: random.between(100, 20_000),
      };
    }
    case 'crashLoop':
      return {
        kind,
        at: span.at,
        node,
        times: random.between(3, 12),
        everyMillis: random.between(20, 600),
      };
    case 'crashAll':
      return { kind, at: span.at, downMillis: random.between(0, 2_000) };
    case 'pause':
      return { kind, ...span, node };
    case 'clock':
      return {
        kind,
        at: span.at,
        node,
        millis: Math.round(random.normal() * random.pick([20, 500, 5_000])),
      };
    case 'slowDisk':
      return { kind, ...span, node, millis: random.between(20, 1_000) };
    case 'fullDisk':
      return { kind, ...span, node };
    case 'wrongExecution':
      return fragile.length > 0
        ? { kind, at: span.at, node: random.pick(fragile) }
        : { kind: 'pause', ...span, node };
  }
}

/** One alone, two groups of any size, or every node in one of three groups at random. */
function drawGroups(random: Random, all: readonly number[]): number[][] {
  const shuffled = random.shuffled(all);
  const shape = random.below(3);
  if (shape === 0) return [shuffled.slice(0, 1), shuffled.slice(1)];
  if (shape === 1) {
    const size = random.between(1, all.length - 1);
    return [shuffled.slice(0, size), shuffled.slice(size)];
  }
  const groups: number[][] = [[], [], []];
  for (const node of all) groups[random.below(3)]?.push(node);
  return groups.filter((group) => group.length > 0);
}
