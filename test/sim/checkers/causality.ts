/**
 * S6: what a validator accepts is causally complete above its garbage-collection round.
 *
 * Looked at where it counts: a vertex goes to the journal only after, or with, its ancestors.
 */
import type { Event, StepResult } from 'fanal-node/core/types.ts';
import { refKey } from '../disk.ts';
import type { SimNode } from '../node.ts';
import { type Observer, Violation } from '../observer.ts';
import type { AgreementChecker } from './agreement.ts';

export class CausalityChecker implements Observer {
  readonly #agreement: AgreementChecker;

  constructor(agreement: AgreementChecker) {
    this.#agreement = agreement;
  }

  stepped(node: SimNode, _event: Event, { writes }: StepResult): void {
    const together = new Set<string>();
    let gcRound = -1;
    for (const write of writes) {
      if (write.kind !== 'vertex') continue;
      const { ref, header } = write.vertex;
      together.add(refKey(ref));
      if (gcRound < 0) gcRound = node.status().gcRound;
      for (const ancestor of header.ancestors) {
        if (ancestor.round === 0 || ancestor.round <= gcRound) continue;
        if (together.has(refKey(ancestor)) || node.disk.vertex(header.epoch, ancestor)) continue;
        if (this.#agreement.isCommitted(header.epoch, refKey(ancestor))) continue;
        throw new Violation(
          'S6',
          `validator ${node.validator} stored ${ref.round}/${ref.author} without its ancestor ` +
            `${ancestor.round}/${ancestor.author}, collected up to ${gcRound}`,
        );
      }
    }
  }
}
