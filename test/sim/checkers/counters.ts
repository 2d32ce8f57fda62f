/**
 * Must-hit counters: a batch of seeds that never reached a corner proves nothing about it.
 */
import type { Event, MarkName, StepResult } from 'fanal-node/core/types.ts';
import type { SimNode } from '../node.ts';
import type { Observer } from '../observer.ts';

/** Every corner that a batch of seeds has to reach. */
export const MUST_HIT = [
  'indirect commit',
  'indirect skip',
  'equivocating leader certified',
  'equivocating vertex committed',
  'own vertex collected',
  'safe resume',
  'commit sync',
  'ledger sync',
  'amnesia resume',
  'all restarted at once',
  'schedule swap',
  'epoch cut in flight',
  'vote-wait timeout',
  'leader timeout',
  'divergence alarm',
  'quota drop',
] as const;

export type Counter = (typeof MUST_HIT)[number];

const COUNTER_BY_MARK: Partial<Record<MarkName, Counter>> = {
  indirectCommit: 'indirect commit',
  indirectSkip: 'indirect skip',
  equivocationCommitted: 'equivocating vertex committed',
  ownVertexCollected: 'own vertex collected',
  safeResume: 'safe resume',
  commitSync: 'commit sync',
  amnesiaResume: 'amnesia resume',
  scheduleSwap: 'schedule swap',
  epochCutInFlight: 'epoch cut in flight',
  voteTimeout: 'vote-wait timeout',
  leaderTimeout: 'leader timeout',
  divergence: 'divergence alarm',
  quotaDrop: 'quota drop',
};

export class Counters implements Observer {
  readonly counts = new Map<string, number>();
  /** Everything else that cores marked, for the report. */
  readonly marks = new Map<string, number>();

  add(counter: Counter, count = 1): void {
    this.counts.set(counter, (this.counts.get(counter) ?? 0) + count);
  }

  marked(_node: SimNode, name: MarkName, count: number): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + count);
    const counter = COUNTER_BY_MARK[name];
    if (counter !== undefined) this.add(counter, count);
  }
}

/** Hashes what every core was told and what it answered: S13 compares the result of two runs. */
export type Steps = (node: SimNode, event: Event, result: StepResult) => void;
