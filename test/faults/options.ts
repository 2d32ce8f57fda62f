/**
 * The command line of `npm run faults`.
 */
import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.ts';

export interface Options {
  readonly scenarios: readonly Scenario[];
  /** How often each fault happens; null for each scenario's own number. */
  readonly times: number | null;
  readonly long: boolean;
  readonly minutes: number | null;
  readonly seed: number;
  readonly folder: string | null;
  readonly json: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

export const USAGE = `Breaks real validators, in processes and on disks of their own, and looks what they kept.

  npm run faults -- [scenario…] [options]

  --times N         how often each fault happens, instead of the scenario's own number
  --long            each scenario's long number
  --minutes N       for scenarios that take their time: how long
  --seed N          of the random choices; printed when it was drawn
  --keep FOLDER     work in this folder and leave it; otherwise it goes, unless a promise broke
  --json            print the result as JSON on standard output
  --list            name the scenarios, and why this machine cannot run one

Exit code 0: all promises kept. 8: one was broken. 2: the options make no sense.`;

/** Reads the command line; throws an `Error` that says what is wrong with it. */
export function parseOptions(args: readonly string[], known: readonly Scenario[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      times: { type: 'string' },
      long: { type: 'boolean', default: false },
      minutes: { type: 'string' },
      seed: { type: 'string' },
      keep: { type: 'string' },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const named = positionals.map((name) => {
    const scenario = known.find((each) => each.name === name);
    if (scenario !== undefined) return scenario;
    throw new Error(`no scenario ${name}; there are ${known.map((each) => each.name).join(', ')}`);
  });
  return {
    scenarios: named.length > 0 ? named : known,
    times: integer('times', values.times, 1, 100_000),
    long: values.long,
    minutes: integer('minutes', values.minutes, 1, 7 * 24 * 60),
    seed: integer('seed', values.seed, 0, 0xffff_ffff) ?? Math.floor(Math.random() * 2 ** 32),
    folder: values.keep ?? null,
    json: values.json,
    list: values.list,
    help: values.help,
  };
}

function integer(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name} expects an integer from ${least} to ${most}, found ${text}`);
}
