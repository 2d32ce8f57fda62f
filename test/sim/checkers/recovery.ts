/**
 * S12: a core rebuilt from the disk is the core that never stopped; and the disk has what a repair
 * needs, which executes again from the last certified block.
 *
 * Now and then, when all that a validator wrote is on stable storage, a second core boots from a
 * copy of that disk; its state must have the same hash.
 */
import { equalBytes } from 'fanal/primitives/bytes.ts';
import type { Core, Event, StepResult } from 'fanal-node/core/types.ts';
import type { SimNode } from '../node.ts';
import { type Observer, Violation } from '../observer.ts';
import type { Simulation } from '../simulation.ts';
import type { AgreementChecker } from './agreement.ts';

/** Samples between two looks at one validator. */
const SAMPLES_BETWEEN_LOOKS = 12;

export class RecoveryChecker implements Observer {
  readonly #simulation: Simulation;
  readonly #agreement: AgreementChecker;
  #samples = 0;
  /** How often a rebuilt core was compared. */
  compared = 0;

  constructor(simulation: Simulation, agreement: AgreementChecker) {
    this.#simulation = simulation;
    this.#agreement = agreement;
  }

  stepped(node: SimNode, _event: Event, { writes }: StepResult): void {
    for (const write of writes) {
      if (write.kind === 'gc') this.#checkKept(node, write.epoch, write.round);
    }
  }

  /** Vertices of the first commit after the last certified block are not given up. */
  #checkKept(node: SimNode, epoch: number, round: number): void {
    const { blocks, certifiedSize } = node.ledger;
    const header = blocks[Number(certifiedSize) - 2]?.header;
    if (header === undefined || header.epoch !== epoch) return;
    const next = this.#agreement.commit(epoch, header.commitIndex + 1n);
    const lost = next?.vertices.find((ref) => ref.round < round);
    if (lost !== undefined) {
      throw new Violation(
        'S12',
        `validator ${node.validator} gives up round ${lost.round}, which commit ${next?.index} of an uncertified block needs`,
      );
    }
  }

  sampled(): void {
    this.#samples++;
    const { machines } = this.#simulation;
    const turn = this.#samples % (SAMPLES_BETWEEN_LOOKS * machines.length);
    const node =
      turn % SAMPLES_BETWEEN_LOOKS === 0 ? machines[turn / SAMPLES_BETWEEN_LOOKS] : undefined;
    // A core that has halted takes no notice of what goes on: it is not what would come back.
    const halted = node?.core?.status().phase === 'halted';
    if (node?.up && !halted && node.isQuiet()) this.#compare(node, node.core as Core);
  }

  #compare(node: SimNode, core: Core): void {
    const shadow = this.#simulation.makeCore(node.validator);
    const stored = node.stored();
    shadow.step(node.clock.now(this.#simulation.now()), {
      kind: 'boot',
      stored,
      wallOffset: node.clock.wallOffset(),
    });
    this.compared++;
    if (!equalBytes(shadow.stateHash(), core.stateHash())) {
      throw new Violation(
        'S12',
        `validator ${node.validator} would come back as another: ` +
          `${JSON.stringify(core.status(), bigintText)} against ${JSON.stringify(shadow.status(), bigintText)}`,
      );
    }
  }
}

function bigintText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
