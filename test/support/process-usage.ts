/**
 * What processes take of the machine, as Linux counts it.
 */
import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** Seconds of computing since it started, of all its threads. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

const TICKS_PER_SECOND = 100;

export function usageOf(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may hold spaces: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    residentBytes: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024,
  };
}
