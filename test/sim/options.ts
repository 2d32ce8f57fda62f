/**
 * The command line of `npm run sim`.
 */
import { parseArgs } from 'node:util';

export type Profile = 'swarm' | 'wan' | 'hops';

export interface Options {
  readonly profile: Profile;
  readonly seeds: number;
  readonly firstSeed: number;
  readonly nodes: number;
  readonly seconds: number;
  readonly stakes: 'equal' | 'unequal';
  readonly jobs: number;
  readonly json: boolean;
  readonly realCrypto: boolean;
  /** A file with a plan to run instead of drawing one. */
  readonly plan: string | undefined;
  readonly shrink: boolean;
  readonly help: boolean;
}

export const USAGE = `Runs simulated validators through every fault, on the consensus core itself.

  npm run sim -- [options]

  --seeds N         how many seeds to run (20)
  --seed N          the first seed; alone, only this one
  -n, --nodes N     validators (7)
  --seconds N       virtual seconds with faults, before the healing (60)
  --stakes KIND     equal, or unequal
  --profile NAME    swarm: random faults of every kind (default)
                    wan: delays on a measured wide-area network, beside Bullshark
                    hops: delays in messages, every link the same
  --plan FILE       run the plan in a JSON file, as a failing seed prints it
  --no-shrink       leave a failing plan as it is
  --real-crypto     sign with Ed25519 instead of something cheaper
  --jobs N          runs at a time (1)
  --json            print the result as JSON

Exit code 0: all promises kept, all goals met. 8: one was not. 2: the options make no sense.`;

/** Reads the command line; throws an `Error` that says what is wrong with it. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      nodes: { type: 'string', short: 'n' },
      seconds: { type: 'string' },
      stakes: { type: 'string', default: 'equal' },
      profile: { type: 'string', default: 'swarm' },
      plan: { type: 'string' },
      shrink: { type: 'boolean', default: true },
      'real-crypto': { type: 'boolean', default: false },
      jobs: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowNegative: true,
  });
  const { profile, stakes } = values;
  if (profile !== 'swarm' && profile !== 'wan' && profile !== 'hops') {
    throw new Error(`unknown profile ${profile}`);
  }
  if (stakes !== 'equal' && stakes !== 'unequal') throw new Error(`unknown stakes ${stakes}`);
  return {
    profile,
    seeds: integer('seeds', values.seeds, values.seed === undefined ? 20 : 1, 1, 10_000_000),
    firstSeed: integer('seed', values.seed, 1, 0, 0xffff_ffff),
    nodes: integer('nodes', values.nodes, profile === 'swarm' ? 7 : 100, 1, 1_000),
    seconds: integer('seconds', values.seconds, profile === 'swarm' ? 60 : 10, 1, 100_000),
    stakes,
    jobs: integer('jobs', values.jobs, 1, 1, 64),
    json: values.json,
    realCrypto: values['real-crypto'],
    plan: values.plan,
    shrink: values.shrink,
    help: values.help,
  };
}

function integer(
  name: string,
  text: string | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`--${name} expects an integer from ${least} to ${most}, found ${text}`);
  }
  return value;
}
