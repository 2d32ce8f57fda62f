/**
 * Who watches a run: checkers, counters, measurements. They see everything and change nothing.
 */
import type {
  CertifiedCheckpoint,
  Event,
  MarkName,
  PeerMessage,
  StepResult,
} from 'fanal-node/core/types.ts';
import type { ExecutedBlock } from './ledger.ts';
import type { SimNode } from './node.ts';
import type { Micros } from './queue.ts';

export interface Observer {
  /** A core took a step. Its writes and effects have not been carried out yet. */
  stepped?(node: SimNode, event: Event, result: StepResult): void;
  /** A message of an honest validator leaves the machine. */
  sending?(node: SimNode, message: PeerMessage): void;
  executed?(node: SimNode, block: ExecutedBlock): void;
  certified?(node: SimNode, checkpoint: CertifiedCheckpoint): void;
  booted?(node: SimNode): void;
  crashed?(node: SimNode): void;
  marked?(node: SimNode, name: MarkName, count: number): void;
  /** Once in a while, between steps. */
  sampled?(at: Micros): void;
  /** The network is healed and everybody is back: from now on progress is promised. */
  healed?(at: Micros): void;
  /** The run is over. */
  finished?(at: Micros): void;
}

/** Something that must never happen did. */
export class Violation extends Error {
  override readonly name = 'Violation';
  /** `S3`, `L1`, … */
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}
