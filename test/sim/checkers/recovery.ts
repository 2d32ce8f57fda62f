/**
 * S12: a core rebuilt from the disk is the core that never stopped.
 *
 * Now and then, when all that a validator wrote is on stable storage, a second core boots from a
 * copy of that disk; its state must have the same hash.
 */
import { equalBytes } from 'fanal/primitives/bytes.ts';
import type { Core } from 'fanal-node/core/types.ts';
import type { SimNode } from '../node.ts';
import { type Observer, Violation } from '../observer.ts';
import type { Simulation } from '../simulation.ts';

/** Samples between two looks at one validator. */
const SAMPLES_BETWEEN_LOOKS = 12;

export class RecoveryChecker implements Observer {
  readonly #simulation: Simulation;
  #samples = 0;
  /** How often a rebuilt core was compared. */
  compared = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
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
