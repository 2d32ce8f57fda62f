/**
 * What a fault scenario is, and what it says at its end.
 */

export interface FaultSetting {
  /** Every scenario works in a folder of its own below this one. */
  readonly folder: string;
  /** How often the fault happens. */
  readonly times: number;
  /** How long to go on, for scenarios that take their time; null for their own number. */
  readonly minutes: number | null;
  /** From 0 to below 1, the same stream for the same seed. */
  readonly random: () => number;
  /** Tells the person who waits what is happening. */
  readonly say: (text: string) => void;
}

export interface FaultReport {
  readonly figures: Readonly<Record<string, number | string>>;
  /** What is wrong, in words. Empty when every promise held. */
  readonly findings: readonly string[];
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** How often by default, and with `--long`. */
  readonly times: { readonly short: number; readonly long: number };
  /** Why this machine cannot run it, or null when it can. */
  readonly leftOut: () => string | null;
  readonly run: (setting: FaultSetting) => Promise<FaultReport>;
}

export function pick<T>(items: readonly T[], random: () => number): T {
  return items[Math.floor(random() * items.length)] as T;
}

/** A whole number from `least` to `most`. */
export function between(least: number, most: number, random: () => number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** Some of the items, each once, in a random order. */
export function some<T>(items: readonly T[], count: number, random: () => number): T[] {
  const left = [...items];
  return Array.from({ length: Math.min(count, items.length) }, () => {
    const [taken] = left.splice(Math.floor(random() * left.length), 1);
    return taken as T;
  });
}

/** Median and worst, for people. */
export function spread(name: string, millis: readonly number[]): Record<string, number> {
  const sorted = millis.toSorted((a, b) => a - b);
  return {
    [`${name} p50 ms`]: Math.round(sorted[sorted.length >> 1] ?? 0),
    [`${name} worst ms`]: Math.round(sorted.at(-1) ?? 0),
  };
}

export const pause = (millis: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, millis));
