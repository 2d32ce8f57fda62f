/**
 * One validator on two machines: the same keys, and on the second one an empty disk, or one whose
 * journal is gone.
 *
 * Both run the real core. Each is connected to everybody, so each hears what the other signs; the
 * first that does stops, as it should. What the two signed before that is for the rest to survive.
 */
import type { Envelope } from '../envelope.ts';
import type { SimNode } from '../node.ts';
import type { Endpoint, Simulation } from '../simulation.ts';

const SECOND_STARTS_MICROS = 3_000_000;

export class Twins implements Endpoint {
  readonly #machines: readonly SimNode[];

  constructor(validator: number, simulation: Simulation) {
    const world = simulation.unobserved();
    this.#machines = [0, 1].map(() => simulation.machine(validator, world));
    simulation.at(0, () => this.#machines[0]?.boot());
    simulation.at(SECOND_STARTS_MICROS, () => {
      if (simulation.plan.seed % 2 === 0) this.#machines[1]?.disk.damage('wiped', 0);
      this.#machines[1]?.boot();
    });
  }

  get up(): boolean {
    return true;
  }

  receive(from: number, envelope: Envelope): void {
    for (const machine of this.#machines) machine.receive(from, envelope);
  }

  peerChanged(peer: number, up: boolean): void {
    for (const machine of this.#machines) machine.peerChanged(peer, up);
  }
}
