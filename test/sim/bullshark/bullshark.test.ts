import { describe, expect, it } from 'vitest';
import type { NetworkOptions } from '../plan.ts';
import { runBullshark } from './run.ts';

const EVEN: NetworkOptions = {
  geography: 'even',
  meanMillis: 100,
  jitter: 0,
  tailChance: 0,
  tailSigma: 0,
  tailMaxMillis: 0,
  loss: 0,
  lossBreaks: true,
  duplicate: 0,
  replay: 0,
  overtaking: false,
  megabitsPerSecond: 1_000_000,
  queueBytes: Number.MAX_SAFE_INTEGER,
};

function measure(change: Partial<Parameters<typeof runBullshark>[0]> = {}) {
  return runBullshark({
    seed: 1,
    validators: 10,
    crashed: [],
    nonVoters: [],
    network: EVEN,
    checkMicros: 0,
    payloadBytes: 0,
    leaderTimeoutMillis: 1_000,
    minRoundDelayMillis: 50,
    maxSeconds: 20,
    commits: 20,
    ...change,
  });
}

describe('the Bullshark baseline', () => {
  it('commits an anchor after six messages, as published', () => {
    const { leader, commits } = measure();
    expect(commits).toBe(20);
    expect(leader.percentile(0.5)).toBe(600_000);
  });

  it('commits without the third that crashed', () => {
    expect(measure({ crashed: [1, 4, 7], maxSeconds: 60 }).commits).toBeGreaterThan(10);
  });

  it('spends its time on signatures when they cost some', () => {
    const cheap = measure().leader.percentile(0.5) as number;
    const dear = measure({ checkMicros: 5_000 }).leader.percentile(0.5) as number;
    expect(dear).toBeGreaterThan(cheap + 200_000);
  });
});
