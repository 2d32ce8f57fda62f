/**
 * Runs the baseline on the simulated network and reports its delays.
 */
import { Network, type Packet } from '../network.ts';
import type { NetworkOptions } from '../plan.ts';
import { Processors } from '../processor.ts';
import { EventQueue, type Micros } from '../queue.ts';
import { stream } from '../random.ts';
import { Samples } from '../samples.ts';
import { type BullsharkMessage, BullsharkValidator, type CertifiedVertex } from './validator.ts';

export interface BullsharkCase {
  readonly seed: number;
  readonly validators: number;
  /** The first so many validators never start. */
  readonly crashed: readonly number[];
  readonly nonVoters: readonly number[];
  readonly network: NetworkOptions;
  readonly checkMicros: number;
  readonly payloadBytes: number;
  readonly leaderTimeoutMillis: number;
  readonly minRoundDelayMillis: number;
  /** Stops after so much virtual time, or after so many commits at every running validator. */
  readonly maxSeconds: number;
  readonly commits: number;
}

export interface BullsharkReport {
  /** From making the anchor's header to committing it, at every validator. */
  readonly leader: Samples;
  /** The same for every vertex of the committed histories. */
  readonly anyVertex: Samples;
  /** When the median validator committed for the first time. */
  readonly firstCommit: Micros | undefined;
  readonly commits: number;
  readonly virtualMicros: Micros;
}

type BullsharkEvent =
  | { readonly kind: 'arrive'; readonly packet: Packet<BullsharkMessage> }
  | { readonly kind: 'handle'; readonly packet: Packet<BullsharkMessage> }
  | { readonly kind: 'wake'; readonly node: number };

export function runBullshark(options: BullsharkCase): BullsharkReport {
  const { validators: n, seed } = options;
  const quorum = n - Math.floor((n - 1) / 3);
  const queue = new EventQueue<BullsharkEvent>();
  const network = new Network<BullsharkMessage>(n, options.network, stream(seed, 'network'));
  const processors = new Processors(n, options.checkMicros);
  const report = { leader: new Samples(), anyVertex: new Samples(), first: new Samples() };
  const crashed = new Set(options.crashed);
  const histories = new Map<CertifiedVertex, readonly CertifiedVertex[]>();
  const commitsByNode = new Uint32Array(n);
  let finished = 0;

  function send(from: number, to: number, message: BullsharkMessage): void {
    if (crashed.has(to)) return;
    const sizeBytes = sizeOf(message, n, quorum, options.payloadBytes);
    const packet = { from, to, message, sizeBytes, sentAt: queue.now };
    for (const at of network.send(packet).arrivals) queue.push(at, { kind: 'arrive', packet });
  }

  function committed(validator: BullsharkValidator, me: number, anchor: CertifiedVertex): void {
    let history = histories.get(anchor);
    if (history === undefined) {
      history = validator.history(anchor);
      histories.set(anchor, history);
    }
    report.leader.add(queue.now - anchor.createdAt);
    for (const vertex of history) report.anyVertex.add(queue.now - vertex.createdAt);
    const count = (commitsByNode[me] as number) + 1;
    commitsByNode[me] = count;
    if (count === 1) report.first.add(queue.now);
    if (count === options.commits) finished++;
  }

  const nodes = Array.from({ length: n }, (_, me) => {
    const validator: BullsharkValidator = new BullsharkValidator(
      me,
      {
        validators: n,
        leaderTimeout: options.leaderTimeoutMillis * 1_000,
        minRoundDelay: options.minRoundDelayMillis * 1_000,
        neverVotes: options.nonVoters.includes(me),
      },
      {
        now: () => queue.now,
        send(to, message) {
          if (to !== 'all') send(me, to, message);
          else for (let peer = 0; peer < n; peer++) if (peer !== me) send(me, peer, message);
        },
        wakeAt: (at) => queue.push(at, { kind: 'wake', node: me }),
        committed: (anchor) => committed(validator, me, anchor),
      },
    );
    return validator;
  });

  for (const [me, validator] of nodes.entries()) if (!crashed.has(me)) validator.start();
  const end = options.maxSeconds * 1_000_000;
  while (finished < n - crashed.size) {
    const event = queue.pop();
    if (event === undefined || queue.now > end) break;
    switch (event.kind) {
      case 'arrive': {
        const { packet } = event;
        const received = network.received(packet.to, packet.sizeBytes, queue.now);
        const checks = BullsharkValidator.checks(packet.message, quorum);
        const at = processors.checked(packet.to, checks, received);
        queue.push(at, { kind: 'handle', packet });
        break;
      }
      case 'handle':
        nodes[event.packet.to]?.receive(event.packet.from, event.packet.message);
        break;
      case 'wake':
        nodes[event.node]?.wake();
        break;
    }
  }
  return {
    leader: report.leader,
    anyVertex: report.anyVertex,
    firstCommit: report.first.percentile(0.5),
    commits: Math.max(...commitsByNode),
    virtualMicros: queue.now,
  };
}

/** Bytes on the wire: parents as a bitmap, a certificate with a signature of each voter. */
function sizeOf(
  message: BullsharkMessage,
  validators: number,
  quorum: number,
  payloadBytes: number,
): number {
  const header = 160 + Math.ceil(validators / 8);
  switch (message.kind) {
    case 'header':
      return header + payloadBytes;
    case 'vote':
      return 140;
    case 'certificate':
      return header + Math.ceil(validators / 8) + 64 * quorum;
  }
}
