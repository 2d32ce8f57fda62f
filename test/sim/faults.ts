/**
 * Carries out the faults of a plan: each begins at its time and, where it has an end, ends then.
 */

import type { Envelope } from './envelope.ts';
import type { Network, Scheduler } from './network.ts';
import type { SimNode } from './node.ts';
import type { Fault } from './plan.ts';
import type { Random } from './random.ts';

/** What faults need of the run. */
export interface FaultPort {
  readonly nodes: number;
  readonly network: Network<Envelope>;
  readonly random: Random;
  /** False once the network is healed: nothing new begins. */
  faulty(): boolean;
  at(millis: number, action: () => void): void;
  nowMillis(): number;
  /** The honest machine of a validator; undefined for Byzantine ones. */
  machine(validator: number): SimNode | undefined;
  stop(machine: SimNode): void;
  restart(validator: number, downMillis: number): void;
  /** The validator whose vertex leads a round, by the newest schedule anybody has. */
  isLeader(validator: number, round: number): boolean;
}

export function scheduleFault(port: FaultPort, fault: Fault): void {
  const begin = (action: () => void) =>
    port.at(fault.at, () => {
      if (port.faulty()) action();
    });
  switch (fault.kind) {
    case 'partition': {
      const cuts = cutsBetween(fault.groups, fault.oneWay);
      begin(() => cutWhile(port, cuts, fault.until));
      return;
    }
    case 'rotate':
      begin(() => rotate(port, fault, fault.at));
      return;
    case 'flap':
      begin(() => flap(port, fault, true));
      return;
    case 'clog':
      begin(() => port.network.clog(fault.from, fault.to, fault.until * 1_000));
      return;
    case 'swizzle':
      begin(() => swizzle(port, fault));
      return;
    case 'slow':
      begin(() => port.network.slow(fault.node, fault.millis * 1_000));
      port.at(fault.until, () => port.network.slow(fault.node, 0));
      return;
    case 'filter':
      begin(() =>
        schedulerWhile(port, fault.until, ({ to, message }) =>
          to === fault.to && queueOf(message) === fault.message ? Number.POSITIVE_INFINITY : 0,
        ),
      );
      return;
    case 'delayLeader':
      begin(() =>
        schedulerWhile(port, fault.until, ({ from, message }) =>
          leads(port, from, message) ? fault.millis * 1_000 : 0,
        ),
      );
      return;
    case 'lastThird':
      begin(() =>
        schedulerWhile(port, fault.until, ({ from }) =>
          from === fault.victim ? fault.millis * 1_000 : 0,
        ),
      );
      return;
    case 'roundJump':
      begin(() => schedulerWhile(port, fault.until, roundJump(port, fault.millis)));
      return;
    case 'crash':
      begin(() => port.machine(fault.node)?.crashSoon(fault));
      return;
    case 'crashLoop':
      for (let i = 0; i < fault.times; i++) {
        port.at(fault.at + i * fault.everyMillis, () => {
          if (!port.faulty()) return;
          port.machine(fault.node)?.crashSoon({
            boundary: port.random.fraction(),
            downMillis: fault.everyMillis / 3,
            damage: 'none',
            backupMillis: 0,
          });
        });
      }
      return;
    case 'crashAll':
      begin(() => {
        for (let node = 0; node < port.nodes; node++) {
          const machine = port.machine(node);
          if (machine?.up) {
            port.stop(machine);
            port.restart(node, fault.downMillis + port.random.below(100));
          }
        }
      });
      return;
    case 'pause':
      begin(() => port.machine(fault.node)?.pause(fault.until * 1_000));
      return;
    case 'clock':
      begin(() => port.machine(fault.node)?.jumpClock(fault.millis));
      return;
    case 'slowDisk':
      begin(() => setDisk(port, fault.node, { slowMillis: fault.millis, full: false }));
      port.at(fault.until, () => setDisk(port, fault.node, { slowMillis: 0, full: false }));
      return;
    case 'wrongExecution':
      begin(() => port.machine(fault.node)?.ledger.executeWrongly());
      return;
    case 'fullDisk':
      begin(() => setDisk(port, fault.node, { slowMillis: 0, full: true }));
      port.at(fault.until, () => {
        setDisk(port, fault.node, { slowMillis: 0, full: false });
        if (port.faulty()) port.restart(fault.node, 0);
      });
      return;
  }
}

type Cut = readonly [from: number, to: number];

/** Every way between different groups; one way only from an earlier group to a later one. */
function cutsBetween(groups: readonly (readonly number[])[], oneWay: boolean): Cut[] {
  const cuts: Cut[] = [];
  for (const [i, group] of groups.entries()) {
    for (const [j, other] of groups.entries()) {
      if (i === j || (oneWay && i > j)) continue;
      for (const from of group) for (const to of other) cuts.push([from, to]);
    }
  }
  return cuts;
}

function cutWhile(port: FaultPort, cuts: readonly Cut[], until: number): void {
  for (const [from, to] of cuts) port.network.cut(from, to, true);
  port.at(until, () => {
    if (port.faulty()) for (const [from, to] of cuts) port.network.cut(from, to, false);
  });
}

function rotate(port: FaultPort, fault: Extract<Fault, { kind: 'rotate' }>, at: number): void {
  if (!port.faulty() || at >= fault.until) return;
  const first = port.random.below(port.nodes);
  const group = Array.from({ length: fault.size }, (_, i) => (first + i) % port.nodes);
  const rest = Array.from({ length: port.nodes }, (_, i) => i).filter((i) => !group.includes(i));
  const next = Math.min(fault.until, at + fault.everyMillis);
  cutWhile(port, cutsBetween([group, rest], false), next);
  port.at(next, () => rotate(port, fault, next));
}

function flap(port: FaultPort, fault: Extract<Fault, { kind: 'flap' }>, down: boolean): void {
  const at = port.nowMillis();
  if (!port.faulty() || at >= fault.until) return;
  const next = Math.min(fault.until, at + fault.everyMillis);
  if (down) {
    cutWhile(
      port,
      [
        [fault.a, fault.b],
        [fault.b, fault.a],
      ],
      next,
    );
  }
  port.at(next, () => flap(port, fault, !down));
}

function swizzle(port: FaultPort, fault: Extract<Fault, { kind: 'swizzle' }>): void {
  const { at, until, nodes } = fault;
  const back = port.random.shuffled(nodes);
  const step = (until - at) / (2 * nodes.length + 1);
  for (const [i, node] of nodes.entries()) {
    const rest = Array.from({ length: port.nodes }, (_, other) => other).filter((o) => o !== node);
    const end = until - step * back.indexOf(node);
    port.at(at + step * i, () => {
      if (port.faulty()) cutWhile(port, cutsBetween([[node], rest], false), end);
    });
  }
}

function schedulerWhile(port: FaultPort, until: number, scheduler: Scheduler<Envelope>): void {
  port.network.schedule(scheduler);
  port.at(until, () => port.network.unschedule(scheduler));
}

/** In every round another third is fed late, so that its members always want to skip ahead. */
function roundJump(port: FaultPort, millis: number): Scheduler<Envelope> {
  return ({ to, message }) => {
    if (message.kind !== 'message' || message.message.kind !== 'vertices') return 0;
    const round = message.message.vertices.at(-1)?.ref.round ?? 0;
    const third = Math.max(1, Math.floor(port.nodes / 3));
    return (to + round) % port.nodes < third ? millis * 1_000 : 0;
  };
}

/** Says whether an envelope brings the sender's own vertex for a round that it leads. */
function leads(port: FaultPort, from: number, envelope: Envelope): boolean {
  if (envelope.kind !== 'message' || envelope.message.kind !== 'vertices') return false;
  const own = envelope.message.vertices.at(-1);
  return own !== undefined && port.isLeader(from, own.ref.round);
}

/** The class of an envelope, as filters know it. */
function queueOf(envelope: Envelope): 'vertex' | 'cosignature' | 'sync' {
  if (envelope.kind !== 'message') return 'sync';
  switch (envelope.message.kind) {
    case 'vertices':
      return 'vertex';
    case 'cosignature':
    case 'certified':
      return 'cosignature';
    case 'subscribe':
    case 'askOwn':
    case 'ownReport':
      return 'sync';
  }
}

function setDisk(port: FaultPort, node: number, state: SimNode['diskState']): void {
  const machine = port.machine(node);
  if (machine !== undefined) machine.diskState = state;
}
