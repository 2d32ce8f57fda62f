/**
 * Who leads a round, by the newest schedule that any honest validator has.
 *
 * Only the world's own schemers ask: the scheduler that holds back leaders, and validators that
 * never vote for them.
 */
import { createCommittee } from 'fanal-node/core/committee.ts';
import { LeaderSchedule } from 'fanal-node/core/leader-schedule.ts';
import type { EpochRecord, Event, ScheduleState, StepResult } from 'fanal-node/core/types.ts';
import type { TaggedHash } from 'fanal-node/core/vertex.ts';
import type { Membership } from './membership.ts';
import type { SimNode } from './node.ts';
import type { Observer } from './observer.ts';

export class LeaderOracle implements Observer {
  readonly #membership: Membership;
  readonly #hash: TaggedHash;
  #record: EpochRecord;
  #index = 0n;
  #schedule: LeaderSchedule | undefined;

  constructor(membership: Membership, hash: TaggedHash) {
    this.#membership = membership;
    this.#hash = hash;
    this.#record = membership.genesis;
    this.#begin(membership.genesis);
  }

  stepped(node: SimNode, _event: Event, { writes }: StepResult): void {
    for (const write of writes) {
      if (write.kind === 'epoch' && write.record.epoch > this.epoch) this.#begin(write.record);
      if (write.kind === 'commit' && node.record.epoch === this.epoch) {
        this.#learn(write.commit.epoch, write.commit.index, write.schedule);
      }
    }
  }

  /** The newest epoch that anybody has begun. */
  get record(): EpochRecord {
    return this.#record;
  }

  get epoch(): number {
    return this.#record.epoch;
  }

  /** The author that leads a round of the newest epoch. */
  leader(round: number): number {
    return this.#schedule?.leadersOf(round)[0] ?? 0;
  }

  /** The validator that leads a round of the newest epoch. */
  leadingValidator(round: number): number {
    return this.#membership.validators(this.epoch)[this.leader(round)] as number;
  }

  #begin(record: EpochRecord): void {
    this.#record = record;
    this.#index = 0n;
    const committee = createCommittee(record.epoch, record.members);
    this.#schedule = new LeaderSchedule(this.#hash, record.startBlockId, committee, record.params);
  }

  #learn(epoch: number, index: bigint, state: ScheduleState): void {
    if (epoch !== this.epoch || index <= this.#index) return;
    this.#index = index;
    if (state.commits === 0) this.#schedule?.restore(state);
  }
}
