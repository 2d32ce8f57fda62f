/**
 * S14: everything that can pile up stays within its limit, at all times.
 */
import type { Event, StepResult } from 'fanal-node/core/types.ts';
import type { SimNode } from '../node.ts';
import { type Observer, Violation } from '../observer.ts';
import type { Plan } from '../plan.ts';

/** Looking inside costs a little, so it is done once in so many steps. */
const STEPS_BETWEEN_LOOKS = 16;

export class LimitChecker implements Observer {
  readonly #limits: Readonly<Record<string, number>>;
  readonly #maxUncertified: bigint;
  /** The most that was seen of each, for the report. */
  readonly most = new Map<string, number>();
  #steps = 0;

  constructor({ stakes, chain }: Plan, maxUncertified: number) {
    const nodes = stakes.length;
    const suspendedOfAuthor = 2 * chain.gcDepth;
    this.#limits = {
      suspended: nodes * suspendedOfAuthor,
      missing: nodes * (256 + 4 * nodes),
      held: nodes * 8,
      fetching: nodes * 4,
      pendingCosignatures: nodes * 128 * 2,
    };
    // One more block is on its way when the limit is reached, and an epoch's last one may follow.
    this.#maxUncertified = BigInt(maxUncertified + 2);
  }

  stepped(node: SimNode, _event: Event, _result: StepResult): void {
    if (++this.#steps % STEPS_BETWEEN_LOOKS !== 0) return;
    const status = node.status();
    for (const [what, limit] of Object.entries(this.#limits)) {
      const value = status[what as 'suspended'];
      if (value > (this.most.get(what) ?? 0)) this.most.set(what, value);
      if (value > limit) {
        throw new Violation(
          'S14',
          `validator ${node.validator} has ${value} ${what}, over ${limit}`,
        );
      }
    }
    const uncertified = status.executedHeight + 1n - status.certifiedSize;
    if (uncertified > this.#maxUncertified) {
      throw new Violation(
        'S14',
        `validator ${node.validator} is ${uncertified} blocks ahead of certificates`,
      );
    }
  }
}
