/**
 * S13: hashes what every core was told and what it answered. Two runs of one plan must agree.
 */
import type { Event, PeerMessage, StepResult } from 'fanal-node/core/types.ts';
import type { SimNode } from '../node.ts';
import type { Observer } from '../observer.ts';
import type { Simulation } from '../simulation.ts';
import { Trace } from '../trace.ts';

export class StepTrace implements Observer {
  readonly #simulation: Simulation;
  readonly #trace = new Trace();
  /** Steps of all cores. */
  steps = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** 16 hex digits that stand for the whole run. */
  hash(): string {
    return this.#trace.hash();
  }

  stepped(node: SimNode, event: Event, result: StepResult): void {
    const trace = this.#trace;
    this.steps++;
    trace.number(this.#simulation.now());
    trace.number(node.validator);
    trace.text(event.kind);
    trace.number(result.now.length);
    trace.number(result.afterSync.length);
    for (const write of result.writes) {
      trace.text(write.kind);
      if (write.kind === 'vertex') trace.digest(write.vertex.ref.digest);
      else if (write.kind === 'commit') trace.digest(write.commit.digest);
      else if (write.kind === 'certified') trace.digest(write.checkpoint.root);
    }
    for (const effect of [...result.now, ...result.afterSync]) trace.text(effect.kind);
  }

  sending(_node: SimNode, message: PeerMessage): void {
    this.#trace.text(message.kind);
    if (message.kind === 'vertices') {
      for (const vertex of message.vertices) this.#trace.digest(vertex.ref.digest);
    }
  }

  booted(node: SimNode): void {
    this.#trace.number(1_000 + node.validator);
  }

  crashed(node: SimNode): void {
    this.#trace.number(2_000 + node.validator);
  }
}
