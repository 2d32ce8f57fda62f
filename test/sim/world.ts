/**
 * The world as a simulated machine sees it.
 */
import type { Alarm, Core } from 'fanal-node/core/types.ts';
import type { Envelope } from './envelope.ts';
import type { Inbound } from './inbound.ts';
import type { Membership } from './membership.ts';
import type { SimNode } from './node.ts';
import type { Observer } from './observer.ts';
import type { DiskDamage, Plan } from './plan.ts';
import type { Micros } from './queue.ts';

/** What a machine needs of the world around it. */
export interface World {
  readonly plan: Plan;
  readonly membership: Membership;
  readonly inbound: Inbound;
  readonly observers: readonly Observer[];
  now(): Micros;
  at(time: Micros, action: () => void): void;
  transmit(from: number, to: number, envelope: Envelope): void;
  connected(from: number, to: number): boolean;
  makeCore(validator: number): Core;
  /** Honest validators that this one is connected to and that run. */
  reachable(validator: number): SimNode[];
  /** A validator took blocks from a peer. */
  ledgerSynced(node: SimNode): void;
  /** Signature checks take processor time; the result is there after it. */
  afterChecks(validator: number, checks: number, action: () => void): void;
  /** The process ends here: a planned crash, or a disk that takes no more writes. */
  stopped(node: SimNode, why: PlannedCrash | 'disk'): void;
  /** The core will not go on without an operator. */
  halted(node: SimNode, reason: Alarm, info: string): void;
}

/** A crash at one of the boundaries of the next step that writes or sends anything. */
export interface PlannedCrash {
  /** In [0, 1): which boundary. */
  readonly boundary: number;
  readonly downMillis: number;
  readonly damage: DiskDamage;
  readonly backupMillis: number;
}
